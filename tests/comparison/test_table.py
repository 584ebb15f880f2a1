"""A study's trials, made up, and the table they must give."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from overcast.comparison import OUTCOMES, PRIMARY, comparison_table, families, table, table_view
from overcast.comparison.measured_study import lost_controls
from overcast.comparison.notes import undecided
from overcast.comparison.pairs import finished_contexts
from overcast.statistics.estimates import two_way
from overcast.statistics.fold_covariance import common_ratio

ACCURACY_ALONE = {"families": families(["accuracy"])}
JUDGED = [outcome.column for outcome in families().judged]


def made(effects, folds=6, seeds=1, model="cnn", train_fraction=1.0, mark="", spread=0.01, seed=0):
    """Trials of one context: each mitigation's true effect; repeats differ, and share that with the baseline.

    The gap and the loss change by twice the effect, the other way round.
    """
    draw = np.random.default_rng(seed).normal
    repeats = [(fold, number) for fold in range(folds) for number in range(seeds)]
    hard, rows = draw(0, 0.03, len(repeats)), []
    for name, effect in effects.items():
        for k, (fold, number) in enumerate(repeats):
            row = dict.fromkeys((o.column for o in OUTCOMES), 0.3) | {
                "test/accuracy": 0.8 + effect + hard[k] + draw(0, spread),
                "test/nll": 0.6 - 2 * effect - hard[k] + draw(0, spread),
                "gap/nll": 0.4 - 2 * effect - hard[k] + draw(0, spread),
                "gap/accuracy": 0.1 - effect + draw(0, 0.001),
            }
            told = {"data": "sky", "model": model, "mitigation": name, "cell": f"{mark}{name}", "epochs": 5}
            ids = {"run_id": f"{mark}{name}{k}", "name": name, "fold": fold, "seed": number, "split_seed": 0}
            ids |= {"repeat": f"{number}-{fold}-0", "train_fraction": train_fraction}
            rows.append(ids | told | row | {"seconds": 10.0 * (1 + effect) * (2 if name == "slow" else 1)})
    return pd.DataFrame(rows)


def row(compared, cell):
    return compared.set_index("cell").loc[cell]


def ends(compared, cell, column="change/test/accuracy"):
    return [row(compared, cell)[f"{column}/{end}"] for end in ("low", "high")]


def width(compared, cell, column="change/test/accuracy"):
    low, high = ends(compared, cell, column)
    return high - low


def found(compared, column="test/accuracy"):
    """The verdict on each cell."""
    return compared.set_index("cell")[f"verdict/{column}"].to_dict()


def wide(trials, column="test/accuracy"):
    return trials.pivot_table(index="repeat", columns="cell", values=column)


@pytest.fixture
def independent_folds(monkeypatch):
    """As if folds had nothing in common."""
    monkeypatch.setattr(table, "common_ratio", lambda network, outcome: 0.0)


def test_the_change_of_one_mitigation_is_the_paired_t_test(independent_folds):
    trials = made({"none": 0, "good": 0.02})
    paired = stats.ttest_rel(wide(trials)["good"], wide(trials)["none"])
    compared = comparison_table(trials, ACCURACY_ALONE)
    assert ends(compared, "good") == pytest.approx(list(paired.confidence_interval()))
    assert row(compared, "good")["change/test/accuracy"] == pytest.approx(
        (wide(trials)["good"] - wide(trials)["none"]).mean()
    )


def test_what_folds_have_in_common_widens_that_interval_as_no_fold_averages_it_away():
    trials = made({"none": 0, "good": 0.02})
    low, high = stats.ttest_rel(wide(trials)["good"], wide(trials)["none"]).confidence_interval()
    wider = np.sqrt(1 + 6 * common_ratio("cnn", "test/accuracy"))
    assert wider > 1
    assert width(comparison_table(trials, ACCURACY_ALONE), "good") == pytest.approx(wider * (high - low))


def test_on_a_single_fold_the_paired_t_test_is_over_seeds():
    trials = made({"none": 0, "good": 0.02}, folds=1, seeds=6)
    paired = stats.ttest_rel(wide(trials)["good"], wide(trials)["none"])
    compared = comparison_table(trials, ACCURACY_ALONE)
    assert ends(compared, "good") == pytest.approx(list(paired.confidence_interval()))
    assert list(compared["folds"]) == [6, 6]


def test_folds_are_the_units_and_count_the_seeds_that_both_sides_have(independent_folds):
    trials = made({"none": 0, "good": 0.02}, folds=4, seeds=3)
    lost = (trials["cell"] == "good") & (trials["repeat"] == "2-1-0")
    lost |= (trials["cell"] == "none") & (trials["repeat"] == "0-3-0")
    trials = trials[~lost]
    both = wide(trials).dropna()
    of_fold = (both["good"] - both["none"]).groupby([repeat.split("-")[1] for repeat in both.index]).mean()
    compared = comparison_table(trials, ACCURACY_ALONE)
    got = row(compared, "good")
    assert got["change/test/accuracy"] == pytest.approx(of_fold.mean())
    assert ends(compared, "good") == pytest.approx(list(stats.ttest_1samp(of_fold, 0).confidence_interval()))
    assert (got["repeats"], got["pairs"], got["planned"], got["folds"]) == (11, 10, 12, 4)


def test_each_mean_has_the_t_interval_of_its_folds():
    trials = made({"none": 0, "good": 0.05}, seeds=2)
    values = trials[trials["cell"] == "good"].groupby("fold")["test/accuracy"].mean()
    compared = comparison_table(trials)
    assert row(compared, "good")[PRIMARY.column] == pytest.approx(values.mean())
    interval = stats.ttest_1samp(values, 0).confidence_interval()
    assert ends(compared, "good", PRIMARY.column) == pytest.approx(list(interval))


def test_a_mean_of_results_that_are_all_the_same_has_no_interval():
    trials = made({"none": 0, "good": 0})
    trials.loc[trials["cell"] == "good", "test/accuracy"] = 1.0
    compared = comparison_table(trials)
    assert row(compared, "good")["test/accuracy"] == 1
    assert np.isnan(ends(compared, "good", "test/accuracy")).all()
    assert np.isfinite(ends(compared, "none", "test/accuracy")).all()


def test_the_cells_of_a_context_are_ranked_by_accuracy():
    compared = comparison_table(made({"none": 0, "bad": -0.1, "good": 0.1}))
    assert list(compared["cell"]) == ["good", "none", "bad"]


def test_the_intervals_of_a_family_widen_with_everything_that_is_compared_in_it():
    trials = made({"none": 0, "good": 0.05, "bad": -0.05})
    other = made({"none": 0, "good": 0.05}, model="ann", mark="ann · ", seed=1)
    several = pd.concat([trials.assign(cell="cnn · " + trials["cell"]), other])
    alone, both = (comparison_table(some, ACCURACY_ALONE) for some in (trials, several))
    nll_too = comparison_table(trials)
    assert width(alone, "good") < width(nll_too, "good")
    assert width(alone, "good") < width(both, "cnn · good")
    gaps = [width(some, "good", "change/gap/nll") for some in (alone, nll_too)]
    assert gaps[0] == gaps[1]  # a family of its own


def test_the_intervals_of_many_folds_are_dunnetts(independent_folds):
    """Nearly: the control's noise is not pooled with the others', and a larger noise of one's own is taken."""
    trials = made(dict.fromkeys(("none", "one", "two", "three"), 0), folds=60)
    trials["test/accuracy"] = np.random.default_rng(1).normal(0.8, 0.01, len(trials))  # no fold is easier than another
    of_cell = wide(trials)
    others = [of_cell[cell] for cell in ("one", "two", "three")]
    interval = stats.dunnett(*others, control=of_cell["none"], random_state=0).confidence_interval()
    compared = comparison_table(trials, ACCURACY_ALONE)
    widths = [width(compared, cell) for cell in ("one", "two", "three")]
    assert widths == pytest.approx(list(interval.high - interval.low), rel=0.15)


