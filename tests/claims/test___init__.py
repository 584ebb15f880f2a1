"""What the claims share: found by name, judged by intervals."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
import pytest

from overcast import claims
from overcast.claims import Pair, depth, features, locality, memory, problem, vanishing_gradient
from overcast.core.errors import UserError
from overcast.statistics.estimates import one_sample_t, two_way


def test_a_claim_is_found_by_its_name_and_an_unknown_one_refused() -> None:
    assert "gradient vanishes" in claims.load("vanishing_gradient").sentence
    with pytest.raises(UserError, match=r"claim=magic: there is no such claim. Choices: depth, features, "):
        claims.load("magic")


def test_differences_are_paired_by_repeat_whatever_the_order(rows: Any) -> None:
    worse = rows(0.5, spread=0.1)
    better = worse.assign(accuracy=worse["accuracy"] + [0.11, 0.1, 0.09]).iloc[::-1]
    assert claims.mean_difference(Pair(better, worse)).mean == pytest.approx(0.1)
    differences = claims.paired_differences({"up": Pair(better, worse), "down": Pair(worse, better)})
    assert (differences["up"].direction, differences["down"].direction) == (1, -1)
    assert [difference.clearly_better for difference in differences.values()] == [True, False]
    assert claims.describe(differences["up"]) == "+10.0 points [7.5, 12.5]: clear"
    assert claims.describe(differences["down"]) == "−10.0 points [−12.5, −7.5]: clear, the other way"


def test_an_interval_above_zero_is_not_clear_among_many_or_with_train_parts_that_overlap(rows: Any) -> None:
    worse = rows(0.5)
    better = worse.assign(accuracy=worse["accuracy"] + [0.13, 0.1, 0.07])
    pair = Pair(better, worse)
    alone = claims.paired_differences({"a": pair})["a"]
    assert alone.clearly_better
    assert alone.estimate.low > 0.02
    assert not any(
        difference.clearly_better for difference in claims.paired_differences(dict.fromkeys("abc", pair)).values()
    )
    nested = Pair(better.assign(overlap=0.5), worse)
    assert claims.describe(claims.paired_differences({"a": nested})["a"]) == "+10.0 points [2.5, 17.5]: not clear"


def test_where_every_answer_to_a_fixed_test_part_is_known_the_samples_count_too(rows: Any) -> None:
    draws = np.random.default_rng(0)
    right = [[draws.random(200) < p for _ in range(3)] for p in (0.9, 0.5)]
    better, worse = (rows(0.5).assign(correct=answers) for answers in right)
    estimate = claims.paired_differences({"a": Pair(better, worse)})["a"].estimate
    expected = two_way(np.stack(right[0]).astype(float) - np.stack(right[1]))
    assert (float(estimate.mean), float(estimate.standard_error)) == pytest.approx(
        (float(expected.mean), float(expected.standard_error))
    )
    partly = better.assign(correct=[*right[0][:2], None])
    assert claims.paired_differences({"a": Pair(partly, worse)})["a"].estimate.mean == pytest.approx(0)


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
    rows: Any, judge: Any, module: Any, cells: Any, family: int, replaced: Any, untested: bool
) -> None:
    """By both tests, over all that the claim compares: were the train parts all but the same, nothing would show."""
    frames = cells(rows)
    verdict = judge(module, *frames, **replaced).verdict
    assert verdict.startswith("What was tested of it holds here. " if untested else "It holds here. ")
    assert f"over these {family} comp" in verdict or (family == 1 and "over this one comparison" in verdict)
    verdict = judge(module, *(frame.assign(overlap=0.9999) for frame in frames), **replaced).verdict
    assert verdict.startswith("It does not show here.")
    assert ": clear" not in verdict


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
