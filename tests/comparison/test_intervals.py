"""What a reader moves: what the page is given of a study's looks and folds, and where it is given nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from overcast.comparison import OUTCOMES, comparison_table, families
from overcast.comparison.intervals import looks_section, resampling_section
from overcast.comparison.sequential import look_tables
from overcast.html.intervals import IntervalSteps, Resampling

JUDGED = families()


def made(effects: dict[str, float], folds: int = 8, spread: float = 0.008) -> pd.DataFrame:
    """Trials of a context: of each cell by how much its accuracy, and the likelihoods, differ from none."""
    draw, rows = np.random.default_rng(2).normal, []
    for name, effect in {"none": 0.0, **effects}.items():
        for fold in range(folds):
            row: dict[str, Any] = dict.fromkeys((outcome.column for outcome in OUTCOMES), 0.3)
            row |= {"test/accuracy": 0.8 + effect + draw(0, spread), "test/nll": 0.5 - 5 * effect + draw(0, spread)}
            row |= {"gap/nll": 0.5 - 10 * effect + draw(0, spread), "diverged": False, "repeat": f"{fold}-0"}
            row |= {"data": "sky", "model": "cnn", "mitigation": name, "cell": name, "train_fraction": 1.0, "epochs": 5}
            rows.append(row | {"run_id": f"{name}{fold}", "fold": fold, "seed": 0, "seconds": 1.0})
    return pd.DataFrame(rows)


def resampling(trials: pd.DataFrame) -> Resampling | None:
    finished = trials[~trials["diverged"]]
    section = resampling_section(comparison_table(trials), finished, JUDGED, {})
    if section is None:
        return None
    part = section.parts[0]
    assert isinstance(part, Resampling)
    return part


def test_each_look_shows_what_was_known_then() -> None:
    judged = families(("accuracy",))
    looks = look_tables(made({"good": 0.1, "half": 0.025}), {"looks": [4, 6, 8], "families": judged}, {})
    section = looks_section(looks, judged)
    assert section
    part = section.parts[0]
    assert isinstance(part, IntervalSteps)
    good, half = part.rows.index("good"), part.rows.index("half")
    assert [step.title for step in part.steps] == ["after 4 folds", "after 6 folds"]  # then all is decided
    first, last = part.steps[0], part.steps[-1]
    assert (first.notes[good], first.notes[half]) == ("decided after 4 folds", "goes on")
    assert last.intervals[good] == first.intervals[good]  # it stands from the look that decided it
    assert [step.verdicts[half][1] for step in part.steps] == ["undecided", "better"]
    assert first.verdicts[good][1] == "better"
    gap, accuracy = part.columns
    assert (accuracy.unit, accuracy.margin, accuracy.names["better"]) == ("points", 3.0, "better")
    assert gap.names["better"] == "less overfitting"


def test_a_study_of_one_look_has_no_slider() -> None:
    assert looks_section(look_tables(made({"good": 0.1}), {}, {}), JUDGED) is None


def test_the_folds_give_the_intervals_of_the_table() -> None:
    trials = made({"good": 0.02, "bad": -0.02, "same": 0.0})
    table, part = comparison_table(trials), resampling(trials)
    assert part
    rows = table[~table["is_baseline"]]
    assert list(part.rows) == list(rows["cell"])
    for outcome, told in zip(JUDGED.judged, part.groups[0], strict=True):
        differences = np.array(told.differences)
        own = differences.var(1, ddof=1)
        error = np.sqrt(np.maximum(own, own.mean()) / differences.shape[1] + np.array(told.fixed))
        ends = rows[[f"change/{outcome.column}/{end}" for end in ("low", "high")]].to_numpy() * outcome.scale
        reach = told.critical * error
        np.testing.assert_allclose(ends, differences.mean(1)[:, None] + reach[:, None] * [-1, 1], atol=1e-5)


def test_folds_are_called_as_the_study_calls_them() -> None:
    trials = made({"good": 0.02}, folds=4)
    part = resampling(trials.assign(fold=trials["fold"] + 5))
    assert part
    assert part.folds == ("5", "6", "7", "8")
    part = resampling(trials.assign(split_seed=trials["fold"] // 2, fold=trials["fold"] % 2))
    assert part
    assert part.folds == ("0 (split 0)", "1 (split 0)", "0 (split 1)", "1 (split 1)")


def test_contexts_stand_below_each_other() -> None:
    both = [made({"good": 0.02}).assign(model=model, rest="") for model in ("cnn", "ann")]
    both = [
        each.assign(cell=each["model"] + " · " + each["cell"], run_id=each["model"] + each["run_id"]) for each in both
    ]
    part = resampling(pd.concat(both, ignore_index=True))
    assert part
    assert list(part.rows) == ["cnn · good", "ann · good"]
    assert len(part.groups) == 2


def without(trials: pd.DataFrame, cell: str, fold: int) -> pd.DataFrame:
    return trials[~((trials["cell"] == cell) & (trials["fold"] == fold))]


@pytest.mark.parametrize(
    "trials",
    [
        made({"good": 0.02}, folds=2),
        made({"good": 0.02}).assign(fold=0, seed=lambda rows: rows["repeat"].str[0].astype(int)),
        without(made({"good": 0.02}), "good", 3),
        made({"good": 0.02}).assign(diverged=lambda rows: (rows["cell"] == "good") & (rows["fold"] == 1)),
        made({}),
    ],
    ids=["two folds", "one fold", "a fold is missing", "a trial diverged", "nothing to compare"],
)
def test_nothing_is_drawn_where_it_would_not_be_the_study_s_own_rule(trials: pd.DataFrame) -> None:
    assert resampling(trials) is None


def test_a_study_of_540_trials_adds_little_to_the_page() -> None:
    trials = made({f"mitigation {i}": 0.01 for i in range(17)}, folds=10)
    seeds = [trials.assign(seed=seed, repeat=trials["repeat"] + f"-{seed}") for seed in range(3)]
    part = resampling(pd.concat(seeds, ignore_index=True))
    assert part
    assert len(part.data) < 20_000
