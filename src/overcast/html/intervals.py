"""Tables of intervals that a reader moves: through the looks of a study, or by drawing its folds anew.

A row is a comparison, a column what is measured; ``intervals.js`` draws them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

from markupsafe import Markup

Interval = tuple[float, float, float]
"""A difference, and the ends of its interval."""


@dataclass(frozen=True)
class IntervalColumn:
    """Differences in one outcome: their unit, and with how many digits they are shown.

    margin: within ± this they are equivalent. names: what each verdict is called.
    """

    title: str
    unit: str
    digits: int
    margin: float
    larger_is_better: bool
    names: Mapping[str, str]


@dataclass(frozen=True)
class Intervals:
    """What both kinds have. styles: the colour and the marker of each verdict. texts: what stands around the table."""

    kind: ClassVar[str]
    rows: Sequence[str]
    columns: Sequence[IntervalColumn]
    styles: Mapping[str, tuple[str, str]]
    texts: Mapping[str, str]

    @property
    def data(self) -> Markup:
        """All of it as JSON, which cannot end the element that it stands in."""
        text = json.dumps(asdict(self), separators=(",", ":"), allow_nan=False)
        return Markup(text.replace("<", "\\u003c"))


@dataclass(frozen=True)
class Step:
    """How the comparisons stood: of each row and column an interval and a verdict, of each row a note.

    intervals: None where there is none.
    """

    title: str
    intervals: Sequence[Sequence[Interval | None]]
    verdicts: Sequence[Sequence[str]]
    notes: Sequence[str]


@dataclass(frozen=True)
class IntervalSteps(Intervals):
    """A slider through steps. texts: ``steps``, the slider's name; ``shown``, ``verdict``, ``note``: heads."""

    kind: ClassVar[str] = "steps"
    steps: Sequence[Step]


@dataclass(frozen=True)
class FoldDifferences:
    """In one outcome, the differences (C, K) of C treatments to their control in each of K folds.

    An interval reaches by ``critical`` standard errors from the mean; ``fixed``, (C,), is what of the standard error²
    folds do not tell.
    """

    differences: Sequence[Sequence[float]]
    critical: float
    fixed: Sequence[float]


@dataclass(frozen=True)
class Resampling(Intervals):
    """Buttons that draw the folds anew, with replacement, the same for all.

    groups: treatments of one control, of each column their differences; all their rows together are ``rows``. folds:
    what each is called. agreeing: as `overcast.statistics.estimates.agreeing_quantile` of the folds. texts: ``again``,
    ``many``, ``reset``: the buttons; ``untouched``, ``drawn``, ``steady``: what is seen; ``held``: of a verdict;
    ``shown``, ``verdict``: heads.
    """

    kind: ClassVar[str] = "resampling"
    groups: Sequence[Sequence[FoldDifferences]]
    folds: Sequence[str]
    agreeing: float