def test_verdicts_say_where_the_interval_lies_and_a_smaller_gap_is_better():
    trials = made({"none": 0, "good": 0.1, "little": 0.012, "same": 0, "bad": -0.1}, spread=0.002)
    compared = comparison_table(trials)
    expected = {"none": "", "good": "better", "little": "slightly better", "same": "equivalent", "bad": "worse"}
    for column in JUDGED:
        assert found(compared, column) == expected
    loud = made({"none": 0, "same": 0}, spread=0.1)
    assert found(comparison_table(loud)) == {"none": "", "same": "undecided"}
    assert [name for name in compared if name.startswith("verdict/")] == [f"verdict/{column}" for column in JUDGED]


def test_a_margin_turns_better_into_slightly_better_and_undecided_into_equivalent():
    trials = made({"none": 0, "good": 0.05, "same": 0})
    usual, wider = (comparison_table(trials, {"families": families(margins={"accuracy": m})}) for m in (0.005, 0.5))
    assert found(usual) == {"none": "", "good": "better", "same": "undecided"}
    assert found(wider) == {"none": "", "good": "slightly better", "same": "equivalent"}
    assert usual["change/test/accuracy/low"].equals(wider["change/test/accuracy/low"])


def test_what_is_judged_is_what_the_study_asks_for():
    compared = comparison_table(made({"none": 0, "good": 0.05}), {"families": families(["macro_f1"])})
    judged = [name.removeprefix("verdict/") for name in compared if name.startswith("verdict/")]
    assert judged == ["gap/nll", "test/macro_f1"]
    assert np.isfinite(row(compared, "good")["change/test/accuracy/low"])  # described all the same


