"""Archives with members of any name and kind, whole or damaged: unpacked inside their folder, or refused."""

from __future__ import annotations

import contextlib
import io
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from overcast.core.errors import UserError
from overcast.fetch.archives import unpack
from texts import names

member_names = st.one_of(
    names, names.map(lambda name: f"../{name}"), names.map(lambda name: f"/{name}"), st.just("a/../../b")
)
KINDS = [tarfile.REGTYPE, tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE]
members = st.lists(st.tuples(member_names, st.binary(max_size=30), st.sampled_from(KINDS)), max_size=5)
archives = st.tuples(members, st.sampled_from(["a.zip", "a.tar.gz"]), st.integers(0, 60), st.booleans())


def write(path: Path, found: list[tuple[str, bytes, bytes]]) -> None:
    """An archive with these members; a zip knows files alone."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content, _ in found:
                archive.writestr(zipfile.ZipInfo(name.encode("utf8", "replace").decode() or "x"), content)
        return
    with tarfile.open(path, "w:gz") as archive:
        for name, content, kind in found:
            info = tarfile.TarInfo(name.replace("\0", "_"))
            info.type, info.linkname, info.size = kind, "/etc/passwd", len(content) * (kind == tarfile.REGTYPE)
            archive.addfile(info, io.BytesIO(content))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archives(fuzz: Any) -> None:
    def check(value: Any) -> None:
        found, name, cut, is_cut = value
        with tempfile.TemporaryDirectory() as folder:
            path, into = Path(folder, "in", name), Path(folder, "deep", "out")
            path.parent.mkdir()
            into.mkdir(parents=True)
            write(path, found)
            if is_cut:
                path.write_bytes(path.read_bytes()[: -1 - cut])
            before = sorted(Path(folder).rglob("*"))
            with contextlib.suppress(UserError):
                unpack(path, into, lambda name: name)
            outside = [path for path in Path(folder).rglob("*") if not path.is_relative_to(into)]
            assert sorted(outside) == [path for path in before if not path.is_relative_to(into)]
            assert not [path for path in into.rglob("*") if path.is_symlink()]

    fuzz(archives, check)
