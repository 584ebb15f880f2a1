"""Archives that are missing, damaged, hostile or too large, full disks, and files that were changed."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import json
import re
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from overcast.core.errors import UserError
from overcast.data import DataSet, Sample
from overcast.fetch import archives
from overcast.fetch.manifest import VERIFIED, verify
from overcast.fetch.source import get_archive
from overcast.prepare.download import FETCHED, download

NOWHERE = "http://127.0.0.1:9/a.zip"


class OneFile(DataSet):
    raw_options = ("text",)

    def __init__(self, text: str = "new", error: BaseException | None = None) -> None:
        self.text, self.error = text, error

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        (raw / "a.txt").write_text(self.text)
        if self.error:
            raise self.error

    def samples(self, raw: Path) -> list[Sample]:
        return [Sample("a.txt", "a")]

    def read(self, path: Path) -> np.ndarray:
        return np.array(path.read_text().split())


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def tarred(path: Path, members: dict[str, bytes], **odd: object) -> Path:
    """A compressed tar; ``odd`` is set on its last member."""
    with tarfile.open(path, "w:gz") as file:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            for key, value in odd.items() if name == list(members)[-1] else ():
                setattr(member, key, value)
            file.addfile(member, io.BytesIO(data))
    return path


def test_download_replaces_what_was_there_and_notes_the_options(tmp_path: Path) -> None:
    stale = tmp_path / "x" / "raw.part"
    stale.mkdir(parents=True)
    (stale / "half").touch()
    download("x", OneFile("old"), tmp_path, None)
    raw = download("x", OneFile("new"), tmp_path, None)
    assert sorted(path.name for path in raw.iterdir()) == ["a.txt", FETCHED]
    assert (raw / "a.txt").read_text() == "new"
    facts = json.loads((raw / FETCHED).read_text())
    assert (facts["name"], facts["options"]) == ("x", {"text": "new"})
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == ["raw", "raw.part"]  # which is not ours


@pytest.mark.parametrize(
    ("error", "seen", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), UserError, "No space left on .*run again"),
        (PermissionError(errno.EACCES, "Permission denied", "/there"), UserError, "/there"),
        (UserError("wrong archive"), UserError, "wrong archive"),
        (KeyboardInterrupt("Ctrl-C"), KeyboardInterrupt, "Ctrl-C"),
        (FileNotFoundError(errno.ENOENT, "bug"), FileNotFoundError, "bug"),
    ],
)
def test_a_failed_download_keeps_the_old_one_and_nothing_half_written(
    tmp_path: Path, error: BaseException, seen: type[BaseException], message: str
) -> None:
    download("x", OneFile("old"), tmp_path, None)
    with pytest.raises(seen, match=message):
        download("x", OneFile("new", error), tmp_path, None)
    assert (tmp_path / "x" / "raw" / "a.txt").read_text() == "old"
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["raw"]


def test_archive_from_the_mirror(tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "a.zip").write_bytes(b"abc")
    assert get_archive(NOWHERE, tmp_path / "mirror", "a.zip", tmp_path).read_bytes() == b"abc"


def test_mirror_without_the_file_and_no_mirror_at_all(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no file a\.zip: put it there"):
        get_archive(NOWHERE, tmp_path, "a.zip", tmp_path)
    with pytest.raises(UserError, match="no mirror folder"):
        get_archive(NOWHERE, tmp_path / "none", "a.zip", tmp_path)


def test_no_network(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Could not reach 127\.0\.0\.1:9.*mirror=<folder>.*OVERCAST_MIRROR"):
        get_archive(NOWHERE, None, "a.zip", tmp_path, retries=0)
    assert list(tmp_path.iterdir()) == []


def test_unpack_keeps_what_is_wanted(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"top/a/1.txt": b"1", "top/skip.txt": b"2", "top/b/": b""})
    names = {"top/a/1.txt": "a/1.txt"}
    assert archives.unpack(path, tmp_path / "out", names.get) == 1
    assert [p.name for p in (tmp_path / "out").rglob("*") if p.is_file()] == ["1.txt"]


def test_fetched_unpacked_and_gone(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    zipped(tmp_path / "a.zip", {"top/a/1.txt": b"1", "top/skip": b"2"})
    archives.fetch_archive(NOWHERE, tmp_path, "a.zip", tmp_path / "raw", re.compile(r"[^/]+/(a/\d\.txt)"))
    assert [path.relative_to(tmp_path).as_posix() for path in (tmp_path / "raw").rglob("*")] == [
        "raw/a",
        "raw/a/1.txt",
    ]


def test_unpack_a_tar(tmp_path: Path) -> None:
    path = tarred(tmp_path / "a.tar.gz", {"top/a/1.txt": b"1" * 3_000_000, "top/skip.txt": b"2"})
    names = {"top/a/1.txt": "a/1.txt"}
    assert archives.unpack(path, tmp_path / "out", names.get) == 1
    assert [p.name for p in (tmp_path / "out").rglob("*") if p.is_file()] == ["1.txt"]
    assert (tmp_path / "out/a/1.txt").read_bytes() == b"1" * 3_000_000


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_a_tar_with_a_link_or_device(tmp_path: Path, kind: bytes) -> None:
    path = tarred(tmp_path / "a.tar.gz", {"a": b"", "b": b""}, type=kind, linkname="/etc/passwd")
    with pytest.raises(UserError, match=r"a\.tar\.gz holds a link or device \(b\): do not use this archive"):
        archives.unpack(path, tmp_path / "out", str)


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "..\\evil", "C:/evil"])
def test_no_member_may_leave_the_folder(tmp_path: Path, name: str) -> None:
    for path in (zipped(tmp_path / "a.zip", {"x": b"1"}), tarred(tmp_path / "a.tar.gz", {"x": b"1"})):
        with pytest.raises(UserError, match="outside its folder"):
            archives.unpack(path, tmp_path / "out", lambda _: name)
    with pytest.raises(UserError, match="outside its folder"):
        archives.unpack(tarred(tmp_path / "b.tar.gz", {name: b"1"}), tmp_path / "out", str)
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize("name", ["../evil", "/evil", "top/../../evil", "..\\evil", "C:/evil", "C:\\evil"])
@pytest.mark.parametrize("members", [r"top/(a\.txt)", r".*?(\w+(?:\.txt)?)"])
@pytest.mark.parametrize(("made", "archive"), [(zipped, "a.zip"), (tarred, "a.tar.gz")])
def test_an_archive_with_a_name_that_leads_out_is_refused_whole(
    tmp_path: Path, name: str, made: Callable[[Path, dict[str, bytes]], Path], archive: str, members: str
) -> None:
    """Whether the file would be left out, or kept under a name of ours: who made such an archive meant harm."""

    class Fetching(OneFile):
        def fetch(self, raw: Path, mirror: Path | None) -> None:
            archives.fetch_archive(NOWHERE, mirror, archive, raw, re.compile(members))

    (tmp_path / "mirror").mkdir()
    made(tmp_path / "mirror" / archive, {"top/a.txt": b"a", name: b"b"})
    with pytest.raises(UserError, match=r"would write outside its folder \(.*evil\): do not use this archive"):
        download("x", Fetching(), tmp_path / "data", tmp_path / "mirror")
    assert not list(tmp_path.rglob("*evil*"))
    assert not list((tmp_path / "data").rglob("*.txt"))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_a_zip_with_a_link_or_device(tmp_path: Path, kind: int) -> None:
    member = zipfile.ZipInfo("b")
    member.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("a", b"1")
        file.writestr(member, b"/etc/passwd")
    with pytest.raises(UserError, match=r"a\.zip holds a link or device \(b\): do not use this archive"):
        archives.unpack(tmp_path / "a.zip", tmp_path / "out", {"a": "a"}.get)


def test_two_files_that_would_be_one(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"one/a": b"1", "two/a": b"2"})
    with pytest.raises(UserError, match=r"a\.zip holds two files a: it is not the expected archive"):
        archives.unpack(path, tmp_path / "out", lambda name: name.rpartition("/")[2])


@pytest.mark.parametrize(("made", "name"), [(zipped, "a.zip"), (tarred, "a.tar.gz")])
def test_bombs(tmp_path: Path, made: Callable[[Path, dict[str, bytes]], Path], name: str) -> None:
    path = made(tmp_path / name, {f"{i}": bytes(100_000) for i in range(5)})
    with pytest.raises(UserError, match="more than it may"):
        archives.unpack(path, tmp_path / "out", str, max_bytes=250_000)
    with pytest.raises(UserError, match="more than 4 files"):
        archives.unpack(path, tmp_path / "out", str, max_files=4)


def test_damaged_or_foreign_zip(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "a.zip", {"a": b"some text" * 100}).read_bytes()
    for number, data in enumerate([b"", b"<html>", whole[:-30], whole[:40] + b"\x00\xff\x00" + whole[43:]]):
        (tmp_path / "b.zip").write_bytes(data)
        with pytest.raises(UserError, match=r"b\.zip is damaged"):
            archives.unpack(tmp_path / "b.zip", tmp_path / f"out{number}", str)
    with pytest.raises(UserError, match="none of the expected files"):
        archives.unpack(tmp_path / "a.zip", tmp_path / "out", lambda _: None)


def test_damaged_or_foreign_tar(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).bytes(20_000)
    whole = tarred(tmp_path / "a.tar.gz", {"a": noise}).read_bytes()
    changed = whole[:5000] + b"\xff" * 9 + whole[5009:]  # which only the check sum at the end tells
    for number, data in enumerate([b"", b"<html>", whole[:30], whole[:9000], changed]):
        (tmp_path / "b.tar.gz").write_bytes(data)
        with pytest.raises(UserError, match=r"b\.tar\.gz is damaged"):
            archives.unpack(tmp_path / "b.tar.gz", tmp_path / f"out{number}", str)


def test_gunzip(tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"text" * 1000))
    assert archives.gunzip(tmp_path / "a.txt.gz", tmp_path / "out", 4000).read_bytes() == b"text" * 1000
    with pytest.raises(UserError, match=r"a\.txt\.gz unpacks to more than it may"):
        archives.gunzip(tmp_path / "a.txt.gz", tmp_path / "out", 3999)


def test_damaged_gz(tmp_path: Path) -> None:
    whole = gzip.compress(bytes(range(256)) * 100)
    for data in [b"", b"<html>", whole[:-9], whole[:20] + b"\xff\x00\xff" + whole[23:], whole[:-8] + b"sum sum "]:
        (tmp_path / "b.gz").write_bytes(data)
        with pytest.raises(UserError, match=r"b\.gz is damaged"):
            archives.gunzip(tmp_path / "b.gz", tmp_path / "out")


def test_verify(tmp_path: Path) -> None:
    raw, manifest = tmp_path / "raw", tmp_path / "x.sha256"
    (raw / "a").mkdir(parents=True)
    (raw / "a" / "known file").write_bytes(b"1")
    (raw / "a" / "unlisted").write_bytes(b"2")
    digest = hashlib.sha256(b"1").hexdigest()
    manifest.write_text(f"{digest}  a/known file\n{digest}  a/missing\n")
    expected = {"unlisted": ["a/unlisted"], "missing": ["a/missing"]}
    assert verify(raw, manifest) == expected
    assert json.loads((raw / VERIFIED).read_text()) == expected
    (raw / "a" / "known file").write_bytes(b"other")
    with pytest.raises(UserError, match=r"1 file\(s\) are not what they should be: a/known file"):
        verify(raw, manifest)