def test_as_many_seeds_are_asked_for_as_decide_and_none_where_folds_are_the_limit(monkeypatch):
    trials = made({"none": 0, "same": 0}, seeds=3, spread=0.04, seed=1)
    monkeypatch.setattr(table, "common_ratio", lambda network, outcome: 0.0)
    few = comparison_table(trials, ACCURACY_ALONE)
    seeds = row(few, "same")["seeds/test/accuracy"]
    assert (found(few)["same"], seeds > 3) == ("undecided", True)
    more = made({"none": 0, "same": 0}, seeds=int(seeds), spread=0.04, seed=52)
    assert found(comparison_table(more, ACCURACY_ALONE))["same"] == "equivalent"
    monkeypatch.setattr(table, "common_ratio", lambda network, outcome: 1.0)
    assert np.isnan(row(comparison_table(trials, ACCURACY_ALONE), "same")["seeds/test/accuracy"])


def test_on_a_single_fold_they_are_seeds_in_all():
    trials = made({"none": 0, "same": 0}, folds=1, seeds=5, spread=0.03, seed=2)
    compared = comparison_table(trials, ACCURACY_ALONE)
    assert found(compared)["same"] == "undecided"
    seeds = row(compared, "same")["seeds/test/accuracy"]
    assert seeds > 5
    more = made({"none": 0, "same": 0}, folds=1, seeds=int(seeds), spread=0.03, seed=2)
    assert found(comparison_table(more, ACCURACY_ALONE))["same"] == "equivalent"
    judged = ACCURACY_ALONE["families"]
    assert f"1. {seeds:.0f} seeds would decide them" in " ".join(undecided(compared, judged))
    assert f"undecided {seeds:.0f} seeds would do" in table_view.markdown(compared, judged)


def test_no_number_of_seeds_averages_the_samples_of_a_fixed_test_part():
    trials = made({"none": 0, "same": 0}, seeds=3, spread=0.02)
    half = np.arange(40) % 2
    right = {"none": half, "same": 1 - half}
    answers = {
        run: {"row": np.arange(40), "group": np.arange(40), "test/accuracy": right[cell].astype(float)}
        for run, cell in zip(trials["run_id"], trials["cell"], strict=True)
    }
    assert row(comparison_table(trials, ACCURACY_ALONE), "same")["seeds/test/accuracy"] >= 1
    assert np.isnan(row(comparison_table(trials, ACCURACY_ALONE, answers), "same")["seeds/test/accuracy"])


