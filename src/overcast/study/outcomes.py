"""What a study compares: outcomes, each with the margin below which a difference is none, and their families."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from overcast.config.schema import StudyConfig
from overcast.core.errors import UserError
from overcast.core.metric_labels import METRIC_LABELS


@dataclass(frozen=True)
class Outcome:
    """One thing that is measured of a trial.

    column: of the trials. label: what people call it. percent: whether its numbers are shares, and so shown in percent
    and their differences in points. larger_is_better: else smaller. margin: differences within ± this are equivalent.
    range: what its values can be.
    """

    column: str
    label: str
    percent: bool = True
    larger_is_better: bool = True
    margin: float = 0.03
    range: tuple[float, float] = (0, 1)

    @property
    def unit(self) -> str:
        """Of a difference."""
        return "points" if self.percent else "nats" if self.column.endswith("nll") else ""

    @property
    def scale(self) -> float:
        """By what numbers are multiplied where they are shown."""
        return 100.0 if self.percent else 1.0


PRIMARY = Outcome("test/accuracy", "test accuracy")
GAP = Outcome(
    "gap/nll", f"gap in {METRIC_LABELS['nll']}", percent=False, larger_is_better=False, margin=0.1,
    range=(-np.inf, np.inf),
)  # fmt: skip
OUTCOMES = (
    Outcome("test/nll", f"test {METRIC_LABELS['nll']}", False, False, 0.1, (0, np.inf)),
    PRIMARY,
    GAP,
    Outcome("gap/accuracy", "gap in accuracy", larger_is_better=False, range=(-1, 1)),
    Outcome("test/macro_f1", f"test {METRIC_LABELS['macro_f1']}"),
    Outcome("test/ece", f"test {METRIC_LABELS['ece']}", larger_is_better=False),
)


@dataclass(frozen=True)
class Families:
    """The outcomes that are judged, family by family: the intervals of a family hold together.

    better: of the test part, whether the model is better. overfitting: whether the gap is smaller.
    """

    better: tuple[Outcome, ...]
    overfitting: tuple[Outcome, ...] = (GAP,)

    @property
    def judged(self) -> tuple[Outcome, ...]:
        """Overfitting first, as the question asks."""
        return (*self.overfitting, *self.better)

    @property
    def described(self) -> tuple[Outcome, ...]:
        """Those that are shown, and not judged."""
        return tuple(outcome for outcome in OUTCOMES if outcome.column not in {each.column for each in self.judged})


def families(outcomes: Sequence[str] = StudyConfig.outcomes, margins: Mapping[str, float] | None = None) -> Families:
    """The families of a study. outcomes: the primary ones, by their names in metrics.json. margins: by name, too.

    Raises: UserError if there is no such outcome.
    """
    known = {each.column.removeprefix("test/"): each for each in OUTCOMES if each.column.startswith("test/")}
    known |= {each.column.replace("/", "_"): each for each in OUTCOMES if each.column.startswith("gap/")}
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
    return Families(tuple(own[name] for name in dict.fromkeys(outcomes)), (own["gap_nll"],))
