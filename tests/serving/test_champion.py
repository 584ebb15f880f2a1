"""Who is not worse: by folds where there are enough, else by samples; and never by luck."""

from __future__ import annotations

import numpy as np
import pytest

from overcast.core.errors import UserError
from overcast.serving.champion import ENOUGH_FOLDS, compare_evidence
from overcast.serving.evidence import Evidence

NETWORKS = ("cnn", "cnn")


def evidence(folds: int, seeds: int = 1, worse: float = 0.0, noise: float = 0.0, samples: int = 50) -> Evidence:
    """Losses of so many folds and seeds, each on samples of its own; ``worse`` by this much on average."""
    draws = np.random.default_rng(0)
    shape = (folds, seeds, samples)
    fold, seed, sample = np.meshgrid(*map(np.arange, shape), indexing="ij")
    difficulty = draws.exponential(0.5, (folds, 1, samples))
    nll = difficulty + worse + noise * draws.normal(size=shape)
    row = fold * samples + sample
    flat = [each.ravel() for each in (np.zeros(shape, int), fold, seed, row, row, nll)]
    return Evidence(*flat)


@pytest.mark.parametrize("folds", [1, 3, 10])
@pytest.mark.parametrize(
    ("worse", "not_worse"), [(-0.3, True), (0.0, True), (-0.01, True), (0.02, False), (0.09, False), (0.3, False)]
)
def test_by_how_much(folds: int, worse: float, not_worse: bool) -> None:
    """A difference that is the same everywhere is a sure one, however small."""
    found = compare_evidence(evidence(folds, worse=worse), evidence(folds), NETWORKS, margin=0.1)
    assert found.difference == pytest.approx(worse, abs=1e-9)
    assert found.not_worse is not_worse


@pytest.mark.parametrize("folds", [1, 10])
def test_too_little_is_known(folds: int) -> None:
    """The interval reaches beyond the margin: that it may be better is no reason."""
    found = compare_evidence(evidence(folds, noise=4.0, samples=20), evidence(folds, samples=20), NETWORKS, margin=0.1)
    assert found.low < 0 < 0.1 < found.high
    assert not found.not_worse


def test_folds_are_the_repeats_where_there_are_enough() -> None:
    few = compare_evidence(evidence(ENOUGH_FOLDS - 1, noise=0.1), evidence(ENOUGH_FOLDS - 1), NETWORKS, 0.1)
    enough = compare_evidence(evidence(ENOUGH_FOLDS, noise=0.1), evidence(ENOUGH_FOLDS), NETWORKS, 0.1)
    assert few.over == "200 samples of 4 folds: it knows nothing of other seeds"
    assert enough.over == "5 folds"


def test_only_common_folds_count_and_seeds_are_averaged() -> None:
    found = compare_evidence(evidence(3, seeds=2, worse=0.05), evidence(2), NETWORKS, 0.1)
    assert found.over.startswith("100 samples of 2 folds")
    assert found.difference == pytest.approx(0.05, abs=1e-9)


def test_nothing_in_common() -> None:
    ours = evidence(1)
    other = Evidence(ours.split_seed, ours.fold + 1, ours.seed, ours.row, ours.group, ours.nll)
    with pytest.raises(UserError, match=r"no fold in common.*train both on the same"):
        compare_evidence(ours, other, NETWORKS, 0.1)
    moved = Evidence(ours.split_seed, ours.fold, ours.seed, ours.row + 1, ours.group, ours.nll)
    with pytest.raises(UserError, match="other validation samples"):
        compare_evidence(ours, moved, NETWORKS, 0.1)