def test_the_detectable_difference_shrinks_as_folds_are_added(independent_folds):
    few, many = (
        row(comparison_table(made({"none": 0, "same": 0}, folds=folds), ACCURACY_ALONE), "same") for folds in (6, 60)
    )
    assert many["detectable/test/accuracy"] == pytest.approx(few["detectable/test/accuracy"] / np.sqrt(10), rel=0.4)


def test_flipping_the_signs_of_whole_folds_is_the_permutation_test():
    trials = made({"none": 0, "good": 0.006}, folds=9)
    d = wide(trials)["good"] - wide(trials)["none"]
    exact = stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=10**6)
    assert 0.001 < exact.pvalue < 0.9
    p = row(comparison_table(trials, ACCURACY_ALONE), "good")["sign_flip/test/accuracy"]
    assert p == pytest.approx(exact.pvalue)
    assert row(comparison_table(trials), "good")["sign_flip/test/accuracy"] >= p  # two outcomes
    too_few = comparison_table(trials[trials["fold"] < 7], ACCURACY_ALONE)
    assert too_few["sign_flip/test/accuracy"].isna().all()
    with_a_gap = comparison_table(trials[trials["run_id"] != "good3"], ACCURACY_ALONE)
    assert with_a_gap["sign_flip/test/accuracy"].isna().all()


def test_contexts_are_compared_each_with_its_own_baseline():
    easy = made({"none": 0.1, "good": 0.15}, model="cnn", mark="cnn · ", seed=1)
    hard = made({"none": -0.1, "good": -0.05}, model="ann", mark="ann · ", seed=2)
    compared = comparison_table(pd.concat([easy, hard]))
    assert set(compared["context"]) == {"cnn", "ann"}
    assert row(compared, "ann · good")["baseline"] == "ann · none"
    assert row(compared, "ann · good")["change/test/accuracy"] == pytest.approx(0.05, abs=0.02)
    assert compared["is_baseline"].sum() == 2
    assert compared[compared["is_baseline"]]["change/test/accuracy"].isna().all()


def test_every_strength_of_a_mitigation_is_compared_with_none():
    trials = made({"none": 0, "dropout": 0.05})
    strong = made({"dropout": 0.02}, seed=1).assign(cell="dropout · p=0.5")
    compared = comparison_table(pd.concat([trials, strong]).assign(rest=""))
    assert set(compared["baseline"]) == {"none"}
    assert compared.set_index("cell")["pairs"].to_dict() == {"none": 0, "dropout": 6, "dropout · p=0.5": 6}


def test_only_repeats_that_both_have_are_compared_and_the_missing_are_counted():
    trials = made({"none": 0, "good": 0.05})
    trials.loc[trials["run_id"] == "none0", "test/accuracy"] = np.nan
    trials = trials[trials["run_id"] != "good5"]
    compared = comparison_table(trials)
    got = row(compared, "good")
    assert (got["repeats"], got["pairs"], got["planned"]) == (5, 4, 6)
    d = (wide(trials)["good"] - wide(trials)["none"]).dropna()
    assert (len(d), got["change/test/accuracy"]) == (4, pytest.approx(d.mean()))


def test_of_a_trial_that_ran_twice_the_last_counts():
    trials = made({"none": 0, "good": 0.05})
    first = trials[trials["run_id"] == "good2"].assign(**{"test/accuracy": 0.0})
    compared, again = comparison_table(trials), comparison_table(pd.concat([first, trials]))
    assert row(again, "good")["repeats"] == 6
    assert row(again, "good")["test/accuracy"] == row(compared, "good")["test/accuracy"]


