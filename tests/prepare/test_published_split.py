"""A published split is taken as it is, said where it leaks, and refused where it is of other data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from overcast.core.errors import UserError
from overcast.prepare.pack import FORMAT
from overcast.prepare.split import read_parts, read_split_info, split

INDEX = "row,file,label,group,part,duplicate,hash\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A pack of twelve pictures of two classes, the last two of which are duplicates; one more cannot be read."""
    folder = tmp_path / "x" / "pack"
    folder.mkdir(parents=True)
    lines = [f"{i},{i}.png,{'ab'[i % 2]},,,{min(i, 10)},h\n" for i in range(12)]
    (folder / "index.csv").write_text(INDEX + "".join(lines))
    (folder / "audit.csv").write_text("file,problem,detail\nbroken.png,unreadable,an empty file\n")
    (folder / "pack.json").write_text(json.dumps({"format": FORMAT, "options": {}, "fingerprint": "f0", "counts": {}}))
    return tmp_path


PARTS = ["train"] * 6 + ["validation"] * 2 + ["test"] * 4
ONE = "file,part\n" + "".join(f"{i}.png,{part}\n" for i, part in enumerate(PARTS))
TWO = "fold,part,file,label\n" + "".join(
    f"{fold},{part},{i if fold == 0 else 11 - i}.png,\n" for fold in (0, 1) for i, part in enumerate(PARTS)
)


def published(root: Path, text: str) -> str:
    path = root / "published.csv"
    path.write_text(text)
    return str(path)


def test_each_row_has_its_published_part(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = published(root, ONE + "broken.png,test\n")
    split("x", root, seed=0, folds=1, file=file)
    assert read_parts(root, "x", 0, 0, 1, file=file).tolist() == PARTS
    assert read_split_info(root, "x")["leaked_test_rows"] == [0]
    assert capsys.readouterr().out == ""
    split("x", root, seed=0, folds=1, file=published(root, "\ufeff" + ONE.replace("\n", "\r\n")))
    assert read_parts(root, "x", 0, 0, 1, file=file).tolist() == PARTS
    split("x", root, seed=0, folds=2, file=published(root, TWO))
    assert read_parts(root, "x", 0, 1, 2, file=file).tolist() == PARTS[::-1]


def test_a_split_that_cuts_duplicates_is_taken_and_said_to_leak(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = published(root, ONE.replace("10.png,test", "10.png,train"))
    split("x", root, seed=0, folds=1, file=file)
    said = capsys.readouterr().out
    assert "fold0: LEAK: of 3 test rows 1 have a near-duplicate, or a sample of the same source, in the train" in said
    assert read_split_info(root, "x")["leaked_test_rows"] == [1]
    assert read_parts(root, "x", 0, 0, 1, file=file)[10] == "train"


def test_what_it_does_not_name_is_not_used(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = published(root, ONE.replace("0.png,train\n", "", 1))
    split("x", root, seed=0, folds=1, file=file)
    assert "fold0: 1 rows are not used" in capsys.readouterr().out
    assert read_parts(root, "x", 0, 0, 1, file=file)[0] == "unused"


def test_another_file_or_none_is_another_split(root: Path) -> None:
    file = published(root, ONE)
    split("x", root, seed=0, folds=1, file=file)
    fingerprint = read_split_info(root, "x")["fingerprint"]
    with pytest.raises(UserError, match=r"made from a published file, but the config asks for a split that is drawn"):
        read_parts(root, "x", 0, 0, 1)
    published(root, ONE.replace("0.png,train\n", "", 1))
    with pytest.raises(
        UserError, match=r"or one that has changed since, .* `python pipelines/split\.py data=x split\."
    ):
        read_parts(root, "x", 0, 0, 1, file=file)
    split("x", root, seed=0, folds=1, file=file)
    assert read_split_info(root, "x")["fingerprint"] != fingerprint
    (root / "x/pack/index.csv").write_text(INDEX + "".join(f"{i},{i}.png,{'ab'[i % 2]},,,{i},h\n" for i in range(12)))
    split("x", root, seed=0, folds=3)
    with pytest.raises(UserError, match=r"made by drawing, but the config asks for split\.file="):
        read_parts(root, "x", 0, 0, 3, file=file)
    with pytest.raises(UserError, match=r"split\.file=.*gone\.csv: there is no such file"):
        read_parts(root, "x", 0, 0, 3, file=str(root / "gone.csv"))


@pytest.mark.parametrize(
    ("text", "folds", "said"),
    [
        ("name,part\n0.png,train\n", 1, "it has no column file, only name, part"),
        ("file,part\n0.png\n", 1, "there is no such csv file, or it cannot be read"),
        (ONE.replace("validation", "val"), 1, r"1 part \(val\) is none: name train, validation, test"),
        (
            ONE.replace("1.png", "y.png").replace("3.png", "z.png"),
            1,
            r"3 files \(1y.png, y.png, z.png\) of it are not in",
        ),
        (TWO, 1, r"it has a fold 1, and split\.folds=1 has 0\. Set split\.folds"),
        (ONE, 2, "fold 1 has no train part"),
        (ONE + "0.png,test\n", 1, "it has 0.png twice in fold 0"),
        ("file,part\n0.png,train\n2.png,validation\n1.png,test\n", 1, "fold 0 trains on no sample of class b"),
    ],
)
def test_what_is_no_split_of_these_data_is_refused(root: Path, text: str, folds: int, said: str) -> None:
    with pytest.raises(UserError, match=rf"split\.file=.*published\.csv: .*{said}"):
        split("x", root, seed=0, folds=folds, file=published(root, text))
    assert not (root / "x" / "parts.csv").exists()


def test_samples_that_share_a_file_cannot_be_told_apart(root: Path) -> None:
    index = root / "x/pack/index.csv"
    index.write_text(index.read_text().replace("1.png", "0.png", 1))
    with pytest.raises(UserError, match="several samples of one file"):
        split("x", root, seed=0, folds=1, file=published(root, ONE))


def test_folds_and_groups_of_a_published_split(config: Any) -> None:
    assert config("split.file=published.csv").folds == 1
    assert config("split.file=published.csv", "split.folds=5").folds == 5
    with pytest.raises(UserError, match=r"split\.ignore_groups=true draws a split of its own"):
        config("split.file=published.csv", "split.ignore_groups=true")


def test_it_may_name_a_calibration_part(root: Path, config: Any) -> None:
    file = published(root, ONE.replace("5.png,train", "5.png,calibration"))
    split("x", root, seed=0, folds=1, file=file)
    assert read_parts(root, "x", 0, 0, 1, file=file).tolist() == [*PARTS[:5], "calibration", *PARTS[6:]]
    with pytest.raises(UserError, match=r"split\.calibration holds rows out of a split that is drawn"):
        config("split.file=published.csv", "split.calibration=0.1")
    with pytest.raises(UserError, match=r"split\.calibration=0\.6: must be at least 0 and at most 0\.5"):
        config("split.calibration=0.6")
