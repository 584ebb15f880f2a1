"""Anyone's texts, as a folder or a csv, and each way in which they can be the wrong ones."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from overcast.config.options import Option
from overcast.core.errors import UserError
from overcast.data import build_dataset
from overcast.data.texts import Texts
from overcast.prepare.download import download
from overcast.prepare.pack import open_pack, pack


def filled(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    (tmp_path / "raw").mkdir()
    return tmp_path / "raw"


def test_a_folder_in_depth_without_what_is_hidden(tmp_path: Path, raw: Path) -> None:
    files = (
        "b/2.txt",
        "b/deep/1.TXT",
        "a/1.txt",
        "a/.hidden.txt",
        "a/.git/x.txt",
        ".cache/1.txt",
        "top.txt",
        "a/x.pdf",
    )
    dataset = Texts(str(filled(tmp_path / "in", dict.fromkeys(files, "Some words."))), max_length=2)
    dataset.fetch(raw, None)
    samples = dataset.samples(raw)
    assert [(s.file, s.label) for s in samples] == [("a/1.txt", "a"), ("b/2.txt", "b"), ("b/deep/1.TXT", "b")]
    assert dataset.load(raw, samples[0]).tolist() == ["some", "words"]


def test_a_csv(tmp_path: Path, raw: Path) -> None:
    filled(tmp_path, {"mail.csv": 'id,body,from\n1,"Hello,\nyou!",ann\n2,,bob\n3,Good-bye,bob\n'})
    dataset = Texts(str(tmp_path / "mail.csv"), text="body", label="from")
    dataset.fetch(raw, None)
    samples = dataset.samples(raw)
    assert [(s.file, s.label) for s in samples] == [("mail.csv:2", "ann"), ("mail.csv:4", "bob"), ("mail.csv:5", "bob")]
    assert Texts(str(tmp_path / "mail.csv"), "body", "from").load(raw, samples[0]).tolist() == [
        "hello",
        ",",
        "you",
        "!",
    ]
    with pytest.raises(UserError, match="no words"):
        dataset.load(raw, samples[1])


def test_classes_and_columns_of_any_name_and_texts_of_any_length(tmp_path: Path, raw: Path) -> None:
    filled(tmp_path, {"2024": "0,1\nhello,Nan\nbye,Mum\n" + "word " * 40_000 + ",NA\n"})
    option = {"_target_": "overcast.data.texts.Texts", "path": str(tmp_path / "2024"), "text": 0, "label": 1}
    dataset = build_dataset(Option.from_dict(option))
    dataset.fetch(raw, None)
    samples = dataset.samples(raw)
    assert [sample.label for sample in samples] == ["Nan", "Mum", "NA"]
    assert [len(dataset.load(raw, sample)) for sample in samples] == [1, 1, 256]


@pytest.mark.parametrize(
    ("files", "path", "message"),
    [
        ({}, "in", "there is no .*in: give a folder"),
        ({"in/1.txt": "x"}, "in", r"has 0 sub-folder\(s\)"),
        ({"in/a/1.txt": "x", "in/2.txt": "x"}, "in", r"has 1 sub-folder\(s\)"),
        ({"in/a/1.txt": "x", "in/b/1.pdf": "x"}, "in", r"b has no \.txt file"),
        ({"raw/a/1.txt": "x"}, ".", "overcast's own data"),
        ({"x.csv": "text,label\nhi,a\nho,a\n"}, "x.csv", r"has 1 class\(es\)"),
        (
            {"x.csv": "body,label\nhi,a\nho,b\n"},
            "x.csv",
            r"data\.text=text: .* it has body, label",
        ),
        ({"x.csv": "text,from\nhi,a\nho,b\n"}, "x.csv", r"data\.label=label: .* it has text, from"),
        ({"x.csv": "text,label\nhi,a\nho,\n"}, "x.csv", r"data\.label: line 3 of x\.csv has no value in column label"),
    ],
)
def test_wrong_texts(tmp_path: Path, raw: Path, files: dict[str, str], path: str, message: str) -> None:
    filled(tmp_path, files)
    with pytest.raises(UserError, match=message):
        Texts(str(tmp_path / path)).fetch(raw, None)


def test_texts_that_cannot_be_read_are_in_the_audit(tmp_path: Path) -> None:
    source = filled(tmp_path / "in", {f"{c}/{i}.txt": f"{c} number {i}" for c in "ab" for i in range(4)})
    filled(source, {"a/empty.txt": "  \n", "b/copy.txt": "a number 0"})
    (source / "b/latin.txt").write_bytes(b"na\xefve")
    download("x", Texts(str(source)), tmp_path / "data", None)
    pack("x", Texts(str(source)), {}, tmp_path / "data")
    assert len(open_pack(tmp_path / "data", "x").labels) == 9
    with (tmp_path / "data/x/pack/audit.csv").open() as file:
        assert [tuple(line[:2]) for line in list(csv.reader(file))[1:]] == [
            ("a/empty.txt", "unreadable"),
            ("b/latin.txt", "unreadable"),
            ("b/copy.txt", "duplicate"),
            ("b/copy.txt", "across classes"),
        ]
