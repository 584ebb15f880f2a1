"""Predictions from elsewhere are matched to the folds' test parts by file, or refused in one line."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from overcast.comparison import comparison_table
from overcast.comparison.predictions import joined
from overcast.comparison.trials import answers
from overcast.core.errors import UserError
from overcast.study.outcomes import OUTCOMES

CLASSES = ("day", "night")
FILES = {0: ["a.png", "b.png", "c.png"], 1: ["d.png", "e.png", "f.png"]}
LABELS = ["day", "night", "day"]


@pytest.fixture
def runs(tmp_path: Path) -> list[Any]:
    """A run in each of two folds, with its predictions: as much of one as is read here."""
    found = []
    for fold, files in FILES.items():
        own = pd.DataFrame({"row": range(3), "group": range(3), "file": files, "label": LABELS, "predicted": LABELS})
        text = own.assign(day=[0.9, 0.2, 0.6], night=[0.1, 0.8, 0.4]).to_csv(index=False)
        config, spec = SimpleNamespace(split=SimpleNamespace(fold=fold)), SimpleNamespace(classes=CLASSES)
        found.append(SimpleNamespace(folder=tmp_path / f"run{fold}", config=config, spec=spec, facts={}))
        found[-1].predictions = text
    return found


@pytest.fixture
def trials() -> pd.DataFrame:
    """Two cells, two folds, two seeds."""
    rows = []
    for mitigation in ("none", "noise"):
        for fold in (0, 1):
            for seed in (0, 1):
                row = dict.fromkeys((each.column for each in OUTCOMES), 0.3 + 0.1 * seed)
                row |= {"data": "sky", "model": "cnn", "mitigation": mitigation, "cell": mitigation, "rest": ""}
                row |= {"seed": seed, "fold": fold, "split_seed": 0, "repeat": f"{seed}-{fold}-0", "seconds": 1.0}
                row |= {"train_fraction": 1.0, "epochs": 1, "diverged": False, "name": "x"}
                rows.append(row | {"run_id": f"{mitigation}-{fold}-{seed}"})
    return pd.DataFrame(rows)


@pytest.fixture
def given() -> pd.DataFrame:
    """What a colleague sends: both folds, in no order."""
    files = [*FILES[1], *FILES[0]]
    return pd.DataFrame({"file": files, "day": [0.9, 0.2, 0.4] * 2, "night": [0.1, 0.8, 0.6] * 2}).iloc[::-1]


def saved(table: pd.DataFrame, path: Path) -> Path:
    table.to_csv(path, index=False)
    return path


def test_they_join_as_a_cell_of_their_own(runs: Any, trials: Any, given: Any, tmp_path: Path) -> None:
    rows, answers, note = joined(saved(given, tmp_path / "theirs.csv"), runs, trials)
    own = rows[rows["cell"] == "theirs"]
    assert list(own["repeat"]) == ["0-0-0", "1-0-0", "0-1-0", "1-1-0"]  # one model stands for the seeds of its fold
    np.testing.assert_allclose(own["test/accuracy"], 2 / 3, rtol=1e-6)
    np.testing.assert_allclose(own["test/nll"], -np.log([0.9, 0.8, 0.4]).mean(), rtol=1e-6)
    assert own["gap/nll"].isna().all()
    assert own["seconds"].isna().all()
    assert (answers, "theirs was not trained here and not planned" in note) == ({}, True)
    table = comparison_table(rows).set_index("cell")
    assert table.loc["theirs", "verdict/gap/nll"] == "not judged"
    assert table.loc["theirs", "verdict/test/accuracy"] != "not judged"
    assert (table.loc["theirs", "pairs"], table.loc["theirs", "folds"]) == (4, 2)
    assert table.loc["theirs", "change/test/accuracy"] == pytest.approx(2 / 3 - 0.35, rel=1e-6)
    alone = comparison_table(trials).set_index("cell")
    assert table.loc["noise", "change/gap/nll/low"] == alone.loc["noise", "change/gap/nll/low"]


def test_a_cell_without_a_gap_leaves_the_others_as_they_are(trials: pd.DataFrame) -> None:
    draw = np.random.default_rng(0).normal
    one = trials[(trials["fold"] == 0) & (trials["seed"] == 0)]
    folds = [one.assign(fold=k, repeat=f"0-{k}-0", **{"gap/nll": draw(0, 1, len(one))}) for k in range(8)]
    alone = pd.concat(folds)
    theirs = alone[alone["cell"] == "noise"].assign(cell="theirs", mitigation="theirs", **{"gap/nll": np.nan})
    ours, joint = (comparison_table(rows).set_index("cell") for rows in (alone, pd.concat([alone, theirs])))
    columns = [name for name in ours if "gap/nll" in name]
    pd.testing.assert_series_equal(ours.loc["noise", columns], joint.loc["noise", columns])
    assert np.isfinite(ours.loc["noise", "sign_flip/gap/nll"])
    assert np.isnan(joint.loc["theirs", "sign_flip/gap/nll"])


def test_a_runs_own_predictions_are_such_a_file(runs: Any, trials: Any, tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    folder.mkdir()
    for number, run in enumerate(runs):
        (folder / f"{number}.csv").write_text(run.predictions)
    rows, _, _ = joined(folder, runs, trials)
    assert list(rows.loc[rows["cell"] == "ours", "test/accuracy"]) == [1.0] * 4


def test_of_labels_alone_there_is_no_likelihood(runs: Any, trials: Any, given: Any, tmp_path: Path) -> None:
    labelled = given[["file"]].assign(label="day")
    rows, _, _ = joined(saved(labelled, tmp_path / "theirs.csv"), runs, trials)
    own = rows[rows["cell"] == "theirs"]
    np.testing.assert_allclose(own["test/accuracy"], 2 / 3, rtol=1e-6)
    assert own[["test/nll", "test/ece"]].isna().all(axis=None)
    assert own["test/macro_f1"].notna().all()
    assert comparison_table(rows).set_index("cell").loc["theirs", "folds"] == 2


def test_on_a_fixed_test_part_each_row_has_its_fold(runs: Any, trials: Any, given: Any, tmp_path: Path) -> None:
    for run in runs:
        run.facts = {"official_test": True}
        run.predictions = runs[0].predictions
    same = given[given["file"].isin(FILES[0])]
    with pytest.raises(UserError, match="in the test part of several folds: add a column fold"):
        joined(saved(same, tmp_path / "theirs.csv"), runs, trials)
    both = pd.concat([same.assign(fold=fold) for fold in (0, 1)])
    rows, told, _ = joined(saved(both, tmp_path / "theirs.csv"), runs, trials)
    assert set(told) == set(rows.loc[rows["cell"] == "theirs", "run_id"])
    assert told["theirs-0-0-0"]["test/accuracy"].tolist() == [1, 1, 0]  # in the order of the pack
    np.testing.assert_allclose(told["theirs-1-1-0"]["test/nll"], -np.log([0.9, 0.8, 0.4]))
    of_fold = [*answers(runs).values()]
    known = {run: of_fold[fold] for run, fold in zip(trials["run_id"], trials["fold"], strict=True)}
    alone, both = (
        comparison_table(table, {}, {**known, **joining}).set_index("cell").loc["theirs"]
        for table, joining in ((rows, {}), (rows, told))
    )
    column = "change/test/nll"
    assert both[column] == alone[column]
    # what samples of one test part vary counts too
    assert both[f"{column}/high"] - both[f"{column}/low"] > alone[f"{column}/high"] - alone[f"{column}/low"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t[t["file"] != "b.png"], r"fold 0 lacks 1 of the 3 files to predict \(b\.png\)"),
        (lambda t: t.replace("b.png", "z.png"), r"1 files are in no test part \(z\.png\)"),
        (lambda t: t.assign(fold=0), r"fold 0 has 3 files that are not in its test part \(d\.png, e\.png and f\.png\)"),
        (lambda t: t.assign(fold=7), "the study has no fold 7, only 0 and 1"),
        (lambda t: pd.concat([t, t[t["file"] == "a.png"]]), r"fold 0 has 1 files twice \(a\.png\)"),
        (lambda t: t.drop(columns="file"), "a column file is missing"),
        (lambda t: t.iloc[:0], "a column file is missing, or there is no row"),
        (
            lambda t: t.replace({"day": 0.2, "night": 0.8}, {"day": 1.0, "night": 0.0}),
            r"the true class of 1 files has the probability 0 \([be]\.png\), which no likelihood survives",
        ),
        (lambda t: t.rename(columns={"day": "dawn"}), "dawn is no class of the data, which has day and night"),
        (lambda t: t.drop(columns="day"), "a column is missing for each of the classes day"),
        (lambda t: t.replace({"day": 0.9}, 0.5), r"the probabilities of .*\.png are none \(they sum to 0\.6\)"),
        (lambda t: t.replace({"day": 0.9}, "high"), r"are none \(one is no number\)"),
        (lambda t: t[["file"]].assign(label="dusk"), "dusk is no class of the data"),
        (lambda t: t[["file"]], "neither the classes' probabilities nor a column label"),
    ],
)
def test_what_does_not_match_is_one_message(
    runs: Any, trials: Any, given: Any, tmp_path: Path, change: Any, said: str
) -> None:
    with pytest.raises(UserError, match=rf"predictions=.*theirs\.csv: .*{said}"):
        joined(saved(change(given), tmp_path / "theirs.csv"), runs, trials)


def test_a_study_they_cannot_join(runs: Any, trials: Any, given: Any, tmp_path: Path) -> None:
    path = saved(given, tmp_path / "theirs.csv")
    both = pd.concat([trials, trials.assign(model="ann", cell="ann · " + trials["cell"])])
    with pytest.raises(
        UserError, match="a study of one network on one split, and this one compares within cnn and ann"
    ):
        joined(path, runs, both)
    with pytest.raises(UserError, match="has a cell noise itself"):
        joined(saved(given, tmp_path / "noise.csv"), runs, trials)
    with pytest.raises(UserError, match="there is no such csv file"):
        joined(tmp_path / "gone.csv", runs, trials)
    (tmp_path / "empty.csv").touch()
    with pytest.raises(UserError, match="this cannot be read as a table"):
        joined(tmp_path / "empty.csv", runs, trials)
