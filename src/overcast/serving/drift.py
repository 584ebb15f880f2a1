"""Has what a model is given, or what it answers, changed since it was measured? A prediction log against its reference.

Each input feature and the confidence by Kolmogorov & Smirnov's distance, the labels by total variation; p values are
Holm's over all of them. Drifted is what differs significantly and by `LEAST_DISTANCE` or more: of a large log each
trifle is significant, of a small one many a distance is chance. Samples are taken as independent: pictures that one
camera takes a second apart are not, and then significance comes too easily. True labels are not known: whether the
model is still right is in no log.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import numpy as np

from overcast.core.durations import DURATION, seconds
from overcast.core.errors import UserError
from overcast.core.words import translatable
from overcast.serving.logged_predictions import CONFIDENCE, PredictionLines, Predictions, read_predictions
from overcast.serving.open_model import REGISTERED
from overcast.serving.reference import FILE, measure_reference, run_identity
from overcast.statistics.estimates import ALPHA
from overcast.statistics.two_samples import detectable_distance, holm, kolmogorov_smirnov, total_variation

LABELS = "label"
LEAST_DISTANCE = 0.1
"""A tenth of the samples would have to move: of a normal distribution, a shift of a quarter of its spread."""
LEAST_SAMPLES = 50
"""In the log, to be judged at all."""


class DriftVerdict(StrEnum):
    """Of a log."""

    DRIFTED = translatable("drifted")
    NOT_DRIFTED = translatable("not drifted")
    UNDECIDED = translatable("undecided")


EXIT_CODES = {DriftVerdict.NOT_DRIFTED: 0, DriftVerdict.DRIFTED: 1, DriftVerdict.UNDECIDED: 3}
"""Of the script; 2 is a user's mistake, as everywhere."""


class DriftTest(NamedTuple):
    """One feature, or `LABELS` or `CONFIDENCE`. reference, logged: means, NaN of labels. p: Holm's."""

    name: str
    reference: float
    logged: float
    distance: float
    p: float

    @property
    def drifted(self) -> bool:
        return self.p < ALPHA and self.distance >= LEAST_DISTANCE


@dataclass(frozen=True)
class Drift:
    """tests: () where the log is too short. damaged, others: lines that do not count, and of other models.

    absent: features of the reference that the log has not.
    """

    reference: Predictions
    logged: Predictions
    tests: Sequence[DriftTest]
    damaged: int
    others: int
    absent: Sequence[str] = ()

    @property
    def verdict(self) -> DriftVerdict:
        if not self.tests:
            return DriftVerdict.UNDECIDED
        return DriftVerdict.DRIFTED if any(test.drifted for test in self.tests) else DriftVerdict.NOT_DRIFTED

    @property
    def detectable(self) -> float:
        """From which distance on any feature alone would have been found to differ."""
        level = ALPHA / max(1, len(self.tests))
        return max(LEAST_DISTANCE, detectable_distance(len(self.reference), len(self.logged), level))


def compare_predictions(reference: Predictions, logged: Predictions) -> list[DriftTest]:
    """Labels, confidence and each feature that both have, the smallest p first."""
    names = [CONFIDENCE, *(name for name in reference.values if name != CONFIDENCE)]
    columns = {name: (reference.column(name), logged.column(name)) for name in names}
    columns = {name: pair for name, pair in columns.items() if min(map(len, pair))}
    of_labels = [Counter(each.labels) for each in (reference, logged)]
    classes = sorted(of_labels[0] | of_labels[1])
    counts = [np.array([found[label] for label in classes]) for found in of_labels]
    differences = [total_variation(*counts), *(kolmogorov_smirnov(*pair) for pair in columns.values())]
    adjusted = holm(np.array([each.p for each in differences]))
    means = [(np.nan, np.nan), *((float(a.mean()), float(b.mean())) for a, b in columns.values())]
    tests = [
        DriftTest(name, *mean, each.distance, float(p))
        for name, mean, each, p in zip([LABELS, *columns], means, differences, adjusted, strict=True)
    ]
    return sorted(tests, key=lambda test: (not test.drifted, test.p, -test.distance))


