"""Files of each class, copied and listed in the same order on every machine; what is not taken is listed with why."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pytest

from overcast.core.errors import UserError
from overcast.data import Sample
from overcast.data._folders import class_samples, copy_classes
from overcast.fetch.left_out import read_left_out
from overcast.fetch.walk import as_on_disk


def filled(folder: Path, names: Iterable[str]) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def copied(source: Path, suffix: str = "") -> list[Sample]:
    raw = source.parent / "raw"
    raw.mkdir()
    copy_classes(str(source), raw, "things", suffix)
    return class_samples(raw, suffix)


def left_out(source: Path) -> dict[str, str]:
    return {file: detail for file, _, detail in read_left_out(source.parent / "raw")}


def test_copied_to_the_same_places(tmp_path: Path) -> None:
    names = ("b/2", "b/deep/1", "a/1", "a/.hidden", "a/.git/x", ".cache/1", "top")
    found = copied(filled(tmp_path / "in", names))
    assert [(sample.file, sample.label, sample.part) for sample in found] == [
        ("a/1", "a", ""),
        ("b/2", "b", ""),
        ("b/deep/1", "b", ""),
    ]
    assert (tmp_path / "raw" / "b/deep/1").read_text() == "b/deep/1"
    hidden = dict.fromkeys((".cache", "a/.git", "a/.hidden"), "hidden")
    assert left_out(tmp_path / "in") == {**hidden, "top": "in no class's folder"}


@pytest.mark.parametrize(
    "name",
    [
        "@eaDir", "__MACOSX", "$RECYCLE.BIN", "lost+found", "System Volume Information", "#recycle",
        ".Trash-1000", ".ipynb_checkpoints", ".git", ".DS_Store", "Thumbs.db", "desktop.ini", "Icon\r", "._1.png",
    ],
)  # fmt: skip
def test_what_a_system_leaves_is_no_sample_and_no_class(tmp_path: Path, name: str) -> None:
    source = filled(tmp_path / "in", ["a/1", "b/1", f"{name}/1/x", f"a/{name}/1", f"a/deep/{name}/1"])
    assert [sample.file for sample in copied(source)] == ["a/1", "b/1"]
    assert left_out(source).keys() == {name, f"a/{name}", f"a/deep/{name}"}


def test_files_of_another_kind_are_listed(tmp_path: Path) -> None:
    source = filled(tmp_path / "in", ["a/1.txt", "b/1.TXT", "b/2.md", "b/deep/3.pdf", "readme.txt"])
    assert [sample.file for sample in copied(source, ".txt")] == ["a/1.txt", "b/1.TXT"]
    kind = "of another kind than .txt"
    assert left_out(source) == {"b/2.md": kind, "b/deep/3.pdf": kind, "readme.txt": "in no class's folder"}


def test_links_are_followed_or_listed(tmp_path: Path) -> None:
    source = filled(tmp_path / "in", ["a/1", "b/1", "b/deep/2"])
    filled(tmp_path / "out", ["more/3", "4", "c/5"])
    links = {"a/more": "out/more", "a/4": "out/4", "c": "out/c", "a/same": "in/b/deep", "a/none": "nothing", "d": "no"}
    loops = {"b/deep/up": "in/b", "b/root": "", "out": "in"}
    for name, target in (links | loops).items():
        (source / name).symlink_to(tmp_path / target)
    (tmp_path / "out/more/back").symlink_to(source / "a")
    (source / "b/self").symlink_to(source / "b/self")
    os.mkfifo(source / "a/pipe")
    files = ["a/1", "a/4", "a/more/3", "a/same/2", "b/1", "b/deep/2", "c/5"]
    assert [sample.file for sample in copied(source)] == files
    assert not any(path.is_symlink() for path in (tmp_path / "raw").rglob("*"))
    noted = left_out(source)
    assert {noted[name] for name in ("a/none", "b/self", "d")} == {"a link to nothing"}
    assert {noted[name] for name in ("a/more/back", "b/deep/up", "b/root", "out")} == {
        "a link to a folder that it lies in"
    }
    assert noted["a/pipe"] == "neither a file nor a folder"
    for name in ("a/more", "a/4", "c"):
        assert noted[name] == f"to {tmp_path / links[name]}, and read there"


def test_one_name_written_in_two_ways_is_one_class_and_one_path(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "조개 é") for form in ("NFC", "NFD"))
    source = filled(tmp_path / decomposed, [f"{composed}/1", f"{decomposed}/1", "b/1"])
    found = copied(source.parent / composed)
    assert sorted((sample.label, sample.file) for sample in found) == sorted(
        [("b", "b/1"), (composed, f"{composed}/1"), (composed, f"{decomposed}/1")]
    )
    assert as_on_disk(tmp_path / composed / "b") == source / "b"
    assert as_on_disk(tmp_path / "none" / composed) == tmp_path / "none" / composed


def parts(*names: str, inner: str = "cat dog") -> list[str]:
    return [f"{part}/{label}/1" for part in names for label in inner.split()]


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (("train", "test"), "train test"),
        (("Train", "TEST"), "train test"),
        (("training", "testing"), "train test"),
        (("Train_data", "Test_data"), "train test"),
        (("seg_train", "seg_test"), "train test"),
        (("train", "valid", "test"), "train train test"),
        (("train", "val"), "train test"),
        (("train-1", "train-2", "validation"), "train train test"),
        (("train", "valids"), ""),
        (("valid", "invalid"), ""),
        (("trained", "untrained"), ""),
    ],
)
def test_a_set_that_comes_with_its_parts(
    tmp_path: Path, folders: tuple[str, ...], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = copied(filled(tmp_path / "in", parts(*folders)))
    told = {sample.file.partition("/")[0]: sample.part for sample in found}
    assert " ".join(told[name] for name in folders).strip() == expected
    assert {sample.label for sample in found} == ({"cat", "dog"} if expected else set(folders))
    said = capsys.readouterr().out
    assert ("comes with its parts" in said) == bool(expected)
    if folders == ("train", "valid", "test"):
        assert "/in comes with its parts: test is the test part, the others are cut of train, valid\n" in said


def test_a_train_is_a_class_beside_cars(tmp_path: Path) -> None:
    found = copied(filled(tmp_path / "in", ["train/fast/1", "car/1", "val/1"]))
    assert {(sample.label, sample.part) for sample in found} == {("train", ""), ("car", ""), ("val", "")}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["train/1", "test/1"], r"test and train in .* parts .*, but test has no .*data\.path=.*/in/train, or rename"),
        ([*parts("train"), "test/1"], r"test has no sub-folder a class: give .*data\.path=.*/in/train"),
        ([*parts("train", "test"), "pred/1"], r"has test and train, and beside them pred: move that elsewhere"),
        (parts("train", "test", inner="cat"), r"have 1 class\(es\) in all, but need two"),
        (parts("wrapped"), r"has 1 sub-folder\(s\), but needs two.*\(or is it .*/in/wrapped\?\)"),
        (["a/1", "b/.hidden"], r"b is empty but what is left out, such as \.hidden \(hidden\): put"),
        (["a/1", " /1"], r"a folder in .* has a blank name, ' ': name the class by it"),
        (["a/1", "@eaDir/1"], r"has 1 sub-folder\(s\), but needs two"),
    ],
)
def test_what_is_no_folder_of_classes(tmp_path: Path, names: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        copied(filled(tmp_path / "in", names))
