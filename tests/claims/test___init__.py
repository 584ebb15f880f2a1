"""What the claims share: found by name, judged by intervals."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
import pytest
from scipy import stats

from overcast import claims
from overcast.claims import Pair, depth, features, locality, memory, problem, vanishing_gradient
from overcast.comparison import table
from overcast.core.errors import UserError
from overcast.statistics.estimates import one_sample_t, two_way


def test_a_claim_is_found_by_its_name_and_an_unknown_one_refused() -> None:
    assert "gradient vanishes" in claims.load("vanishing_gradient").sentence
    with pytest.raises(UserError, match=r"claim=magic: there is no such claim. Choices: depth, features, "):
        claims.load("magic")


@pytest.fixture
def independent_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if folds had nothing in common."""
    monkeypatch.setattr(table, "common_ratio", lambda network, outcome: 0.0)


def test_differences_are_paired_by_repeat_whatever_the_order(rows: Any, independent_folds: None) -> None:
    worse = rows(0.5, spread=0.1)
    better = worse.assign(accuracy=worse["accuracy"] + [0.11, 0.1, 0.09]).iloc[::-1]
    assert claims.mean_difference(Pair(better, worse)).mean == pytest.approx(0.1)
    up, down = (claims.paired_differences({"a": pair})["a"] for pair in (Pair(better, worse), Pair(worse, better)))
    limits = stats.ttest_rel(better["accuracy"].iloc[::-1], worse["accuracy"]).confidence_interval()
    assert (up.estimate.low, up.estimate.high) == pytest.approx(tuple(limits))
    assert (up.is_better, down.is_better) == (True, False)
    assert claims.describe(up) == "+10.0 points [7.5, 12.5]: better"
    assert claims.describe(down) == "−10.0 points [−12.5, −7.5]: worse"


def test_better_minus_worse_whichever_side_the_pairs_share(rows: Any) -> None:
    low, middle, high, top = (rows(accuracy) for accuracy in (0.2, 0.5, 0.7, 0.9))
    family = {
        "to shared worse": Pair(high, middle),
        "to shared better": Pair(top, high),
        "to shared worse, the other way": Pair(low, middle),
        "to shared better too": Pair(top, low),
        "alone": Pair(low, high),
    }
    found = claims.paired_differences(family)
    assert list(found) == list(family)
    expected = [0.2, 0.2, -0.3, 0.7, -0.5]
    assert [float(each.estimate.mean) for each in found.values()] == pytest.approx(expected)
    assert [each.verdict for each in found.values()] == ["better", "better", "worse", "better", "worse"]
    for each in found.values():
        assert each.estimate.low < each.estimate.mean < each.estimate.high


def test_it_does_not_matter_which_side_is_shared(rows: Any) -> None:
    shared, one, two = rows(0.5), rows(0.8), rows(0.3)
    up = claims.paired_differences({"one": Pair(one, shared), "two": Pair(two, shared)})
    down = claims.paired_differences({"one": Pair(shared, one), "two": Pair(shared, two)})
    for key in up:
        mirrored = [-float(down[key].estimate.high), -float(down[key].estimate.low)]
        assert [float(up[key].estimate.low), float(up[key].estimate.high)] == pytest.approx(mirrored)


def test_outcomes_are_compared_each_by_itself(rows: Any) -> None:
    """The same runs are better in one and worse in the other, which has no margin to be equivalent in."""
    worse = rows(0.5)
    better = rows(0.9).assign(seconds=[1.0, 1.1, 0.9])
    family = claims.paired_differences(
        {
            "accuracy": Pair(better, worse),
            "time": Pair(better, worse.assign(seconds=[3.0, 3.2, 2.9]), "seconds"),
            "same": Pair(better, better.assign(seconds=[1.0001, 1.0999, 0.9]), "seconds"),
        }
    )
    assert [each.verdict for each in family.values()] == ["better", "worse", "undecided"]