def measure_drift(
    log: str, model: str = "", tracking: Sequence[str] = (), since: str = "", until: str = "", distinct: bool = False
) -> Drift:
    """log: the file. model: whose reference counts: ``models:/name@alias``, a run's folder or id, or "latest"; "" for
    the run that the log's last line names. since, until: times, or how long ago. distinct: repeated samples count
    once.

    Raises: UserError if there is no log, no line in it that can be read, no reference, or all lines are of other
    models.
    """
    lines = read_predictions(Path(log), _moment("since", since), _moment("until", until))
    if not lines.of_models and lines.damaged:
        raise UserError(f"log={log}: none of its {lines.damaged:,} lines is one of a prediction log")
    reference = open_reference(model or _last_run(lines, log), tracking)
    ours = lines.of_models.pop(reference.model.key, None)
    others = sum(len(each) + each.refused.total() for each in lines.of_models.values())
    if ours is None and others:
        told = ", ".join(f"{each.model.name} (weights {each.model.weights})" for each in lines.of_models.values())
        raise UserError(
            f"log={log}: all its lines are of another model: of {told}, and none of {reference.model.name} "
            f"(weights {reference.model.weights})"
        )
    logged = ours or Predictions(reference.model)
    logged = logged.distinct() if distinct else logged
    enough = len(logged) >= LEAST_SAMPLES
    absent = [name for name in reference.values if enough and not len(logged.column(name))]
    tests = compare_predictions(reference, logged) if enough else ()
    return Drift(reference, logged, tests, lines.damaged, others, absent)


def open_reference(model: str, tracking: Sequence[str] = ()) -> Predictions:
    """A registered model's, as it lies with it; a run's, measured now.

    Raises: UserError if there is none.
    """
    if model.endswith(".onnx"):
        raise UserError(
            f"model={model}: a network's file alone has no reference: name the run that it was exported from, or the "
            "registered model (model=models:/name@champion)"
        )
    with tempfile.TemporaryDirectory(prefix="overcast-") as folder:
        path = Path(folder) / FILE
        if model.startswith(REGISTERED):
            from overcast.serving.registry import registered_version

            registry, version = registered_version(model, tracking)
            try:
                path = registry.file(version, FILE)
            except UserError as error:
                raise UserError(
                    f"{error}. A version that was registered before there were references has none: register it again"
                ) from None
        else:
            from overcast.tracking.find_run import find_run

            run = find_run(model, tracking=tracking)
            path.write_text(measure_reference([run], run_identity(run)), encoding="utf8")
        found = read_predictions(path)
    if not found.of_models or found.damaged:
        raise UserError(f"model={model}: its {FILE} is damaged: register the run again")
    return next(iter(found.of_models.values()))


def _last_run(lines: PredictionLines, log: str) -> str:
    """The id of the run that the latest line is of. Raises: UserError if there is none."""
    never = datetime.min.replace(tzinfo=UTC)
    latest = max(lines.of_models.values(), key=lambda each: each.last or never, default=None)
    if latest is None or not latest.model.run:
        raise UserError(f"log={log} names no run: say whose reference counts, with model=models:/… or model=runs/…")
    return latest.model.run


def _moment(option: str, text: str) -> datetime | None:
    """A time such as 2026-11-30 or 2026-11-30T12:00 (UTC where it says nothing), or how long ago, such as 24h."""
    if not text:
        return None
    if DURATION.fullmatch(text):
        return datetime.now(UTC) - timedelta(seconds=seconds(option, text))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(
            f"{option}={text}: give a time, such as 2026-11-30 or 2026-11-30T12:00 (UTC), or how long ago, such as 24h"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
