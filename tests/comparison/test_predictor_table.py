"""What needs no network beside each control: the paired t-test, and what diverged or is shared by all folds."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from overcast.comparison import OUTCOMES, table
from overcast.comparison.predictor_table import predictor_table


def made(effects, folds=6, model="cnn", mark="", seed=0):
    """Trials of one context: each mitigation's true effect on the test accuracy, which differs from fold to fold."""
    draw = np.random.default_rng(seed).normal
    hard, rows = draw(0, 0.03, folds), []
    for name, effect in effects.items():
        for fold in range(folds):
            row = dict.fromkeys((o.column for o in OUTCOMES), 0.3)
            row |= {"test/accuracy": 0.8 + effect + hard[fold] + draw(0, 0.01), "diverged": False}
            row |= {"data": "sky", "model": model, "mitigation": name, "cell": f"{mark}{name}", "epochs": 5}
            row |= {"run_id": f"{mark}{name}{fold}", "fold": fold, "seed": 0, "repeat": f"0-{fold}-0"}
            rows.append(row | {"train_fraction": 1.0, "seconds": 10.0})
    return pd.DataFrame(rows)


@pytest.fixture
def independent_folds(monkeypatch):
    """As if folds had nothing in common."""
    monkeypatch.setattr(table, "common_ratio", lambda network, outcome: 0.0)


def with_predictors(trials, **accuracies):
    """The trials beside the test accuracies of what needs no network, a fold's own each."""
    draw = np.random.default_rng(9).normal
    noise = pd.Series(draw(0, 0.01, trials["fold"].nunique()))
    of_fold = trials["fold"].map(noise)
    return trials.assign(**{f"baseline/{name}_accuracy": value + of_fold for name, value in accuracies.items()})


def test_what_needs_no_network_is_compared_with_the_control_by_the_paired_t_test(independent_folds):
    trials = with_predictors(made({"none": 0, "good": 0.3}), majority=0.3)
    (got,) = predictor_table(trials).to_dict("records")
    control = trials[trials["cell"] == "none"]
    paired = stats.ttest_rel(control["test/accuracy"], control["baseline/majority_accuracy"])
    assert (got["predictor"], got["control"], got["verdict"]) == ("majority", "none", "better")
    assert got["test/accuracy"] == pytest.approx(control["baseline/majority_accuracy"].mean())
    assert (got["change/low"], got["change/high"]) == pytest.approx(tuple(paired.confidence_interval()))


def test_every_contexts_control_is_compared_with_what_needs_no_network():
    strong = with_predictors(made({"none": 0.1, "good": 0.2}, mark="cnn · "), majority=0.3, linear=0.8)
    weak = with_predictors(
        made({"none": -0.1, "good": 0.2}, model="ann", mark="ann · ", seed=1), majority=0.3, linear=0.8
    )
    told = predictor_table(pd.concat([strong, weak])).set_index(["context", "predictor"])["verdict"].to_dict()
    assert told == {
        ("cnn", "linear"): "better",
        ("cnn", "majority"): "better",
        ("ann", "linear"): "worse",
        ("ann", "majority"): "better",
    }
    changes = predictor_table(pd.concat([strong, weak]))["change"]
    assert list(changes) == pytest.approx([0.1, 0.6, -0.1, 0.4], abs=0.05)


def test_persistence_is_told_only_where_samples_follow_each_other():
    ordered = with_predictors(made({"none": 0, "good": 0.1}), linear=0.5, persistence=0.8).assign(data="sea")
    other = with_predictors(made({"none": 0, "good": 0.1}, seed=1), linear=0.5)
    told = predictor_table(pd.concat([ordered, other]))
    assert list(zip(told["data"], told["predictor"], strict=True)) == [
        ("sea", "linear"),
        ("sea", "persistence"),
        ("sky", "linear"),
    ]


def test_trials_that_do_not_tell_what_needs_no_network_have_no_such_table():
    assert predictor_table(made({"none": 0, "good": 0.1})).empty


def test_from_one_repeat_nothing_is_said_against_what_needs_no_network():
    (got,) = predictor_table(with_predictors(made({"none": 0}, folds=1), majority=0.1)).to_dict("records")
    assert (got["verdict"], np.isnan(got["change/low"])) == ("not judged", True)


def test_a_control_of_which_some_diverged_is_not_called_better():
    """Those that are left flatter it; that it is worse all the same is said."""
    trials = with_predictors(made({"none": 0, "good": 0.1}), majority=0.3, linear=0.9)
    gone = (trials["cell"] == "none") & (trials["fold"] == 0)
    lost = trials.assign(diverged=gone, **{"test/accuracy": trials["test/accuracy"].mask(gone)})
    verdicts = [predictor_table(some).set_index("predictor")["verdict"].to_dict() for some in (trials, lost)]
    assert verdicts == [{"linear": "worse", "majority": "better"}, {"linear": "worse", "majority": "not judged"}]


def test_without_its_control_a_context_is_not_compared_with_what_needs_no_network():
    trials = with_predictors(made({"none": 0, "good": 0.1}), majority=0.3)
    gone = trials["cell"] == "none"
    assert predictor_table(trials.assign(diverged=gone, **{"test/accuracy": trials["test/accuracy"].mask(gone)})).empty


def test_a_fixed_test_part_adds_the_most_that_its_samples_may(independent_folds):
    """What needs no network is known by its accuracy alone, so that how it answers beside the network is not."""
    trials = with_predictors(made({"none": 0, "good": 0.1}), majority=0.3)
    groups = np.repeat(np.arange(50), 2)
    answers = {run: {"group": groups} for run in trials["run_id"]}
    (own,), (shared,) = (predictor_table(trials, known).to_dict("records") for known in ({}, answers))
    assert shared["change"] == own["change"]
    accuracy = trials.loc[trials["cell"] == "none", "test/accuracy"].mean()
    b = shared["test/accuracy"]
    worst = 0.0  # over all ways in which two such accuracies can fall together on 100 samples
    for both in np.linspace(max(0, accuracy + b - 1), min(accuracy, b), 50):
        differ = accuracy + b - 2 * both
        worst = max(worst, differ - (accuracy - b) ** 2)
    quantile = stats.t.isf(0.025, 5)
    added = ((shared["change/high"] - shared["change"]) ** 2 - (own["change/high"] - own["change"]) ** 2) / quantile**2
    assert added == pytest.approx(worst / 50)
