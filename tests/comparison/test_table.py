"""A study's trials, made up, and the table they must give."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from overcast.comparison import OUTCOMES, PRIMARY, comparison_table

INFO = {"study": "made up", "official_test": False}


def made(effects, repeats=6, model="cnn", train_fraction=1.0, mark="", spread=0.01, seed=0, overlap=1 / 9):
    """Trials of one context: each mitigation's true effect; repeats differ, and share that with the baseline."""
    draw = np.random.default_rng(seed).normal
    hard, rows = draw(0, 0.03, repeats), []
    for name, effect in effects.items():
        for k in range(repeats):
            row = dict.fromkeys((o.column for o in OUTCOMES), 0.3) | {
                "test/accuracy": 0.8 + effect + hard[k] + draw(0, spread),
                "gap/accuracy": 0.1 - effect + draw(0, 0.001),
            }
            told = {
                "data": "sky",
                "model": model,
                "mitigation": name,
                "cell": f"{mark}{name}",
                "train_fraction": train_fraction,
            }
            told |= {"overlap": overlap}
            ids = {"run_id": f"{mark}{name}{k}", "name": name, "fold": k, "seed": 0, "repeat": f"{k}-0", "epochs": 5}
            rows.append(ids | told | row | {"seconds": 10.0 * (1 + effect) * (2 if name == "slow" else 1)})
    return pd.DataFrame(rows)


def row(compared, cell):
    return compared.set_index("cell").loc[cell]


def test_change_is_the_paired_t_test_and_holm_spans_the_study():
    trials = made({"none": 0, "good": 0.05, "bad": -0.05, "same": 0})
    compared = comparison_table(trials, INFO)
    wide = trials.pivot_table(index="repeat", columns="cell", values="test/accuracy")
    tests = {name: stats.ttest_rel(wide[name], wide["none"]) for name in ("good", "bad", "same")}
    for name, test in tests.items():
        assert row(compared, name)["p"] == pytest.approx(test.pvalue)
        ends = [row(compared, name)[f"change/test/accuracy/{end}"] for end in ("low", "high")]
        assert ends == pytest.approx(list(test.confidence_interval()))
    adjusted = multipletests([t.pvalue for t in tests.values()], method="holm")[1]
    assert [row(compared, name)["p_holm"] for name in tests] == pytest.approx(list(adjusted))
    assert compared.set_index("cell")["clear"].to_dict() == {"good": True, "same": False, "none": False, "bad": True}
    assert list(compared["cell"])[0::3] == ["good", "bad"]  # best first


def test_each_mean_has_the_t_interval_of_its_repeats():
    trials = made({"none": 0, "good": 0.05})
    values = trials[trials["cell"] == "good"]["test/accuracy"]
    got = row(comparison_table(trials, INFO), "good")
    low, high = stats.ttest_1samp(values, 0).confidence_interval()
    ends = (got[PRIMARY.column], got["test/accuracy/low"], got["test/accuracy/high"])
    assert ends == pytest.approx((values.mean(), low, high))


def test_more_overlap_makes_the_second_test_harder():
    ps = [
        row(comparison_table(made({"none": 0, "good": 0.02}, overlap=rho), INFO), "good")["p_overlap"]
        for rho in (0.1, 0.2)
    ]
    assert row(comparison_table(made({"none": 0, "good": 0.02}), INFO), "good")["p"] < ps[0] < ps[1]


def test_the_second_test_takes_the_overlap_of_the_folds_that_were_compared():
    """Ten folds, one of which validates: the test part is an eighth of the train part."""
    trials = made({"none": 0, "good": 0.02})
    wide = trials.pivot_table(index="repeat", columns="cell", values="test/accuracy")
    d = wide["good"] - wide["none"]
    t = d.mean() / np.sqrt((1 / 6 + 1 / 8) * d.var())
    got = row(comparison_table(trials, INFO), "good")
    assert got["p_overlap"] == pytest.approx(2 * stats.t.sf(abs(t), 5))
    assert got["rho"] == pytest.approx(1 / 9)
    by_time = trials.assign(overlap=[1 / (4 - fold % 3) for fold in trials["fold"]])
    assert row(comparison_table(by_time, INFO), "good")["rho"] == pytest.approx((1 / 4 + 1 / 3 + 1 / 2) / 3)


def test_contexts_are_compared_each_with_its_own_baseline():
    easy = made({"none": 0.1, "good": 0.15}, model="cnn", mark="cnn · ", seed=1)
    hard = made({"none": -0.1, "good": -0.05}, model="ann", mark="ann · ", seed=2)
    compared = comparison_table(pd.concat([easy, hard]), INFO)
    assert set(compared["context"]) == {"cnn", "ann"}
    assert row(compared, "ann · good")["baseline"] == "ann · none"
    assert row(compared, "ann · good")["change/test/accuracy"] == pytest.approx(0.05, abs=0.02)


def test_every_strength_of_a_mitigation_is_compared_with_none():
    trials = made({"none": 0, "dropout": 0.05})
    strong = made({"dropout": 0.02}, seed=1).assign(cell="dropout · p=0.5")
    compared = comparison_table(pd.concat([trials, strong]).assign(rest=""), INFO)
    assert set(compared["baseline"]) == {"none"}
    assert compared.set_index("cell")["pairs"].to_dict() == {"none": 0, "dropout": 6, "dropout · p=0.5": 6}


