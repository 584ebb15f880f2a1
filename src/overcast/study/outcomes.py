"""What a study compares: outcomes, each with the margin below which a difference is none, and their families."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from overcast.config.metric_options import NEEDED, SHARE, metric_options
from overcast.config.schema import StudyConfig
from overcast.core.errors import UserError
from overcast.core.words import translatable, translate

BY_SAMPLE = ("test/accuracy", "test/nll")
"""The outcomes that are means over the test part's samples, of which each run's own are kept."""


@dataclass(frozen=True)
class Outcome:
    """One thing that is measured of a trial.

    column: of the trials. name: what people call it, in English. percent: whether its numbers are shares, and so shown
    in percent and their differences in points. larger_is_better: else smaller. margin: differences within ± this are
    equivalent. range: what its values can be.
    """

    column: str
    name: str
    percent: bool = True
    larger_is_better: bool = True
    margin: float = 0.03
    range: tuple[float, float] = (0, 1)

    @property
    def label(self) -> str:
        """What people call it, in the language that is used."""
        return translate(self.name)

    @property
    def unit(self) -> str:
        """Of a difference."""
        return translate("points") if self.percent else translate("nats") if self.column.endswith("nll") else ""

    @property
    def by_sample(self) -> bool:
        """Whether it is known what each sample of the test part adds to it."""
        return self.column.replace("gap/", "test/") in BY_SAMPLE

    @property
    def title(self) -> str:
        """What people call it, and which way is better."""
        text = "{label} (higher is better)" if self.larger_is_better else "{label} (lower is better)"
        return translate(text, label=self.label)

    @property
    def scale(self) -> float:
        """By what numbers are multiplied where they are shown."""
        return 100.0 if self.percent else 1.0


SHIFT = Outcome("test/shift_accuracy", translatable("accuracy under shift"))
"""Costs several times what the test part does: measured only where a study judges it, or ``evaluate`` is asked to."""


def all_outcomes() -> tuple[Outcome, ...]:
    """All that is measured of every trial: the metrics of ``conf/metric`` on the test part, and the gaps.

    Raises: UserError as `overcast.config.metric_options.metric_options` does.
    """
    metrics = metric_options()
    of_test = {
        name: Outcome(f"test/{name}", f"test {m.label}", m.range == SHARE, m.higher_is_better, m.margin, m.range)
        for name, m in metrics.items()
    }
    gaps = [
        Outcome(
            f"gap/{name}", f"gap in {metrics[name].label}", of_test[name].percent, False, of_test[name].margin,
            (-1, 1) if of_test[name].percent else (-np.inf, np.inf),
        )
        for name in NEEDED
    ]  # fmt: skip
    first = [of_test.pop(name) for name in NEEDED]
    return (*first, *gaps, *of_test.values())


OUTCOMES = all_outcomes()
PRIMARY, GAP = (next(each for each in OUTCOMES if each.column == column) for column in ("test/accuracy", "gap/nll"))


@dataclass(frozen=True)
class Families:
    """The outcomes that are judged, family by family: the intervals of a family hold together.

    better: of the test part, whether the model is better. overfitting: whether the gap is smaller. described: what is
    shown, and not judged.
    """

    better: tuple[Outcome, ...]
    overfitting: tuple[Outcome, ...] = (GAP,)
    described: tuple[Outcome, ...] = ()

    @property
    def judged(self) -> tuple[Outcome, ...]:
        """Overfitting first, as the question asks."""
        return (*self.overfitting, *self.better)

    @property
    def larger_is_better(self) -> dict[str, bool]:
        """By column, of the outcomes that are judged."""
        return {outcome.column: outcome.larger_is_better for outcome in self.judged}

    @property
    def every(self) -> tuple[Outcome, ...]:
        return (*self.judged, *self.described)

    def known(self, columns: Collection[str]) -> Families:
        """Without what is only described and has none of these columns, as where its file is newer than the runs."""
        return replace(self, described=tuple(each for each in self.described if each.column in columns))


def families(outcomes: Sequence[str] = StudyConfig.outcomes, margins: Mapping[str, float] | None = None) -> Families:
    """The families of a study. outcomes: the primary ones, by their names in metrics.json. margins: by name, too.

    Raises: UserError if there is no such outcome, or a file of ``conf/metric`` is wrong.
    """
    measured = all_outcomes()
    known = {each.column.removeprefix("test/").replace("/", "_"): each for each in (*measured, SHIFT)}
    margins = dict(margins or {})
    for option, names in (("study.outcomes", outcomes), ("study.margins", margins)):
        for name in names:
            if name not in known or (option == "study.outcomes" and name.startswith("gap_")):
                choices = [each for each in known if option == "study.margins" or not each.startswith("gap_")]
                raise UserError(f"{option}: there is no outcome {name}. Choices: {', '.join(choices)}")
    if not outcomes:
        raise UserError("study.outcomes=[] leaves nothing to judge: name one at least, such as accuracy")
    if wrong := [f"{name}: {margin}" for name, margin in margins.items() if not margin > 0]:
        raise UserError(f"study.margins={{{', '.join(wrong)}}}: a margin must be above zero")
    own = {name: replace(known[name], margin=margins.get(name, known[name].margin)) for name in known}
    judged = Families(tuple(own[name] for name in dict.fromkeys(outcomes)), (own["gap_nll"],))
    columns = {each.column for each in judged.judged}
    return replace(judged, described=tuple(each for each in measured if each.column not in columns))
