"""What is found from a pack once lies beside it, and goes with it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from overcast.core.errors import UserError
from overcast.prepare.derived import derived_path, digest, keep
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
        keep(derived_path(tmp_path, "found", name, each, ".txt"), name)
    keep(derived_path(tmp_path, "found", "a", pack, ".json"), "{}")
    assert sorted(path.name for path in (tmp_path / "found").iterdir() if path.suffix == ".txt") == [
        f"a-{'0' * 16}.txt"
    ]


def test_what_cannot_be_kept_is_said(data: Path, tmp_path: Path) -> None:
    (tmp_path / "found").write_text("a file where the folder would be")
    with pytest.raises(UserError, match="something is in its way"):
        keep(derived_path(tmp_path, "found", "a", open_pack(data, "skies"), ".txt"), "a")