def test_only_repeats_that_both_have_are_compared_and_the_missing_are_counted():
    trials = made({"none": 0, "good": 0.05})
    trials.loc[trials["run_id"] == "none0", "test/accuracy"] = np.nan
    trials = trials[trials["run_id"] != "good5"]
    got = row(comparison_table(trials, INFO), "good")
    assert (got["repeats"], got["pairs"], got["planned"]) == (5, 4, 6)


def test_without_the_baseline_the_first_cell_takes_its_place():
    compared = comparison_table(made({"dropout": 0, "noise": 0.05}), INFO)
    assert set(compared["baseline"]) == {"dropout"}
    assert row(compared, "noise")["pairs"] == 6


def test_where_only_networks_differ_they_are_compared_with_the_first():
    trials = pd.concat([made({"none": 0}, model="ann", mark="ann · "), made({"none": 0.1}, model="cnn", mark="cnn · ")])
    compared = comparison_table(trials, INFO)
    assert row(compared, "cnn · none")["baseline"] == "ann · none"
    assert row(compared, "cnn · none")["pairs"] == 6


@pytest.mark.parametrize("cells", [{"none": 0}, {"none": 0, "good": 0.1}])
def test_one_repeat_gives_means_and_no_verdict(cells):
    compared = comparison_table(made(cells, repeats=1), INFO)
    assert not compared["clear"].any()
    assert compared["p_holm"].isna().all()
    assert np.isfinite(compared["test/accuracy"]).all()


def test_the_very_same_results_are_no_evidence_and_no_crash():
    trials = made({"none": 0})
    twin = trials.assign(cell="twin", mitigation="twin", run_id="twin" + trials["run_id"])
    got = row(comparison_table(pd.concat([trials, twin]), INFO), "twin")
    assert (got["change/test/accuracy"], got["p"], got["p_overlap_holm"], got["detectable"]) == (0, 1, 1, 0)


def lost(trials, cell, repeats):
    """The trials without the outcomes of these repeats of a cell: they diverged."""
    gone = (trials["cell"] == cell) & trials["repeat"].isin(repeats)
    outcomes = [outcome.column for outcome in OUTCOMES]
    return trials.assign(diverged=gone, **{c: trials[c].where(~gone) for c in [*outcomes, "seconds"]})


def test_a_cell_with_diverged_trials_is_never_better():
    trials = made({"none": 0, "good": 0.05, "bad": -0.05, "fine": 0.05})
    whole = comparison_table(trials, INFO)
    assert whole.set_index("cell")["clear"].to_dict() == {"none": False, "good": True, "bad": True, "fine": True}
    assert not whole["flattered"].any()
    once = comparison_table(lost(trials, "good", ["0-0"]), INFO)
    assert (row(once, "good")["diverged"], row(once, "good")["pairs"], row(once, "good")["planned"]) == (1, 5, 6)
    assert once.set_index("cell")["clear"].to_dict() == {"none": False, "good": False, "bad": True, "fine": True}
    assert row(once, "good")["p_overlap_holm"] < 0.05
    assert row(comparison_table(lost(trials, "bad", ["0-0"]), INFO), "bad")[
        "clear"
    ]  # those that are left are worse all the same


def test_nothing_is_worse_than_a_baseline_with_diverged_trials():
    compared = comparison_table(lost(made({"none": 0, "good": 0.05, "bad": -0.05}), "none", ["1-0"]), INFO)
    assert compared.set_index("cell")["clear"].to_dict() == {"none": False, "good": True, "bad": False}
    assert row(compared, "bad")["baseline_diverged"] == 1
    assert compared.set_index("cell")["flattered"].to_dict() == {"none": False, "good": False, "bad": True}


def test_an_interval_holds_only_what_there_can_be():
    trials = made({"none": 0})
    trials["test/accuracy"] = np.resize([1.0, 0.8], len(trials))
    got = row(comparison_table(trials, INFO), "none")
    assert got["test/accuracy"] == pytest.approx(0.9)
    assert 0 < got["test/accuracy/low"] < 0.8
    assert got["test/accuracy/high"] == 1


def test_time_is_relative_to_the_baseline():
    compared = comparison_table(made({"none": 0, "slow": 0}), INFO)
    assert row(compared, "slow")["time"] == pytest.approx(2)
    assert row(compared, "none")["time"] == 1


def test_nothing_finished_says_so():
    with pytest.raises(ValueError, match="no finished trial"):
        comparison_table(made({"none": 0}).assign(**{"test/accuracy": np.nan}), INFO)


def test_an_official_test_part_widens_the_interval_by_its_samples():
    draws = np.random.default_rng(3)
    hard = draws.random(200)
    trials = made({"none": 0, "good": 0.05})
    right = {run: draws.random(200) < 0.3 + 0.6 * hard + 0.05 * ("good" in run) for run in trials["run_id"]}
    trials["test/accuracy"] = [right[run].mean() for run in trials["run_id"]]
    seeds_only, both = (
        comparison_table(trials, INFO, right),
        comparison_table(trials, INFO | {"official_test": True}, right),
    )

    def width(compared, column):
        return row(compared, "good")[f"{column}/high"] - row(compared, "good")[f"{column}/low"]

    for column in ("test/accuracy", "change/test/accuracy"):
        assert row(both, "good")[column] == pytest.approx(row(seeds_only, "good")[column])
    assert width(both, "test/accuracy") > width(seeds_only, "test/accuracy")
    partly = {run: answers for run, answers in right.items() if run != "none0"}
    without = comparison_table(trials, INFO | {"official_test": True}, partly)
    assert width(without, "change/test/accuracy") == pytest.approx(width(seeds_only, "change/test/accuracy"))