def test_without_the_baseline_the_first_cell_takes_its_place():
    compared = comparison_table(made({"dropout": 0, "noise": 0.05}))
    assert set(compared["baseline"]) == {"dropout"}
    assert row(compared, "noise")["pairs"] == 6


def test_where_only_networks_differ_they_are_compared_with_the_first():
    trials = pd.concat([made({"none": 0}, model="ann", mark="ann · "), made({"none": 0.1}, model="cnn", mark="cnn · ")])
    compared = comparison_table(trials)
    assert row(compared, "cnn · none")["baseline"] == "ann · none"
    assert row(compared, "cnn · none")["pairs"] == 6


@pytest.mark.parametrize("cells", [{"none": 0}, {"none": 0, "good": 0.1}])
def test_one_repeat_gives_means_and_no_verdict(cells):
    compared = comparison_table(made(cells, folds=1))
    assert set(compared["verdict/test/accuracy"]) <= {"", "not judged"}
    assert compared["change/test/accuracy/low"].isna().all()
    assert np.isfinite(compared["test/accuracy"]).all()


def test_the_very_same_results_are_equivalent_and_no_crash():
    trials = made({"none": 0})
    twin = trials.assign(cell="twin", mitigation="twin", run_id="twin" + trials["run_id"])
    compared = comparison_table(pd.concat([trials, twin]))
    assert [row(compared, "twin")["change/test/accuracy"], *ends(compared, "twin")] == [0, 0, 0]
    assert found(compared)["twin"] == "equivalent"


def lost(trials, cell, repeats):
    """The trials without the outcomes of these repeats of a cell: they diverged."""
    gone = (trials["cell"] == cell) & trials["repeat"].isin(repeats)
    outcomes = [outcome.column for outcome in OUTCOMES]
    return trials.assign(diverged=gone, **{c: trials[c].where(~gone) for c in [*outcomes, "seconds"]})


def test_a_cell_with_diverged_trials_is_never_better():
    trials = made({"none": 0, "good": 0.1, "bad": -0.1, "fine": 0.1})
    whole = comparison_table(trials)
    assert found(whole) == {"none": "", "good": "better", "bad": "worse", "fine": "better"}
    assert not whole["flattered"].any()
    once = comparison_table(lost(trials, "good", ["0-0-0"]))
    got = row(once, "good")
    assert (got["diverged"], got["pairs"], got["planned"], got["flattered"]) == (1, 5, 6, True)
    assert got["change/test/accuracy/low"] > 0
    for column in JUDGED:
        assert found(once, column) == {"none": "", "good": "not judged", "bad": "worse", "fine": "better"}
    worse_all_the_same = comparison_table(lost(trials, "bad", ["0-0-0"]))
    assert found(worse_all_the_same)["bad"] == "worse"


def test_nothing_is_worse_than_a_baseline_with_diverged_trials():
    compared = comparison_table(lost(made({"none": 0, "good": 0.1, "bad": -0.1}), "none", ["0-1-0"]))
    assert found(compared) == {"none": "", "good": "better", "bad": "not judged"}
    assert row(compared, "bad")["baseline_diverged"] == 1
    assert compared.set_index("cell")["flattered"].to_dict() == {"none": False, "good": False, "bad": True}


def test_where_all_of_the_baseline_diverged_nothing_is_judged_against_what_stands_in_its_place():
    trials = made({"none": 0, "good": 0.1, "bad": -0.1})
    compared = comparison_table(lost(trials, "none", list(trials["repeat"])))
    assert list(compared["cell"]) == ["good", "bad"]
    assert row(compared, "good")["is_baseline"]
    for column in JUDGED:
        assert found(compared, column) == {"good": "", "bad": "not judged"}
    (context,) = finished_contexts(lost(trials, "none", list(trials["repeat"])))
    (told,) = lost_controls([context])
    assert told.startswith("Every trial of none, with which the others were to be compared, diverged: good stands in")
    assert lost_controls(finished_contexts(trials)) == []


