"""A row a file: the same answer as when evaluated; broken files are rows too, and counted."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from overcast.core.errors import UserError
from overcast.data import build_dataset
from overcast.evaluation.evaluate import measure
from overcast.prediction.predict import BATCH, matching_files, predict, prediction_table
from overcast.prediction.trained_network import open_config_pack, restore
from overcast.prepare.download import download
from overcast.prepare.pack import pack
from overcast.prepare.split import split
from overcast.tracking.run_folder import Run
from overcast.training.train import train


@pytest.fixture
def run(config: Any) -> Run:
    return train(config("epochs=1"))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Three good pictures, of several sizes and modes, below one folder."""
    folder = tmp_path / "new, pictures"
    (folder / "deep").mkdir(parents=True)
    for name, mode, side in (("a.png", "RGB", 40), ("b.jpg", "L", 16), ("deep/c.png", "RGBA", 200)):
        Image.new(mode, (side, side), 100).save(folder / name)
    return folder


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_labels_are_those_of_the_evaluation(run: Run, data: Path, tmp_path: Path) -> None:
    pack = open_config_pack(run.config)
    rows = np.arange(len(pack.labels))
    known = dict(zip(pack.index["file"], measure(restore(run), pack, rows).probabilities, strict=True))
    assert predict(run, str(data / "skies" / "raw" / "*" / "*.png"), str(tmp_path / "out.csv")) == 0
    found = table(tmp_path / "out.csv")
    assert len(found) == 100 > BATCH
    for row in found:
        p = known[str(Path(row["file"]).relative_to(data / "skies/raw"))]
        assert [float(row[name]) for name in pack.spec.classes] == pytest.approx(p, abs=2e-6)
        assert row["label"] == pack.spec.classes[int(p.argmax())]


def test_a_broken_file_is_a_row_with_its_error(
    run: Run, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pictures / "empty.png").touch()
    (pictures / "text.jpg").write_text("no picture")
    (pictures / ".hidden").touch()
    (pictures / "@eaDir").mkdir()
    (pictures / "@eaDir" / "thumb.jpg").touch()
    (pictures / "desktop.ini").touch()
    assert predict(run, str(pictures), str(tmp_path / "out.csv")) == 2
    found = {Path(row["file"]).name: row for row in table(tmp_path / "out.csv")}
    assert list(found) == ["a.png", "b.jpg", "c.png", "empty.png", "text.jpg"]
    assert [name for name, row in found.items() if row["error"]] == ["empty.png", "text.jpg"]
    assert "empty" in found["empty.png"]["error"]
    assert all(row["label"] == "" and row["shine"] == "" for row in found.values() if row["error"])
    shares = [[float(row[name]) for name in run.spec.classes] for row in found.values() if not row["error"]]
    assert [sum(row) for row in shares] == pytest.approx([1, 1, 1], abs=1e-5)
    assert "2 of 5 files could not be read" in capsys.readouterr().err


def prepared_run(config: Any, root: Path, name: str, *overrides: str) -> Run:
    """A run on data that is downloaded, packed and split here."""
    made = config(f"data={name}", *overrides, f"data_dir={root}", "split.folds=3", "epochs=1")
    dataset = build_dataset(made.data)
    download(name, dataset, root, None)
    pack(name, dataset, made.data.values, root)
    split(name, root, seed=0, folds=3)
    return train(made)


