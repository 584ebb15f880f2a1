"""A run that was edited or damaged is never measured as if nothing were: one message names the run and the file."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from overcast.core.errors import DamagedError, UserError
from overcast.evaluation.evaluate import evaluate
from overcast.explain.explain import explain
from overcast.prediction.predict import predict
from overcast.prediction.trained_network import restore
from overcast.tracking.checksums import CHECKSUMS, EVALUATED
from overcast.tracking.find_run import find_run
from overcast.tracking.finished_run import load_run
from overcast.tracking.run_folder import Run
from overcast.training.train import train


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The folder of the one run that these tests copy, once it is there."""
    return []


@pytest.fixture
def folder(trained: list[Path], config: Any, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder to damage."""
    if not trained:
        trained.append(train(config("epochs=1", f"run={tmp_path_factory.mktemp('trained')}/run")).folder)
    return Path(shutil.copytree(trained[0], tmp_path / "damaged"))


def swap_parts(path: Path) -> None:
    names = {"train": "test", "test": "train"}
    path.write_text("".join(f"{names.get(part, part)}\n" for part in path.read_text().split()))


def raw_pickle(path: Path) -> None:
    import pickle

    path.write_bytes(pickle.dumps(re.compile))


DAMAGE: dict[str, tuple[str, Callable[[Path], object]]] = {
    "weights of noise": ("model.pt", lambda path: path.write_bytes(bytes(range(256)) * 9)),
    "weights cut short": ("model.pt", lambda path: path.write_bytes(path.read_bytes()[:999])),
    "weights that are a pickle": ("model.pt", raw_pickle),
    "empty weights": ("model.pt", lambda path: path.write_bytes(b"")),
    "a history with text": ("history.csv", lambda path: path.write_text(path.read_text().replace("1,", "one,"))),
    "a ragged history": ("history.csv", lambda path: path.write_text(path.read_text() + "2,1\n")),
    "an empty history": ("history.csv", lambda path: path.write_text("")),
    "an empty config": ("config.yaml", lambda path: path.write_text("")),
    "a config that is no YAML": ("config.yaml", lambda path: path.write_text("model: [")),
    "a config of another number": ("config.yaml", lambda path: path.write_text(path.read_text() + "seed: 1\n")),
    "parts without some rows": ("parts.csv", lambda path: path.write_text(path.read_text()[:90])),
    "parts that are swapped": ("parts.csv", swap_parts),
    "other classes": ("spec.json", lambda path: path.write_text(path.read_text().replace("cloudy", "sunny"))),
    "facts of another shape": ("run.json", lambda path: path.write_text("[1]")),
    "facts cut short": ("run.json", lambda path: path.write_text(path.read_text()[:50])),
    "facts of binary noise": ("run.json", lambda path: path.write_bytes(b"\xff\xfe\x00")),
    "facts without one": ("run.json", lambda path: path.write_text(re.sub(' "pack".*\n', "", path.read_text()))),
    "a changed fact": ("run.json", lambda path: path.write_text(path.read_text().replace('h": 1', 'h": 2'))),
    "no hashes": ("run.json", lambda path: path.write_text(json.dumps({"format": 2}))),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_one_message(folder: Path, damage: str, tmp_path: Path) -> None:
    name, change = DAMAGE[damage]
    before = (folder / name).read_bytes()
    change(folder / name)
    assert (folder / name).read_bytes() != before
    picture = tmp_path / "a.png"
    Image.new("RGB", (16, 16)).save(picture)
    uses: list[Callable[[Run], object]] = [
        evaluate,
        lambda run: predict(run, str(picture), str(tmp_path / "out.csv")),
        lambda run: explain(run, str(picture), out=str(tmp_path / "page")),
    ]
    for use in uses:
        with pytest.raises(DamagedError, match=rf"^the run in {folder} .*{re.escape(name)}.* train it again"):
            use(find_run(str(folder)))
    assert sorted(tmp_path.iterdir()) == [picture, folder]
    assert not (folder / "evaluation").exists()


def test_an_undamaged_run_is_used(folder: Path) -> None:
    assert evaluate(find_run(str(folder)))["test"]["accuracy"] >= 0


@pytest.mark.parametrize("text", ["", "[]", "{", '{"weights": ', None])
def test_a_damaged_record_says_what_to_do(folder: Path, text: str | None) -> None:
    changed = (folder / "record.json").read_text().replace('"seconds": ', '"seconds": 9')
    (folder / "record.json").write_text(changed if text is None else text)
    what = r"record\.json (was changed|cannot be read)"
    with pytest.raises(DamagedError, match=rf"{what}.*remove it, and the run is recorded anew"):
        evaluate(find_run(str(folder)))
    (folder / "record.json").unlink()
    assert find_run(str(folder)).facts["id"] == ""


@pytest.mark.parametrize("name", [*EVALUATED, CHECKSUMS])
@pytest.mark.parametrize("text", ["", "{", "[]", '{"test": 1}', "\x00", None])
def test_a_damaged_evaluation_says_what_to_do(folder: Path, name: str, text: str | None) -> None:
    measured = evaluate(load_run(folder), pictures=False)
    path = folder / "evaluation" / name
    before = path.read_bytes()
    path.write_bytes(before.replace(b"1", b"2", 1) if text is None else text.encode())  # one digit, where it is None
    again = (
        rf"{name} was changed or damaged since it was written: evaluate it again \(python pipelines/evaluate\.py run="
    )
    with pytest.raises(DamagedError, match=again):
        print(load_run(folder).metrics, load_run(folder).predictions)
    assert evaluate(load_run(folder), pictures=False) == measured
    assert load_run(folder).metrics["test"] == measured["test"]
    assert path.read_bytes() == before


def test_what_was_measured_of_other_weights_or_before_there_were_hashes_is_not_current(folder: Path) -> None:
    run = Run(folder)
    evaluate(run, pictures=False)
    assert run.metrics
    assert run.predictions.startswith("row,group,file,label,predicted,")
    run.write_facts(run.facts | {"weights": "of another training"})
    assert (run.metrics, run.predictions) == ({}, "")
    run.write_facts(run.facts | {"weights": run.weights_hash()})
    assert run.metrics
    (folder / "evaluation" / CHECKSUMS).unlink()
    assert (run.metrics, run.predictions) == ({}, "")


@pytest.mark.parametrize("state", [[1], {"net": {}}, {"net": {}, "preprocessor": {}}, {"net": 1, "preprocessor": 2}])
def test_weights_of_another_shape_are_one_message_even_where_their_hash_is_right(folder: Path, state: object) -> None:
    torch.save(state, folder / "model.pt")
    run = Run(folder)
    run.write_facts(run.facts | {"weights": run.weights_hash()})
    with pytest.raises(DamagedError, match=r"its model\.pt holds no weights of its network"):
        restore(load_run(folder))


def test_weights_run_no_code_even_where_their_hash_is_right(folder: Path, tmp_path: Path) -> None:
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "ran",)

    (folder / "model.pt").write_bytes(pickle.dumps(Evil()))
    run = Run(folder)
    run.write_facts(run.facts | {"weights": run.weights_hash()})
    with pytest.raises(DamagedError, match=r"model\.pt holds no weights"):
        restore(load_run(folder))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system [touch ran]", "!!python/name:os.system", "!x y"])
def test_a_config_with_a_python_tag_is_one_message_even_where_its_hash_is_right(
    folder: Path, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / "config.yaml").write_text(f"model: {tag}\n")
    run = Run(folder)
    run.write_facts(run.facts)
    with pytest.raises(UserError, match=r"config\.yaml cannot be read: line 1: could not determine a constructor"):
        evaluate(load_run(folder))
    assert not (folder / "ran").exists()
