"""The lines of a prediction log, or of a reference, as columns; what cannot be read is counted, and stops nothing."""

from __future__ import annotations

import json
import math
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from overcast.core.errors import UserError
from overcast.serving.prediction_log import ModelIdentity

CONFIDENCE = "confidence"
"""The largest probability, as a column beside the features."""


@dataclass
class Predictions:
    """What one model has answered: N samples. model: as its first line here says. labels: (N,).

    values: (N,) each, `CONFIDENCE` and the features by name, NaN where a line has none. refused: why others were not
    answered. first, last: times, where they have some.
    """

    model: ModelIdentity
    labels: list[str] = field(default_factory=list)
    values: dict[str, array[float]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    first: datetime | None = None
    last: datetime | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def column(self, name: str) -> np.ndarray:
        """The finite values of one; none where there is no such column."""
        found = np.array(self.values.get(name, ()), np.float64)
        finite: np.ndarray = found[np.isfinite(found)]
        return finite

    def distinct(self) -> Predictions:
        """Without those whose values are all another one's: sent again, or always the same picture."""
        if not self.labels:
            return self
        rows = np.nan_to_num(np.stack([*self.values.values()], 1), nan=-np.inf)  # NaN is no other NaN's equal
        kept = np.sort(np.unique(rows, axis=0, return_index=True)[1]).tolist()
        values = {name: array("d", (column[row] for row in kept)) for name, column in self.values.items()}
        return replace(self, labels=[self.labels[row] for row in kept], values=values)

    def add(self, label: str, values: Mapping[str, float]) -> None:
        for name in values.keys() - self.values.keys():
            self.values[name] = array("d", [math.nan] * len(self))
        for name, column in self.values.items():
            column.append(values.get(name, math.nan))
        self.labels.append(label)

    def seen(self, time: datetime) -> None:
        self.first = min(self.first or time, time)
        self.last = max(self.last or time, time)


@dataclass
class PredictionLines:
    """A whole file: what each model has answered, by `ModelIdentity.key`, and how many lines are damaged."""

    of_models: dict[tuple[str, str], Predictions] = field(default_factory=dict)
    damaged: int = 0


def read_predictions(path: Path, since: datetime | None = None, until: datetime | None = None) -> PredictionLines:
    """Lines from ``since`` on and before ``until`` count. Raises: UserError if there is no such file."""
    found = PredictionLines()
    names = dict[str, str]()  # a label is kept once, not once a line
    for line in _lines(path):
        try:
            stored = json.loads(line)
            model = ModelIdentity(**{name: str(stored["model"][name]) for name in ModelIdentity.__dataclass_fields__})
            time = _time(stored["time"]) if "time" in stored else None
            reason = stored.get("refused")
            label, values = ("", {}) if reason else _answer(stored)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            found.damaged += 1
            continue
        if (since or until) and (time is None or (since and time < since) or (until and time >= until)):
            continue
        of_model = found.of_models.setdefault(model.key, Predictions(model))
        if time:
            of_model.seen(time)
        if reason:
            of_model.refused[str(reason)] += 1
        else:
            of_model.add(names.setdefault(label, label), values)
    return found


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from (line for line in file if line.strip())
    except OSError as error:
        raise UserError(f"log={path}: it cannot be read ({error.strerror})") from None


def _answer(stored: Any) -> tuple[str, dict[str, float]]:
    probabilities = [float(p) for p in stored["probabilities"].values()]
    if not isinstance(stored["label"], str) or not all(0 <= p <= 1 for p in probabilities):
        raise ValueError("no label, or no probabilities")
    values = {name: math.nan if x is None else float(x) for name, x in stored["features"].items()}
    return stored["label"], {CONFIDENCE: max(probabilities), **values}


def _time(text: str) -> datetime:
    """An aware time; UTC where it says nothing."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
