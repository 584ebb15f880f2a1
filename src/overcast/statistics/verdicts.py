"""One meaning of every verdict: where one simultaneous interval lies, and what would decide an open question.

A verdict never says "no effect": *equivalent* says that the difference lies inside a margin, *undecided* that the
interval is too wide to say either. Both directions of a difference, and equivalence, are read off the same interval, so
that they cannot contradict each other (Goeman, Solari & Stijnen, "Three-sided hypothesis testing", 2010).
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from scipy import special

from overcast.statistics.estimates import POWER, ROUNDING, Array, Estimate
from overcast.statistics.simultaneous import ControlComparison

MAX_SEEDS = 1000
"""A fold: more than this is no plan."""


class Verdict(StrEnum):
    """What an interval says of a difference whose direction is known to be good or bad."""

    BETTER = "better"
    SLIGHTLY_BETTER = "slightly better"
    EQUIVALENT = "equivalent"
    SLIGHTLY_WORSE = "slightly worse"
    WORSE = "worse"
    UNDECIDED = "undecided"
    NOT_JUDGED = "not judged"

    @property
    def direction(self) -> int:
        """1 for better, -1 for worse, 0 for neither."""
        return (self in (Verdict.BETTER, Verdict.SLIGHTLY_BETTER)) - (self in (Verdict.WORSE, Verdict.SLIGHTLY_WORSE))

    @property
    def decided(self) -> bool:
        """Whether the interval says anything."""
        return self not in (Verdict.UNDECIDED, Verdict.NOT_JUDGED)


def verdict(low: float, high: float, margin: float, larger_is_better: bool = True) -> Verdict:
    """Of an interval of a difference: *slightly* where it excludes zero and yet lies inside ± ``margin``."""
    if not (np.isfinite(low) and np.isfinite(high)):
        return Verdict.NOT_JUDGED
    if not larger_is_better:
        low, high = -high, -low
    inside = -margin < low and high < margin
    if low > 0:
        return Verdict.SLIGHTLY_BETTER if inside else Verdict.BETTER
    if high < 0:
        return Verdict.SLIGHTLY_WORSE if inside else Verdict.WORSE
    return Verdict.EQUIVALENT if inside else Verdict.UNDECIDED


def verdicts(estimate: Estimate, margin: float, larger_is_better: bool = True) -> list[Verdict]:
    """Of each of (C,) intervals, or of one."""
    ends = zip(estimate.low.ravel().tolist(), estimate.high.ravel().tolist(), strict=True)
    return [verdict(low, high, margin, larger_is_better) for low, high in ends]


def detectable(standard_error: float, df: float, level: float) -> float:
    """The smallest true difference that `POWER` of such studies tell from zero: ``(t(1-level/2) + t(POWER)) · se``."""
    return float((special.stdtrit(df, POWER) - special.stdtrit(df, level / 2)) * standard_error)


def seeds_to_decide(comparison: ControlComparison, n_folds: int, margin: float, level: float) -> Array:
    """(C,) how many seeds a fold would decide each comparison if the truth were zero or the margin; NaN if none will.

    At a true difference of the margin the interval excludes zero, and at zero it lies inside the margin, in `POWER` of
    studies, the second being the harder: ``(t(1-level/2) + t((1+POWER)/2)) · se ≤ margin``. The degrees of freedom are
    this study's, since more seeds bring no more folds; with only five, 69 to 80 % were decided at zero in simulations.
    Never computed at the observed effect. Whatever seeds do not average away is a floor: folds, what they have in
    common, and the samples of a test part that all share.

    n_folds: 1 where seeds take the place of folds: the answer is then how many there must be in all, at least two, and
    the degrees of freedom grow with them.
    """
    seeds, df = np.arange(1, MAX_SEEDS + 1), np.full(MAX_SEEDS, comparison.df)
    if n_folds == 1:
        seeds, df = seeds[1:], df[1:] * (seeds[1:] - 1) / max(int(comparison.n_folds.max(initial=0)) - 1, 1)
    quantile = (special.stdtrit(df, (1 + POWER) / 2) - special.stdtrit(df, level / 2))[:, None]
    enough = quantile * comparison.error(n_folds, seeds[:, None]) <= margin * (1 + ROUNDING)  # (seeds, C)
    return np.where(enough.any(0), seeds[enough.argmax(0)], np.nan)
