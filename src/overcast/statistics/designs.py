"""Designs in which every run counts: two-level factorials and their fractions, what they estimate and predict.

A design switches F factors off and on over C cells, each of which is run in each of K blocks. Every effect is a
difference between the half of the cells with and the half without, so that all C · K runs stand behind each of them;
to change one factor at a time takes F / 2 times as many runs for errors as small, and tells of no interaction.

- fractions, their defining relation and resolution: Box, Hunter & Hunter, "Statistics for Experimenters", 1978,
  chapter 12; the generators are theirs and those of Montgomery, "Design and Analysis of Experiments", table 8.14.
- simultaneous intervals of uncorrelated estimates with one error, the studentized maximum modulus: Stoline & Ury,
  "Tables of the studentized maximum modulus distribution", 1979.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import combinations, product
from operator import xor
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overcast.statistics.estimates import ROUNDING, Array, Estimate, agreeing_quantile
from overcast.statistics.simultaneous import joint_level
from overcast.statistics.verdicts import detectable

Levels = NDArray[np.int8]
"""Cells (C, F) of a design: 1 where a factor is on, -1 where it is off."""

GENERATORS: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {
        5: ("ABCD",),
        6: ("ABCDE",),
        7: ("ABCDEF",),
        8: ("ABCD", "ABEF"),
        9: ("ACDFG", "BCEFG"),
        10: ("ABCG", "BCDE", "ACDF"),
        11: ("ABCG", "BCDE", "ACDF", "ABCDEFG"),
    }
)
"""Of so many factors, the products of the first ones that the last ones take their levels from."""
LETTERS = "ABCDEFGHIJK"
MAX_FACTORS = len(LETTERS)
RESOLUTION = 5
"""From this one on, no main effect or interaction of two factors is confused with another one of them."""


def defining_relation(factors: int) -> list[frozenset[int]]:
    """The words of a fraction of this many factors: sets of factors whose product is the same in every cell.

    With ``G = ABCD`` and ``H = ABEF`` these are ABCDG, ABEFH and the product of the two, CDEFGH. A full factorial has
    none. An effect is confused with all those that its product with a word gives.
    """
    generators = GENERATORS.get(factors, ())
    base = factors - len(generators)
    words = [frozenset(map(LETTERS.index, each)) | {base + i} for i, each in enumerate(generators)]
    return [reduce(xor, some) for size in range(1, len(words) + 1) for some in combinations(words, size)]


def resolution(factors: int) -> int:
    """The length of the shortest word of the defining relation; one more than the factors where there is none."""
    return min(map(len, defining_relation(factors)), default=factors + 1)


def two_level_fraction(factors: int) -> Levels:
    """The cells (C, F) of the full factorial up to four factors, from there on of a fraction of resolution V or more.

    So all main effects and interactions of two factors can be told from each other, if those of three and more
    are small. 16 cells for 5 factors, 32 for 6, 64 for 7 and 8, 128 up to 11. The first factor changes fastest. Where
    a product of an even number of factors is taken, its sign is changed, so that the first cell has all of them off.

    Raises: ValueError for fewer than 1 or more than `MAX_FACTORS` factors.
    """
    if not 1 <= factors <= MAX_FACTORS:
        raise ValueError(f"a design has from 1 to {MAX_FACTORS} factors, not {factors}")
    words = [sorted(word) for word in defining_relation(factors)]
    assert all(len(word) >= RESOLUTION for word in words)
    generators = GENERATORS.get(factors, ())
    base = np.array(list(product((-1, 1), repeat=factors - len(generators))), np.int8)[:, ::-1]
    columns = list(base.T)
    for letters in generators:
        taken = [columns[LETTERS.index(letter)] for letter in letters]
        columns.append((-1) ** (len(letters) + 1) * np.prod(taken, axis=0, dtype=np.int8))
    return np.stack(columns, 1).astype(np.int8)


def factor_pairs(factors: int) -> list[tuple[int, int]]:
    """The pairs of factors, in the order in which their interactions stand: AB, AC, …, BC, …"""
    return list(combinations(range(factors), 2))


def effect_columns(levels: ArrayLike) -> NDArray[np.float64]:
    """The signs (C, P) of the P = F + F(F-1)/2 main effects and interactions of two factors in cells (C, F)."""
    x = np.asarray(levels, float)
    return np.column_stack([x, *(x[:, i] * x[:, j] for i, j in factor_pairs(x.shape[1]))])


def is_orthogonal(levels: ArrayLike) -> bool:
    """Whether cells (C, F) tell all main effects and interactions of two factors apart: each twice as often is fine."""
    signs = effect_columns(levels)
    whole = np.column_stack([np.ones(len(signs)), signs])
    return len(signs) > 0 and bool((whole.T @ whole == len(signs) * np.eye(whole.shape[1])).all())


@dataclass(frozen=True, eq=False)
class Factorial:
    """A design's cells and what was measured in them, as the model of all main effects and interactions of two.

    levels: (C, F). values: (C, K), of each cell in each of K blocks; a mean over seeds where there are several.

    The blocks are fixed: what they differ by touches no effect. An effect in a block is the mean of the cells with
    minus the mean of those without; how far it varies from block to block, pooled over all P effects, is the error of
    all of them, with (K - 1) · P degrees of freedom. Every estimate is a weighted mean of the cells.

    An estimate has the larger of the pooled error and its own between the blocks. Simulated studies of 8 factors
    without any effect call some main effect clear in 4 % (pooled alone: 5 %) if all vary alike from block to block; in
    5 % (54 %) of ten blocks, or 15 % (52 %) of three, if three effects of 36 vary four times as much.

    Raises: ValueError if the cells do not tell the effects apart, or values are missing.
    """

    levels: Levels
    values: Array

    def __post_init__(self) -> None:
        if not is_orthogonal(self.levels):
            raise ValueError("these cells do not tell all main effects and interactions of two factors apart")
        if len(self.values) != len(self.levels) or not np.isfinite(self.values).all():
            raise ValueError("every cell needs a value in every block")

    @cached_property
    def effect_weights(self) -> Array:
        """(P, C): the main effects, then the interactions in the order of `factor_pairs`."""
        return 2 / len(self.levels) * effect_columns(self.levels).T

    @property
    def df(self) -> int:
        """Degrees of freedom of the pooled error."""
        blocks: int = self.values.shape[1]
        return (blocks - 1) * len(self.effect_weights)

    @cached_property
    def variance(self) -> float:
        """Of one cell in one block, from the mean square of block × effect; NaN for one block."""
        if not self.df:
            return np.nan
        by_block = self.effect_weights @ self.values  # (P, K)
        return float(by_block.var(1, ddof=1).mean() * len(self.levels) / 4)

    def level(self, count: int, outcomes: int = 1) -> float:
        """What each of ``count`` intervals may miss with, so that those of as many outcomes hold together.

        Orthogonal effects are uncorrelated over one common error: the quantile is that of the studentized maximum
        modulus, and careful where estimates are correlated (Šidák 1967).
        """
        return joint_level([(count, float(self.df), 0.0)] * outcomes)

    def estimate(self, weights: ArrayLike, outcomes: int = 1, common: ArrayLike = 0.0) -> Estimate:
        """The means over the blocks of Q weighted sums of the cells, (Q, C), whose intervals hold together.

        Those whose weights add up to zero are differences; for the others the mean of a block counts as known. The
        errors are NaN with one block only. Where all blocks say the same, the error of a difference that is not 0 is
        that of `agreeing_quantile`, and what is no difference has none.

        outcomes: in how many the intervals hold together. common: the covariance of two blocks, for what is said of
        new data, and the variance by way of a test part that all share; one number or (Q,).
        """
        w, blocks = np.asarray(weights, float), self.values.shape[1]
        mean = w @ self.values.mean(1)
        mean = np.where(np.abs(mean) < ROUNDING, 0.0, mean)
        if not self.df:
            return Estimate(mean, np.full(len(w), np.nan), np.ones(len(w)))
        own = (w @ (self.values - self.values.mean(0))).var(1, ddof=1)
        variance = np.maximum(self.variance * (w**2).sum(1), own)
        difference = np.isclose(w.sum(1), 0)
        agreeing = np.where(difference, blocks * (mean / agreeing_quantile(blocks, self.df)) ** 2, np.nan)
        variance = np.where(np.sqrt(variance) < ROUNDING, agreeing, variance)
        error, df = np.sqrt(variance / blocks + np.asarray(common)), np.full(len(w), float(self.df))
        return Estimate(mean, error, df, self.level(len(w), outcomes))

    def main_effects(self, outcomes: int = 1, common: ArrayLike = 0.0) -> Estimate:
        """Of each factor (F,): what it adds, on average over all settings of the others."""
        return self.estimate(self.effect_weights[: self.levels.shape[1]], outcomes, common)

    def interactions(self, outcomes: int = 1, common: ArrayLike = 0.0) -> Estimate:
        """Of each of the `factor_pairs`: how much more one adds where the other is on than on average."""
        return self.estimate(self.effect_weights[self.levels.shape[1] :], outcomes, common)

    def detectable(self, outcomes: int = 1, common: float = 0.0) -> tuple[float, float]:
        """The smallest main effect that four of five such studies find, and what as many runs would one at a time.

        common: as for `estimate`, the same for both.

        One at a time, F treatments and a control share the runs, and a difference has the noise of two cells: √(2 v /
        (N / (F + 1))) against √(4 v / N), for the variance v of a run in a block.
        """
        factors, runs = self.levels.shape[1], self.values.size
        repeats = runs / (factors + 1)
        df = max((repeats - 1) * factors, 1.0)
        alone = joint_level([(factors, df, 0.5)] * outcomes)
        return (
            detectable(np.sqrt(4 * self.variance / runs + common), self.df, self.level(factors, outcomes)),
            detectable(np.sqrt(2 * self.variance / repeats + common), df, alone),
        )

    def prediction_weights(self, recipes: ArrayLike) -> Array:
        """(R, C): how much each cell counts in the prediction of recipes (R, F), run or not.

        The prediction is ``mean + Σ ± effect / 2`` over all main effects and interactions of two.
        """
        return 1 / len(self.levels) + effect_columns(recipes) @ self.effect_weights / 2

    def cell_weights(self, recipe: ArrayLike) -> Array | None:
        """(C,): the mean of the cells of this recipe (F,), as they were run; None if it was not."""
        same = (self.levels == np.asarray(recipe)).all(1)
        return same / same.sum() if same.any() else None

    def best_recipe(self) -> Levels:
        """The recipe (F,), of all 2^F, with the highest prediction; of several, the one with the fewest factors on.

        Its own prediction flatters it: it was chosen for being high. Confirm it on blocks that it was not chosen by.
        """
        every = np.array(sorted(product((-1, 1), repeat=self.levels.shape[1]), key=sum), np.int8)
        predicted = self.prediction_weights(every) @ self.values.mean(1)
        best: Levels = every[np.argmax(predicted.round(9))]
        return best
