"""Files of each class, copied and listed in the same order on every machine, without what is hidden."""

from __future__ import annotations

from pathlib import Path

from overcast.data._folders import copy_classes, files_of_classes


def test_copied_to_the_same_places(tmp_path: Path) -> None:
    names = ["b/2", "b/deep/1", "a/1", "a/.hidden", "a/.git/x", ".cache/1", "top"]
    for name in names:
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text(name)
    raw = tmp_path / "raw"
    raw.mkdir()
    copy_classes(str(tmp_path / "in"), raw, "things")
    found = files_of_classes(raw)
    assert [(file.relative_to(raw).as_posix(), label) for file, label in found] == [
        ("a/1", "a"),
        ("b/2", "b"),
        ("b/deep/1", "b"),
    ]
    assert found[2][0].read_text() == "b/deep/1"
