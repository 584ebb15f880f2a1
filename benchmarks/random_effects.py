"""How often intervals over data sets err, by simulated studies of several data sets whose truth is known.

    python benchmarks/random_effects.py                   4,000 studies a row, seconds on one core
    python benchmarks/random_effects.py studies=20000

Prints the table of docs/statistics.md. A study has eight effects in two outcomes on each data set, correlated by way of
control and data, each with an error that is itself estimated from `FOLDS` folds. None differs from zero in general.
Fails where more than 6 % of studies name a difference, or an interval covers less often than 94 %.
The function is the one that studies use, random_effects; beside it a weighted model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overcast.config.script import plain_script
from overcast.core.errors import UserError
from overcast.statistics.estimates import ALPHA, Estimate
from overcast.statistics.random_effects import random_effects

Array = NDArray[np.float64]

EFFECTS, FOLDS = 16, 5
"""In a family: eight mitigations in two outcomes."""
SPREADS = (0.0, 0.5, 1.0, 2.0)
"""τ, the standard deviation of true effects over data sets, in standard errors of one data set's effect."""
DATA_SETS = (4, 6, 8)
MAX_ERROR, MIN_COVERAGE = 0.06, 0.94
KINDS = {  # how much noisier the noisiest data set is than the calmest, and whether true effects have heavy tails
    "alike": (1.0, False),
    "one up to four times as noisy": (4.0, False),
    "the same, heavy tails": (4.0, True),
}


@dataclass
class Arguments:
    """studies: how many a row."""

    studies: str = "4000"


@dataclass(frozen=True)
class Studies:
    """Effects (studies, effects, k) as estimated, their standard errors, and the true ones, with one data set more."""

    effects: Array
    errors: Array
    truths: Array


def draw(draws: np.random.Generator, studies: int, k: int, spread: float, noisier: float, heavy: bool) -> Studies:
    half = np.log(noisier) / 2
    errors = np.exp(draws.uniform(-half, half, (studies, 1, k)))
    truths = spread * _correlated(draws, (studies, EFFECTS, k + 1), heavy)
    effects = truths[..., :k] + errors * _correlated(draws, (studies, EFFECTS, k), False)
    df = FOLDS - 1
    return Studies(effects, errors * np.sqrt(draws.chisquare(df, effects.shape) / df), truths)


def _correlated(draws: np.random.Generator, shape: tuple[int, int, int], heavy: bool) -> Array:
    """Of variance 1, half of which all effects of a data set share; heavy: of t with 4 df."""

    def standard(size: tuple[int, int, int]) -> Array:
        return draws.standard_t(4, size) / np.sqrt(2) if heavy else draws.normal(size=size)

    return np.asarray((standard((shape[0], 1, shape[2])) + standard(shape)) / np.sqrt(2))


def weighted(studies: Studies, level: float) -> tuple[Estimate, Estimate]:
    """The mean by weights of 1 / (s_j² + τ²), and the prediction, as in most of the literature.

    τ² of Paule & Mandel 1982 by Newton's iteration, at which Hartung & Knapp's (2001) factor is 1 (where τ² is 0 it is
    left out, see Röver, Knapp & Friede 2015); prediction with k - 2 df of Higgins, Thompson & Spiegelhalter 2009.
    """
    y, variance, k = studies.effects, studies.errors**2, studies.effects.shape[-1]
    between = np.zeros(y.shape[:-1])
    for _ in range(40):
        weights = 1 / (variance + between[..., None])
        mean = (weights * y).sum(-1) / weights.sum(-1)
        squares = weights * (y - mean[..., None]) ** 2
        between += np.maximum(squares.sum(-1) - (k - 1), 0.0) / (weights * squares).sum(-1)
    error = 1 / np.sqrt(weights.sum(-1))
    df = np.full(mean.shape, float(k))
    return Estimate(mean, error, df - 1, level), Estimate(mean, np.sqrt(between + error**2), df - 2)


@dataclass(frozen=True)
class Rates:
    """Shares of studies that name a difference, of means and of new data sets' true effects that are covered."""

    error: float
    mean: float
    new: float


def rates(family: Estimate, alone: Estimate, new: Estimate, truth: Array) -> Rates:
    covered = (new.low <= truth) & (truth <= new.high)
    shares = (family.excludes_zero.any(1).mean(), 1 - alone.excludes_zero.mean(), covered.mean())
    return Rates(*map(float, shares))


def simulate(k: int, spread: float, noisier: float, heavy: bool, studies: int) -> tuple[Rates, Rates, float]:
    """Rates of the model and of the weighted one, and the median width of a mean over the weighted one's."""
    draws = np.random.default_rng([k, int(10 * spread), int(noisier), heavy])
    drawn = draw(draws, studies, k, spread, noisier, heavy)
    level, truth = ALPHA / EFFECTS, drawn.truths[..., k]
    found = random_effects(drawn.effects, drawn.errors)
    (other, new), (alone, _) = weighted(drawn, level), weighted(drawn, 0.05)
    ours = rates(found.interval(level), found.interval(), found.prediction(), truth)
    width = float(np.median(found.interval().margin) / np.median(alone.margin))
    return ours, rates(other, alone, new, truth), width


def shown(rates: Rates) -> str:
    return f"{rates.error:.1%} | {rates.mean:.1%} | {rates.new:.1%}"


@plain_script
def main(arguments: Arguments) -> None:
    print(
        "| data sets | τ | k | family-wise error | mean covered | new one covered | weighted: error | mean covered "
        "| new one covered | width ÷ weighted |\n|---|---|---|---|---|---|---|---|---|---|"
    )
    broken = []
    for name, kind in KINDS.items():
        for spread in SPREADS:
            for k in DATA_SETS:
                ours, other, width = simulate(k, spread, *kind, int(arguments.studies))
                print(f"| {name} | {spread:g} | {k} | {shown(ours)} | {shown(other)} | {width:.2f} |", flush=True)
                if ours.error > MAX_ERROR or min(ours.mean, ours.new) < MIN_COVERAGE:
                    broken.append(f"{name}, τ = {spread:g}, k = {k}")
    if broken:
        raise UserError(f"beyond the bound: {'; '.join(broken)}")


if __name__ == "__main__":
    main()