def test_a_text(config: Any, tmp_path: Path) -> None:
    lines = [f"{'a good' if i % 2 else 'a dull'} film number {i},{'ab'[i % 2]}" for i in range(40)]
    (tmp_path / "x.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    run = prepared_run(config, tmp_path / "data", "texts", f"data.path={tmp_path / 'x.csv'}")
    (tmp_path / "new 1.txt").write_text("good, though I knew none of these words")
    (tmp_path / "new 2.txt").touch()
    assert predict(run, str(tmp_path / "new*.txt"), str(tmp_path / "out.csv")) == 1
    found = table(tmp_path / "out.csv")
    assert float(found[0]["a"]) + float(found[0]["b"]) == pytest.approx(1, abs=1e-5)
    assert found[1]["error"] == "no words: the text is empty"


def test_each_line_of_a_table_of_texts(config: Any, tmp_path: Path) -> None:
    names = ("error", "label")
    lines = [f"{'a good' if i % 2 else 'a dull'} film number {i},{names[i % 2]}" for i in range(40)]
    (tmp_path / "x.csv").write_text("\n".join(["body,label", *lines]) + "\n")
    words = [f"data.path={tmp_path / 'x.csv'}", "data.text=body"]
    run = prepared_run(config, tmp_path / "data", "texts", *words)
    new = "label,body\nerror,good film\n,\n,\n?,\n"
    (tmp_path / "new.csv").write_text(new + "".join(f'?,"two\nlines, dull {i}"\n' for i in range(BATCH)))
    assert predict(run, str(tmp_path / "new.csv"), str(tmp_path / "out.csv")) == 1
    found = table(tmp_path / "out.csv")
    assert list(found[0]) == ["file", "label", "class error", "class label", "error"]
    assert [row["file"].partition(".csv")[2] for row in found[:4]] == [":2", ":5", ":6", ":8"]
    assert len(found) == 2 + BATCH
    assert [bool(row["error"]) for row in found] == [False, True, *[False] * BATCH]
    assert {row["label"] for row in found if not row["error"]} <= set(names)
    frame = prediction_table(run, tmp_path / "new.csv")
    assert frame["class error"][0] == pytest.approx(float(found[0]["class error"]), abs=1e-6)
    (tmp_path / "new.tsv").write_text("n\tbody\n1\tgood film\n2\tdull film\n")
    assert predict(run, str(tmp_path / "new.tsv"), str(tmp_path / "out.csv")) == 0
    assert len(table(tmp_path / "out.csv")) == 2
    (tmp_path / "other.csv").write_text("text\ngood\n")
    assert predict(run, str(tmp_path / "other.csv"), str(tmp_path / "out.csv")) == 1
    assert table(tmp_path / "out.csv")[0]["error"] == "data.text=body: other.csv has no such column; it has text."


def test_a_series_with_other_features(config: Any, tmp_path: Path) -> None:
    lines = [f"{i % 2},{i},{'ab'[i % 2]}" for i in range(40)]
    (tmp_path / "x.csv").write_text("\n".join(["u,v,state", *lines]) + "\n")
    words = [f"data.path={tmp_path / 'x.csv'}", "data.label=state", "data.window=2"]
    run = prepared_run(config, tmp_path / "data", "series", *words)
    (tmp_path / "new 1.csv").write_text("v,u\n40,0\n41,1\n")
    (tmp_path / "new 2.csv").write_text("u\n0\n1\n")
    assert predict(run, str(tmp_path / "new*.csv"), str(tmp_path / "out.csv")) == 1
    found = table(tmp_path / "out.csv")
    assert found[0]["label"] in ("a", "b")
    assert found[1]["error"] == "1 features a step, but the run was trained with 2"
    lines = np.array([[0.0, 40.0], [1.0, 41.0]])  # in the units of the table
    frame = prediction_table(run, [lines])
    assert frame["a"][0] == pytest.approx(float(found[0]["a"]), abs=1e-6)


def test_all_broken(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.png").touch()
    assert predict(run, str(tmp_path / "x.png")) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "file,label,cloudy,foggy,rainy,shine,sunrise,error"
    assert len(lines) == 2


def test_a_file_a_folder_or_a_glob(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [p.name for p in matching_files(str(pictures / "a.png"))] == ["a.png"]
    assert [p.name for p in matching_files(str(pictures))] == ["a.png", "b.jpg", "c.png"]
    assert [p.name for p in matching_files(str(pictures / "*.png"))] == ["a.png"]
    assert [p.name for p in matching_files(str(pictures / "**" / "*.png"))] == ["a.png", "c.png"]
    monkeypatch.chdir(pictures)
    assert [p.name for p in matching_files(".")] == ["a.png", "b.jpg", "c.png"]


def test_a_name_that_is_also_a_pattern_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "sky [1].png").touch()
    assert [p.name for p in matching_files(str(tmp_path / "sky [1].png"))] == ["sky [1].png"]


@pytest.mark.parametrize("files", ["nothing.png", "*.tif", "void"])
def test_no_files(tmp_path: Path, files: str) -> None:
    (tmp_path / "void").mkdir()
    with pytest.raises(UserError, match=r"files=.*no such file, an empty folder, or a pattern"):
        matching_files(str(tmp_path / files))


def test_an_output_that_cannot_be_written_leaves_nothing(run: Run, pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"out=.*cannot be written"):
        predict(run, str(pictures), str(tmp_path / "no folder" / "out.csv"))
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=r"out=.*cannot be written"):
        predict(run, str(pictures), str(tmp_path / "folder"))
    with pytest.raises(UserError, match=r"out=/dev/null: cannot be written"):
        predict(run, str(pictures), "/dev/null")
    assert not list(tmp_path.glob("*.part"))


def test_an_output_takes_the_place_of_nothing_that_is_read(run: Run, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to(pictures / "a.png")
    for out in (pictures / "a.png", tmp_path / "link.png", run.path("parts.csv")):
        before = out.read_bytes()
        with pytest.raises(UserError, match=rf"out={out}: is read itself"):
            predict(run, str(pictures), str(out))
        assert out.read_bytes() == before
    assert predict(run, str(pictures / "*.png"), str(pictures / "out.csv")) == 0
