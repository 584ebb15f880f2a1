"""Simulated studies whose truth is known: treatments and a control over the same folds, with every kind of noise."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TEST_SAMPLES = 127
"""Accuracies are counts of so many."""
OUTCOME_CORRELATION = -0.7
"""Of two outcomes of one run, such as accuracy and loss."""
MARGIN = 4.0
"""The margin of equivalence, in standard errors of a treatment's mean difference."""


@dataclass(frozen=True)
class Scenario:
    """C treatments and a control over K folds with R seeds each; spreads are standard deviations of one run.

    control: its spread. first, last: those of treatments, graded from the first to the last. odd: that of the last
    treatment, times this. shared: spread of a fold's effect on all treatments that the control lacks. tail_df: of
    Student's t, of which all noise is. seed_share: of the noise's variance, between the seeds of a fold. covariance: of
    two folds, over one run's variance. given: the ratio that the analysis is told. accuracy: outcomes are then shares
    of `TEST_SAMPLES` right answers, rounded to two decimals. missing: share of runs. bounded: whether the bounds hold
    in this scenario; not where the analysis is told something false on purpose.
    """

    name: str
    treatments: int = 10
    folds: int = 10
    seeds: int = 1
    outcomes: int = 1
    control: float = 1.0
    first: float = 1.0
    last: float = 1.0
    odd: float = 1.0
    shared: float = 0.0
    tail_df: float = np.inf
    seed_share: float = 0.0
    covariance: float = 0.0
    given: float = 0.0
    accuracy: float = 0.0
    missing: float = 0.0
    bounded: bool = True

    @cached_property
    def spreads(self) -> Array:
        """(C + 1,), the control first."""
        graded = np.linspace(self.first, self.last, self.treatments)
        graded[-1] *= self.odd
        return np.array([self.control, *graded])

    @cached_property
    def standard_error(self) -> float:
        """Of a middling treatment's mean difference to the control, in truth."""
        spreads = self.spreads
        of_run = spreads[0] ** 2 + np.median(spreads[1:]) ** 2
        if self.accuracy:
            of_run = 2 * self.accuracy * (1 - self.accuracy) / TEST_SAMPLES
        averaged = (1 - self.seed_share + self.seed_share / self.seeds) / self.folds + self.covariance
        return float(np.sqrt(of_run * averaged + self.shared**2 / self.folds))

    @property
    def margin(self) -> float:
        return MARGIN * self.standard_error

    @property
    def generator(self) -> np.random.Generator:
        """Of this scenario alone, whichever others there are."""
        return np.random.default_rng(zlib.crc32(repr(self).encode()))


def draw(scenario: Scenario, truth: Array, generator: np.random.Generator) -> Array:
    """One study's differences to the control, (outcomes, C, K, R), of which ``truth (C,)`` is the mean."""
    runs = _counted(scenario, truth, generator) if scenario.accuracy else _continuous(scenario, truth, generator)
    runs = np.where(generator.random(runs.shape[1:]) < scenario.missing, np.nan, runs) if scenario.missing else runs
    return np.asarray(runs[:, 1:] - runs[:, :1])


def _continuous(scenario: Scenario, truth: Array, generator: np.random.Generator) -> Array:
    """(outcomes, C + 1, K, R)"""
    arms, seed_share = scenario.treatments + 1, scenario.seed_share

    def noise(*shape: int) -> Array:
        drawn = _standard(scenario.tail_df, (scenario.outcomes, arms, *shape), generator)
        if scenario.outcomes == 2:
            drawn[1] = OUTCOME_CORRELATION * drawn[0] + np.sqrt(1 - OUTCOME_CORRELATION**2) * drawn[1]
        return drawn

    runs = np.sqrt(1 - seed_share) * noise(scenario.folds, 1)
    runs = runs + np.sqrt(seed_share) * noise(scenario.folds, scenario.seeds) if seed_share else runs
    runs = runs + np.sqrt(scenario.covariance) * noise(1, 1) if scenario.covariance else runs
    runs = runs * scenario.spreads[:, None, None]
    runs[:, 1:] += truth[:, None, None] + scenario.shared * generator.normal(size=(scenario.folds, 1))
    return runs


def _standard(tail_df: float, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """Of variance 1."""
    if np.isinf(tail_df):
        return generator.normal(size=shape)
    return generator.standard_t(tail_df, shape) / np.sqrt(tail_df / (tail_df - 2))


def _counted(scenario: Scenario, truth: Array, generator: np.random.Generator) -> Array:
    right = np.clip(scenario.accuracy + np.array([0.0, *truth]), 0.0, 1.0)
    shape = (scenario.outcomes, scenario.treatments + 1, scenario.folds, scenario.seeds)
    return np.round(generator.binomial(TEST_SAMPLES, right[:, None, None], shape) / TEST_SAMPLES, 2)


DESIGNS = ((5, 5), (20, 5), (20, 10), (10, 30))
"""Treatments and folds."""

_KINDS = (
    Scenario("equal variances"),
    Scenario("control 1.5 times as noisy", control=1.5),
    Scenario("control half as noisy", control=0.5),
    Scenario("one treatment twice as noisy", odd=2.0),
    Scenario("one treatment four times as noisy", odd=4.0),
    Scenario("graded 0.5 to 1.5, control 0.5", control=0.5, first=0.5, last=1.5),
    Scenario("graded 0.5 to 1.5, control 1.5", control=1.5, first=0.5, last=1.5),
    Scenario("fold effect that only treatments share", shared=1.0),
    Scenario("heavy tails, t with 4 df", tail_df=4.0),
    Scenario("ties: 75 % of 127 samples", accuracy=0.75),
    Scenario("ties: 93 % of 127 samples", accuracy=0.93),
    Scenario("10 % of runs missing", missing=0.1),
    Scenario("two outcomes, correlated -0.7", outcomes=2),
    Scenario("3 seeds, four fifths of the noise", seeds=3, seed_share=0.8),
    Scenario("folds covary 0.05, known", covariance=0.05, given=0.05),
    Scenario("folds covary 0.1, known", covariance=0.1, given=0.1),
    Scenario("folds covary 0.1, not known", covariance=0.1, bounded=False),
)

SCENARIOS = tuple(replace(kind, treatments=treatments, folds=folds) for kind in _KINDS for treatments, folds in DESIGNS)
