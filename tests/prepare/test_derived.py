"""What is found from a pack once lies beside it, and goes with it."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from overcast.core.errors import UserError
from overcast.prepare.derived import derive, derived_path, digest, is_kept, keep
from overcast.prepare.pack import open_pack


def test_names_tell_rows_and_settings_apart() -> None:
    rows = np.arange(5)
    names = [digest(rows), digest(rows[::-1]), digest(rows, "4"), digest("a"), digest("b")]
    assert len(set(names)) == len(names)
    assert digest(rows, "4") == digest(rows.copy(), "4")


def test_what_another_pack_gave_is_removed(data: Path, tmp_path: Path) -> None:
    pack = open_pack(data, "skies")
    other = replace(pack, info=pack.info | {"fingerprint": "0" * 64})
    for each, name in ((pack, "a"), (pack, "b"), (other, "a")):
        keep(derived_path(tmp_path, "found", name, each, ".txt"), name.encode())
    keep(derived_path(tmp_path, "found", "a", pack, ".json"), b"{}")
    assert sorted(path.name for path in (tmp_path / "found").iterdir() if path.suffix == ".txt") == [
        f"a-{'0' * 16}.txt"
    ]


def test_what_cannot_be_kept_is_said(data: Path, tmp_path: Path) -> None:
    (tmp_path / "found").write_text("a file where the folder would be")
    with pytest.raises(UserError, match="something is in its way"):
        keep(derived_path(tmp_path, "found", "a", open_pack(data, "skies"), ".txt"), b"a")


HARM = {
    "empty": lambda content: b"",
    "cut": lambda content: content[:-1],
    "half": lambda content: content[: len(content) // 2],
    "a bit": lambda content: content[:5] + bytes([content[5] ^ 1]) + content[6:],
    "its hash": lambda content: content[:-1] + b"x",
    "as an earlier version wrote it": lambda content: content[:-64],
}


@pytest.mark.parametrize("harm", HARM)
def test_what_is_damaged_is_found_anew_and_said(
    harm: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = derived_path(tmp_path, "found", "a", open_pack(data, "skies"), ".txt")
    for _ in range(2):
        assert derive(path, lambda: b"what was found") == b"what was found"
    assert not capsys.readouterr().err
    whole = path.read_bytes()
    path.write_bytes(HARM[harm](whole))
    assert not is_kept(path)
    assert derive(path, lambda: b"what was found") == b"what was found"
    assert f"{path} was damaged, or is of another version: found anew" in capsys.readouterr().err
    assert path.read_bytes() == whole
    assert derive(path, lambda: b"never asked for") == b"what was found"


def test_an_array_that_is_kept_is_mapped_into_memory(data: Path, tmp_path: Path) -> None:
    path, buffer = derived_path(tmp_path, "found", "a", open_pack(data, "skies"), ".npy"), io.BytesIO()
    values = np.arange(12.0).reshape(3, 4)
    np.save(buffer, values)
    keep(path, buffer.getvalue())
    mapped = np.load(path, mmap_mode="r")
    assert isinstance(mapped, np.memmap)
    assert (mapped == values).all()
