"""Runs become rows: what was varied names the cell, what pairs them names the repeat."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overcast.comparison.trials import Diverged, Tuned, answers, curves, diverged_cells, swept, trials
from overcast.core.errors import DamagedError
from overcast.evaluation.evaluate import evaluate
from overcast.tracking.checksums import write_evaluation_hashes
from overcast.tracking.metadata import recorded_params, run_params
from overcast.tracking.run_folder import Run
from overcast.training.train import train


def given(**changed: Any) -> dict[str, Any]:
    base = {"data": "skies", "model": "ann", "mitigation": "none", "seed": 0, "fold": 0, "split_seed": 0, "lr": 0.1}
    return base | {"model.hidden": 8, "parameters": 100} | changed


@pytest.mark.parametrize(
    ("runs", "varied"),
    [
        ([{}, {"seed": 1, "fold": 3, "split_seed": 2}], []),
        ([{}, {"mitigation": "dropout", "mitigation.dropout.p": 0.5}], []),
        ([{}, {"lr": 0.2, "parameters": 200}], ["lr"]),
        ([{"mitigation": "dropout", "mitigation.dropout.p": p} for p in (0.2, 0.5)], ["mitigation.dropout.p"]),
        (  # weaker beside others than alone: that goes with the mitigation
            [{"mitigation": name, "mitigation.dropout.p": p} for name, p in (("dropout", 0.3), ("dropout+mixup", 0.2))],
            [],
        ),
        ([{}, {"model": "cnn", "model.hidden": 9}], ["model"]),
        ([{}, {"model": "cnn", "lr": 0.2}], ["model"]),  # a network's own numbers go with it
        ([{}, {"model": "cnn"}, {"model": "cnn", "lr": 0.2}], ["model", "lr"]),
        ([{}, {"data": "digits"}, {"data": "digits", "train_fraction": 0.5}, {"train_fraction": 1.0}], ["data"]),
    ],
)
def test_what_was_varied(runs: list[dict[str, Any]], varied: list[str]) -> None:
    assert swept([given(**run) for run in runs]) == varied


def test_trials_without_an_outcome_are_rows_of_their_cell(config: Any) -> None:
    runs = [train(config("epochs=1", f"lr={lr}")) for lr in (0.01, 0.02)]
    for run in runs:
        evaluate(run, pictures=False)
    kept = {name: str(value) for name, value in recorded_params(runs[0].config).items()}  # as MLflow keeps them
    gone = [kept | {"lr": "10000000000.0", "seed": seed} for seed in ("0", "1")]
    rows = trials(runs, [Diverged(given, "the loss is not finite in epoch 1. Try a lower lr") for given in gone])
    assert list(rows["cell"]) == ["none · lr=0.01", "none · lr=0.02", *["none · lr=10000000000.0"] * 2]
    assert list(rows["diverged"]) == [False, False, True, True]
    assert list(rows["repeat"]) == ["0-0-0", "0-0-0", "0-0-0", "1-0-0"]
    assert rows["train_fraction"].nunique() == rows["epochs"].nunique() == 1
    assert rows["test/accuracy"].isna().tolist() == [False, False, True, True]
    strong = config("epochs=1", "mitigation=dropout", "mitigation.dropout.p=0.9")
    told = [Diverged(recorded_params(each), "") for each in (strong, config("epochs=1", "mitigation=dropout"))]
    assert list(trials(runs, told)["cell"].iloc[2:]) == ["dropout · lr=0.01 · p=0.9", "dropout · lr=0.01 · p=0.3"]
    assert list(rows["mitigations"]) == [0] * 4
    told = "none · lr=10000000000.0: 2 of 2 repeats diverged (the loss is not finite in epoch 1)"
    assert diverged_cells(rows) == [told]


def test_what_was_chosen_among_candidates_is_one_cell(config: Any) -> None:
    picks = [("none", 0), *((f"dropout mitigation.dropout.p={p}", fold) for p, fold in ((0.1, 0), (0.5, 1), (0.3, 0)))]
    runs = [
        train(config("epochs=1", *f"mitigation={pick}".split(), f"split.fold={fold}", f"seed={fold}"))
        for pick, fold in picks
    ]
    for run in runs:
        evaluate(run, pictures=False)
    gone = Diverged(run_params(runs[2].config) | {"mitigation.dropout.p": "0.9", "fold": "2", "seed": "2"}, "nan", "z")
    strengths = {runs[1].facts["identity"]: "0.1", runs[2].facts["identity"]: "0.5", "z": "0.9"}
    tuned = {identity: Tuned({"mitigation.dropout.p": p}, 3) for identity, p in strengths.items()}
    rows = trials(runs, [gone], tuned)
    assert list(rows["cell"]) == ["none", "dropout (tuned)", "dropout (tuned)", "dropout", "dropout (tuned)"]
    assert list(rows["mitigation"]) == ["none", *["dropout"] * 4]
    assert rows["chosen"].tolist()[1:3] == ["p=0.1", "p=0.5"]
    assert rows["chosen"].tolist()[-1] == "p=0.9"
    assert rows["candidates"].dropna().tolist() == [3] * 3
    assert rows["rest"].unique().tolist() == [""]  # all are compared with the one control
    assert diverged_cells(rows) == ["dropout (tuned): 1 of 3 repeats diverged (nan)"]


def made_up(folder: Path, facts: dict[str, Any], predicted: str, names: str = "ab") -> Run:
    """A run as far as `answers` reads it; the right answers are the first class twice, then the second twice."""
    first, second = names.split() if " " in names else names
    (folder / "evaluation").mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(facts))
    classes = {"a": first, "b": second}
    lines = [f'{i},{i},"f {i}",{classes["aabb"[i]]},{classes[predicted[i]]},0.{i + 1},0.{9 - i}' for i in range(4)]
    text = f"row,group,file,label,predicted,{first},{second}\n" + "\n".join(lines) + "\n"
    (folder / "evaluation" / "predictions.csv").write_text(text)
    write_evaluation_hashes(folder / "evaluation", "")
    return Run(folder)


def test_each_sample_has_its_answer_and_its_likelihood(tmp_path: Path) -> None:
    found = answers([made_up(tmp_path / "one", {}, "abab"), made_up(tmp_path / "two", {}, "aabb")])
    one, two = (found[str(tmp_path / name)] for name in ("one", "two"))
    assert one["test/accuracy"].tolist() == [1, 0, 0, 1]
    assert two["test/accuracy"].tolist() == [1, 1, 1, 1]
    assert one["row"].tolist() == one["group"].tolist() == [0, 1, 2, 3]
    expected = -np.log([0.1, 0.2, 0.7, 0.6])  # of the true class
    assert one["test/nll"] == pytest.approx(expected)


@pytest.mark.parametrize("names", ["0 1", "NA null", "label row", "predicted file"])
def test_answers_whatever_the_classes_are_called(tmp_path: Path, names: str) -> None:
    (known,) = answers([made_up(tmp_path / "one", {"official_test": True}, "abab", names)]).values()
    assert known["test/accuracy"].tolist() == [1, 0, 0, 1]
    assert known["test/nll"] == pytest.approx(-np.log([0.1, 0.2, 0.7, 0.6]))


def test_what_was_never_thought_possible_is_no_infinite_loss(tmp_path: Path) -> None:
    run = made_up(tmp_path / "one", {"official_test": True}, "aabb")
    file = run.folder / "evaluation" / "predictions.csv"
    file.write_text(file.read_text().replace("0.1,0.9", "0,1"))
    write_evaluation_hashes(file.parent, "")
    (known,) = answers([run]).values()
    assert np.isfinite(known["test/nll"]).all()
    assert known["test/nll"][0] > 80


@pytest.mark.parametrize(
    "text",
    ["", "row\n", "row,group,file,label,predicted,a,b\n0,0,x,c,a,1,0\n", "r,f,l,p,a,b\n0,x,a,a,half,0\n", "\x00"],
)
def test_damaged_predictions_are_one_message(tmp_path: Path, text: str) -> None:
    run = made_up(tmp_path / "one", {"official_test": True}, "aabb")
    (run.folder / "evaluation" / "predictions.csv").write_text(text)
    with pytest.raises(DamagedError, match=r"predictions\.csv was changed or damaged .*: evaluate it again"):
        answers([run])


def test_answers_average_to_what_the_run_measured(config: Any) -> None:
    run = train(config("epochs=3", "lr=0.1"))
    measured = evaluate(run, pictures=False)["test"]
    run.write_facts(run.facts | {"official_test": True})
    (known,) = answers([run]).values()
    assert known["test/accuracy"].mean() == pytest.approx(measured["accuracy"])
    assert known["test/nll"].mean() == pytest.approx(measured["nll"], rel=1e-4)


def test_rows_hold_what_the_runs_measured(config: Any) -> None:
    picks = [["lr=0.01", "seed=0"], ["lr=0.02", "seed=1", "split.fold=2"], ["mitigation=[noise,dropout]", "lr=0.01"]]
    runs = [train(config("epochs=2", *pick)) for pick in picks]
    measured = [evaluate(run, pictures=False) for run in runs]
    rows = trials(runs)
    assert list(rows["cell"]) == ["none · lr=0.01", "none · lr=0.02", "noise+dropout · lr=0.01"]
    assert list(rows["repeat"]) == ["0-0-0", "1-2-0", "0-0-0"]
    assert list(rows["mitigation"]) == ["none", "none", "noise+dropout"]
    assert list(rows["test/accuracy"]) == [m["test"]["accuracy"] for m in measured]
    assert list(rows["gap/nll"]) == [m["test"]["nll"] - m["train"]["nll"] for m in measured]
    assert list(rows["gap/accuracy"]) == [m["train"]["accuracy"] - m["test"]["accuracy"] for m in measured]
    assert (rows["seconds"] > 0).all()
    assert list(rows["run_id"]) == [str(run.folder) for run in runs]
    assert list(zip(rows["seed"], rows["fold"], rows["split_seed"], strict=True)) == [(0, 0, 0), (1, 2, 0), (0, 0, 0)]
    for predictor in ("linear_accuracy", "majority_accuracy"):
        assert list(rows[f"baseline/{predictor}"]) == [m["baseline"][predictor] for m in measured]
    assert run_params(runs[1].config)["fold"] == 2
    histories = curves(runs)
    assert list(histories.groupby("run_id", sort=False)["epoch"].apply(list)) == [[1, 2]] * 3