def test_accuracies_within_three_points_are_equivalent(rows: Any, independent_folds: None) -> None:
    worse = rows(0.5)
    near = worse.assign(accuracy=worse["accuracy"] + [0.002, -0.001, -0.001])
    assert claims.describe(claims.paired_differences({"a": Pair(near, worse)})["a"]).endswith(": equivalent")


def test_intervals_widen_with_the_number_of_comparisons_and_with_what_folds_have_in_common(
    rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    worse = rows(0.5)
    better = worse.assign(accuracy=worse["accuracy"] + [0.13, 0.1, 0.07])
    pair = Pair(better, worse)

    def judged(ratio: float, others: dict[str, Pair] | None = None) -> claims.PairedDifference:
        monkeypatch.setattr(table, "common_ratio", lambda network, outcome: ratio)
        return claims.paired_differences({"a": pair, **(others or {})})["a"]

    assert claims.describe(judged(0.0)) == "+10.0 points [2.5, 17.5]: better"
    many = judged(0.0, {name: Pair(rows(0.9), rows(0.1)) for name in "bcd"})
    assert many.estimate.low < judged(0.0).estimate.low
    assert claims.describe(judged(1.0)) == "+10.0 points [−4.9, 24.9]: undecided"


def test_seeds_of_one_fold_speak_of_that_fold_alone(rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "common_ratio", lambda network, outcome: 1.0)
    worse = rows(0.5).assign(fold=0)
    better = worse.assign(accuracy=worse["accuracy"] + [0.13, 0.1, 0.07])
    assert claims.describe(claims.paired_differences({"a": Pair(better, worse)})["a"]).endswith("[2.5, 17.5]: better")


def test_where_every_answer_to_a_fixed_test_part_is_known_the_samples_count_too(
    rows: Any, independent_folds: None
) -> None:
    draws = np.random.default_rng(0)
    hard = draws.random(200)
    right = [[draws.random(200) < chance + luck for luck in luck_of_runs]
             for chance, luck_of_runs in ((0.9 - 0.5 * hard, (-0.1, 0, 0.1)), (hard, (0, 0, 0)))]  # fmt: skip
    answers = [[{"test/accuracy": run.astype(float), "group": np.arange(200)} for run in runs] for runs in right]
    better, worse = (rows(0.5).assign(answers=own, accuracy=np.mean(runs, 1))
                     for own, runs in zip(answers, right, strict=True))  # fmt: skip
    estimate = claims.paired_differences({"a": Pair(better, worse)})["a"].estimate
    expected = two_way(np.stack(right[0]).astype(float) - np.stack(right[1]))
    assert (float(estimate.mean), float(estimate.standard_error)) == pytest.approx(
        (float(expected.mean), float(expected.standard_error))
    )
    partly = better.assign(answers=[*answers[0][:2], None])
    seeds_alone = one_sample_t(better["accuracy"] - worse["accuracy"])
    error = claims.paired_differences({"a": Pair(partly, worse)})["a"].estimate.standard_error
    assert float(error) == pytest.approx(float(seeds_alone.standard_error))
    assert error < expected.standard_error


def of_depth(rows: Any) -> list[Any]:
    one, six = {"model.hidden": [64]}, {"model.hidden": [64] * 6}
    return [rows(0.9, **one), rows(0.3, **six, spread=0.05), rows(0.9, mitigation="batch_norm", **six)]


def of_features(rows: Any) -> list[Any]:
    figures = {"handmade": (0.5, 0.7), "cnn": (0.4, 0.9)}
    return [
        rows(accuracy, data="skies", model=model, train_fraction=share)
        for model, accuracies in figures.items()
        for share, accuracy in zip((0.1, 1.0), accuracies, strict=True)
    ]


def of_locality(rows: Any) -> list[Any]:
    figures = {("cnn", False): 0.8, ("dnn", False): 0.5, ("cnn", True): 0.4, ("dnn", True): 0.5}
    return [
        rows(accuracy, model=model, shuffle_pixels=shuffle, **({"model.hidden": [8]} if model == "dnn" else {}))
        for (model, shuffle), accuracy in figures.items()
    ]


def of_memory(rows: Any) -> list[Any]:
    figures = {("rnn", 10): 0.9, ("rnn", 100): 0.3, ("lstm", 10): 0.9, ("lstm", 100): 0.9}
    recall = [rows(a, data="recall", model=m, **{"data.length": n}) for (m, n), a in figures.items()]
    return [*recall, *(rows(a, data="speech", model=m) for m, a in (("rnn", 0.5), ("lstm", 0.9)))]


def of_problem(rows: Any) -> list[Any]:
    figures = {("skies", "cnn"): 0.9, ("skies", "lstm"): 0.5, ("speech", "cnn"): 0.5, ("speech", "lstm"): 0.9}
    return [rows(accuracy, data=data, model=model) for (data, model), accuracy in figures.items()]


def vanishing() -> Any:
    """Of each run in turn: 1e-6 for the three bare sigmoid networks, which come first, and then about 0.5."""
    sizes = cycle([1e-6, 2e-6, 5e-7, *[0.4, 0.5, 0.6] * 2])
    return lambda run: [next(sizes), 1.0]


def of_vanishing_gradient(rows: Any) -> list[Any]:
    figures = {("sigmoid", "none"): 0.1, ("relu", "none"): 0.9, ("sigmoid", "batch_norm"): 0.9}
    deep = {"model.hidden": [64] * 10}
    return [rows(a, mitigation=m, **deep, **{"model.activation": kind}) for (kind, m), a in figures.items()]


@pytest.mark.parametrize(
    ("module", "cells", "family", "replaced", "untested"),
    [
        (depth, of_depth, 2, {}, True),  # the spread over first weights
        (features, of_features, 1, {}, False),
        (locality, of_locality, 2, {"shifted_accuracies": lambda run: [0.5] * 5}, True),
        (memory, of_memory, 3, {"gradient_over_time": lambda run: np.ones(5)}, False),
        (problem, of_problem, 2, {}, False),
        (vanishing_gradient, of_vanishing_gradient, 4, {"gradients": vanishing()}, False),
    ],
)
def test_every_claim_is_judged_as_comparisons_are(
    rows: Any, judge: Any, module: Any, cells: Any, family: int, replaced: Any, untested: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """By intervals over all that it compares: were folds all but the same, nothing would show."""
    frames = cells(rows)
    verdict = judge(module, *frames, **replaced).verdict
    assert verdict.startswith("What was tested of it holds here. " if untested else "It holds here. ")
    many = f"over these {family} comparisons" if family > 1 else "for this one comparison"
    assert f"95 % intervals that hold together {many}" in verdict
    monkeypatch.setattr(table, "common_ratio", lambda network, outcome: 1e6)
    verdict = judge(module, *frames, **replaced).verdict
    assert verdict.startswith("It does not show here.")
    assert "]: better" not in verdict


def test_points_and_openings() -> None:
    assert claims.points(one_sample_t(np.array([0.04, 0.05, 0.06]))) == "+5.0 points [2.5, 7.5]"
    assert claims.points(one_sample_t(np.array([-0.04]))) == "−4.0 points"
    assert claims.verdict_opening(True, True) == "It holds here."
    assert claims.verdict_opening(True, True, complete=False) == "What was tested of it holds here."
    assert claims.verdict_opening(True, False) == "It holds here in part."
    assert claims.verdict_opening(False) == "It does not show here."


def test_no_verdict_from_a_part_of_a_study() -> None:
    sentence, verdict, pictures = claims.judge_claim("depth", [], planned=90)
    assert sentence == claims.load("depth").sentence
    assert (verdict, pictures) == ("Not judged yet: 0 of 90 runs are finished and found.", [])
    assert claims.judge_claim("depth", [], 90, diverged=2)[1].endswith(
        "0 of 90 runs are finished and found, 2 diverged."
    )
    assert (
        claims.judge_claim("depth", [], planned=0)[1] == "Not judged: this study lacks cells that the claim compares."
    )