def test_a_trial_that_diverged_once_and_finished_once_has_finished():
    trials = made({"none": 0, "good": 0.1})
    again = lost(trials[trials["run_id"] == "good2"], "good", ["0-2-0"])
    both = comparison_table(pd.concat([trials.assign(diverged=False), again]))
    assert (row(both, "good")["repeats"], row(both, "good")["diverged"]) == (6, 0)
    assert found(both)["good"] == "better"


def test_what_is_left_out_of_the_cocktail_is_not_taken_for_it_where_that_diverged():
    trials = made({"none": 0, "cocktail": 0.1, "a+b": 0.05}).assign(design="leave_one_out")
    trials = trials.assign(mitigations=trials["cell"].map({"none": 0, "cocktail": 3, "a+b": 2}))
    (context,) = finished_contexts(lost(trials, "cocktail", list(trials["repeat"])))
    assert (context.control_lost, context.control) == ("cocktail", "none")


def test_a_cell_that_diverged_altogether_is_no_row_and_the_rest_is_compared():
    trials = made({"none": 0, "good": 0.1, "wild": 0})
    compared = comparison_table(lost(trials, "wild", list(trials["repeat"])))
    assert list(compared["cell"]) == ["good", "none"]
    assert found(compared)["good"] == "better"


def test_an_interval_holds_only_what_there_can_be():
    trials = made({"none": 0})
    trials["test/accuracy"] = np.resize([1.0, 0.8], len(trials))
    compared = comparison_table(trials)
    low, high = ends(compared, "none", "test/accuracy")
    assert row(compared, "none")["test/accuracy"] == pytest.approx(0.9)
    assert 0 < low < 0.8
    assert high == 1


def test_time_is_relative_to_the_baseline():
    compared = comparison_table(made({"none": 0, "slow": 0}))
    assert row(compared, "slow")["time"] == pytest.approx(2)
    assert row(compared, "none")["time"] == 1


def test_nothing_finished_says_so():
    with pytest.raises(ValueError, match="no finished trial"):
        comparison_table(made({"none": 0}).assign(**{"test/accuracy": np.nan}))


def test_an_official_test_part_widens_the_interval_by_its_samples():
    draws = np.random.default_rng(3)
    hard = draws.random(200)
    trials = made({"none": 0, "good": 0.05}, folds=1, seeds=6)
    luck = dict(zip(trials["run_id"], draws.normal(0, 0.05, len(trials)), strict=True))
    right = {
        run: (draws.random(200) < (1 - hard if "good" in run else hard) + luck[run]).astype(float)
        for run in trials["run_id"]
    }
    trials["test/accuracy"] = [right[run].mean() for run in trials["run_id"]]
    answers = {run: {"test/accuracy": known, "group": np.arange(200)} for run, known in right.items()}
    seeds_only, both = (comparison_table(trials, ACCURACY_ALONE, known) for known in (None, answers))
    assert row(both, "good")["change/test/accuracy"] == pytest.approx(row(seeds_only, "good")["change/test/accuracy"])
    expected = two_way(np.stack([right[f"good{k}"] - right[f"none{k}"] for k in range(6)])).standard_error
    assert width(both, "good") == pytest.approx(2 * stats.t.isf(0.025, 5) * float(expected))
    assert width(both, "good") > 1.2 * width(seeds_only, "good")
    assert width(both, "good", "change/gap/accuracy") > width(seeds_only, "good", "change/gap/accuracy")
    assert width(both, "good", "change/gap/nll") == width(
        seeds_only, "good", "change/gap/nll"
    )  # of these none is known
    alone = two_way(np.stack([right[f"good{k}"] for k in range(6)]))
    assert row(both, "good")["test/accuracy/low"] == pytest.approx(float(alone.low))
    assert width(both, "good", "test/accuracy") > 1.05 * width(seeds_only, "good", "test/accuracy")
    partly = {run: known for run, known in answers.items() if run != "none0"}
    assert width(comparison_table(trials, ACCURACY_ALONE, partly), "good") == pytest.approx(width(seeds_only, "good"))
