"""What is written is read again, for its own seed, folds and pack alone; each reason not to is said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from overcast.core.errors import UserError
from overcast.prepare.pack import FORMAT
from overcast.prepare.split import read_parts, read_split_info, split


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The index of a pack, which is all that split reads."""
    folder = tmp_path / "x" / "pack"
    folder.mkdir(parents=True)
    lines = [f'{i},"f,{i}",{"ab"[i % 2]},,,{i // 4},h' for i in range(80)]
    (folder / "index.csv").write_text("row,file,label,group,part,duplicate,hash\n" + "\n".join(lines) + "\n")
    (folder / "pack.json").write_text(json.dumps({"format": FORMAT, "options": {}, "fingerprint": "f0", "counts": {}}))
    return tmp_path


def test_written_and_read(root: Path) -> None:
    split("x", root, seed=1, folds=5)
    parts = [read_parts(root, "x", 1, fold, 5) for fold in range(5)]
    assert sum((part == "test").astype(int) for part in parts).tolist() == [1] * 80
    assert read_split_info(root, "x")["counts"]["fold0"]["test"] == (parts[0] == "test").sum()
    assert sorted(path.name for path in (root / "x").iterdir()) == ["pack", "parts.csv", "parts.json"]
    text, about = (root / "x/parts.csv").read_bytes(), read_split_info(root, "x")
    split("x", root, seed=1, folds=5)
    assert (root / "x/parts.csv").read_bytes() == text
    assert read_split_info(root, "x") == about


def test_a_pack_says_that_it_is_cut_by_time(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    info = {"format": FORMAT, "options": {}, "fingerprint": "f0", "counts": {}, "time": {"gap": 3, "known": 1}}
    (root / "x/pack/pack.json").write_text(json.dumps(info))
    split("x", root, seed=1, folds=3)
    assert "6 rows are not used: they lie between parts that are cut by time" in capsys.readouterr().out
    assert read_parts(root, "x", 1, 0, 3)[64:].tolist() == ["test"] * 16
    assert read_parts(root, "x", 1, 2, 3)[48:].tolist() == ["unused"] * 32


def test_each_reason_not_to_read_a_split(root: Path) -> None:
    with pytest.raises(UserError, match=r"not been split yet: run `python pipelines/split\.py data=x`"):
        read_parts(root, "x", 1, 0, 5)
    split("x", root, seed=1, folds=5)
    with pytest.raises(UserError, match="made with seed=1, folds=5, but the config asks for seed=2, folds=5"):
        read_parts(root, "x", 2, 0, 5)
    with pytest.raises(UserError, match="choose 0 to 4"):
        read_parts(root, "x", 1, 5, 5)
    path = root / "x/parts.csv"
    path.write_text(path.read_text().replace("test", "train", 1))
    with pytest.raises(UserError, match="damaged"):
        read_parts(root, "x", 1, 0, 5)
    (root / "x/pack/pack.json").write_text(
        json.dumps({"format": FORMAT, "options": {}, "fingerprint": "f1", "counts": {}})
    )
    with pytest.raises(UserError, match=r"has changed since .* run `python pipelines/split\.py data=x`"):
        read_parts(root, "x", 1, 0, 5)
    (root / "x/parts.json").write_text("{")
    with pytest.raises(UserError, match="damaged"):
        read_parts(root, "x", 1, 0, 5)


def test_random_folds_cut_sources_but_no_duplicates(root: Path) -> None:
    with pytest.raises(UserError, match=r"not been split"):
        read_parts(root, "x", 1, 0, 5, ignore_groups=True)
    split("x", root, seed=1, folds=5)
    assert "random" not in (root / "x/parts.csv").read_text()
    with pytest.raises(UserError, match=r"split\.ignore_groups=true ignores source groups .* and x has none"):
        read_parts(root, "x", 1, 0, 5, ignore_groups=True)
    index = root / "x/pack/index.csv"
    lines = [f'{i},"f,{i}",{"ab"[i % 2]},speaker {i // 8 % 5},,{i // 4},h' for i in range(80)]
    index.write_text("row,file,label,group,part,duplicate,hash\n" + "\n".join(lines) + "\n")
    split("x", root, seed=1, folds=5)
    speaker, twins = np.arange(80) // 8 % 5, np.arange(80) // 4
    for fold in range(5):
        grouped, mixed = (read_parts(root, "x", 1, fold, 5, random) for random in (False, True))
        assert len(set(speaker[grouped == "test"])) == 1
        assert len(set(speaker[mixed == "test"])) > 1
        assert not set(twins[mixed == "test"]) & set(twins[mixed != "test"])
    assert set(read_split_info(root, "x")["counts"]) == {f"{kind}{f}" for kind in ("fold", "random") for f in range(5)}


def test_whatever_is_changed_in_a_split_is_seen(root: Path) -> None:
    split("x", root, seed=1, folds=5)
    for name in ("parts.csv", "parts.json"):
        whole = (root / "x" / name).read_bytes()
        for place in range(0, len(whole), 97):
            (root / "x" / name).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with pytest.raises(
                UserError, match=r"(is damaged: run|with seed=., folds=.*run|has changed since).*split\.py"
            ):
                read_parts(root, "x", 1, 0, 5)
        (root / "x" / name).write_bytes(whole)
    assert len(read_parts(root, "x", 1, 0, 5)) == 80


def test_no_pack_or_a_damaged_index(root: Path) -> None:
    with pytest.raises(UserError, match="no pack"):
        split("y", root, 0)
    (root / "x/pack/index.csv").write_text("row,file\n1\n")
    with pytest.raises(UserError, match="damaged"):
        split("x", root, 0)


def test_a_calibration_part_is_asked_for_and_nothing_else_changes(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    split("x", root, seed=1, folds=5)
    without, text = read_parts(root, "x", 1, 0, 5), (root / "x/parts.json").read_text()
    fingerprint = read_split_info(root, "x")["fingerprint"]
    assert "calibration" not in text
    with pytest.raises(
        UserError, match=r"asks for seed=1, folds=5, calibration=0\.25: run .* split\.calibration=0\.25"
    ):
        read_parts(root, "x", 1, 0, 5, calibration=0.25)
    split("x", root, seed=1, folds=5, calibration=0.25)
    assert "fold0: 12 of 48 train rows are held out to calibrate probabilities." in capsys.readouterr().out
    parts = read_parts(root, "x", 1, 0, 5, calibration=0.25)
    held_out = parts == "calibration"
    assert held_out.sum() == read_split_info(root, "x")["counts"]["fold0"]["calibration"] == 12
    assert (without[held_out] == "train").all()
    assert (parts[~held_out] == without[~held_out]).all()
    assert read_split_info(root, "x")["fingerprint"] != fingerprint  # by which a run's identity depends on it
    with pytest.raises(UserError, match=r"made with seed=1, folds=5, calibration=0\.25, but"):
        read_parts(root, "x", 1, 0, 5)
    info = {"format": FORMAT, "options": {}, "fingerprint": "f0", "counts": {}, "time": {"gap": 3, "known": 1}}
    (root / "x/pack/pack.json").write_text(json.dumps(info))
    split("x", root, seed=1, folds=3, calibration=0.25)
    assert (read_parts(root, "x", 1, 0, 3, calibration=0.25) == "calibration").sum() == 11
