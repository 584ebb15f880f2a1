"""Drift as a page, and as lines of text: the verdict first, then each test, then both distributions."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from overcast.core.words import translatable, translate
from overcast.html.figures import canvas, short
from overcast.html.page import BulletList, Callout, Cell, Image, Page, Section, Table
from overcast.html.style import BLUE, ORANGE
from overcast.html.writer import check_report_folder, write
from overcast.serving.drift import (
    LABELS,
    LEAST_DISTANCE,
    LEAST_SAMPLES,
    Drift,
    DriftTest,
    DriftVerdict,
)
from overcast.serving.logged_predictions import CONFIDENCE, Predictions

FEATURES = {
    LABELS: (translatable("predicted labels"), translatable("how often each class is the answer")),
    CONFIDENCE: (translatable("confidence"), translatable("the largest probability")),
    "brightness": (translatable("brightness"), translatable("mean of the grey values, 0 to 1")),
    "contrast": (translatable("contrast"), translatable("standard deviation of the grey values")),
    "red": (translatable("red"), translatable("mean of the channel, 0 to 1")),
    "green": (translatable("green"), translatable("mean of the channel, 0 to 1")),
    "blue": (translatable("blue"), translatable("mean of the channel, 0 to 1")),
    "colourfulness": (translatable("colourfulness"), translatable("0 is grey, 0.4 very colourful")),
    "sharpness": (translatable("sharpness"), translatable("variance of the Laplacian, × 1,000")),
    "length": (translatable("length"), translatable("steps or words a sample")),
    "mean": (translatable("mean level"), translatable("of all values, as packed")),
    "std": (translatable("spread"), translatable("standard deviation of all values")),
    "roughness": (translatable("roughness"), translatable("mean change from a step to the next")),
    "crossings": (translatable("mean crossings"), translatable("share of steps")),
    "tilt": (translatable("tilt"), translatable("upper half of the bands less the lower")),
    "unknown": (translatable("unknown words"), translatable("share of the words")),
    "different": (translatable("different words"), translatable("share of the words")),
}
"""What each is called, and what it measures. A sequence's "feature 3" is called by its number."""

MOST_CLASSES, MOST_REASONS, COLUMNS, BINS = 12, 5, 3, 20


def write_page(drift: Drift, folder: Path, log: str) -> Path:
    """Write it into ``folder``, in place of an earlier page; its path. Raises: UserError if other files are there."""
    check_report_folder(folder)
    return write(folder, drift_page(drift, log))


def drift_page(drift: Drift, log: str) -> Page:
    """log: its name, as a fact."""
    model = drift.reference.model
    sections = []
    if drift.tests:
        shapes = Image.from_figure("distributions.png", _figure(drift))
        how = translate("The reference in blue, the log in orange and dashed; each with an area of one.")
        sections = [
            Section(translate("What was compared"), _rule(drift), [_table(drift)]),
            Section(translate("Both distributions"), how, [shapes]),
        ]
    notes = [*count_sentences(drift), *_limits()]
    sections.append(Section(translate("To be kept in mind"), "", [BulletList(notes)]))
    facts = {"log": log, "weights": model.weights, "fingerprint": model.fingerprint, "MLflow": model.run}
    title = translate("Drift of {name}", name=model.name)
    return Page(title, _lead(drift), sections, facts, [Callout(verdict_sentence(drift))])


def report_text(drift: Drift) -> str:
    """What is printed: the verdict, a line a test, and what else there is to say."""
    rows = [
        f"  {feature_name(test.name):<18} {_number(test.reference):>9} → {_number(test.logged):<9}"
        f" D {test.distance:.3f}  p {_p(test.p)}{'  *' if test.drifted else ''}"
        for test in drift.tests
    ]
    return "\n".join([verdict_sentence(drift), _lead(drift), *rows, *count_sentences(drift)])


def verdict_sentence(drift: Drift) -> str:
    """The verdict, and what it rests on."""
    match drift.verdict:
        case DriftVerdict.UNDECIDED:
            return translate(
                "Undecided: the log has {number} predictions of this model, and {least} are needed.",
                number=f"{len(drift.logged):,}",
                least=LEAST_SAMPLES,
            )
        case DriftVerdict.DRIFTED:
            names = ", ".join(feature_name(test.name) for test in drift.tests if test.drifted)
            return translate(
                "Drifted: {names}. What the model is given, or how it answers, is not as it was measured.", names=names
            )
    return translate(
        "Not drifted: nothing differs by {least} or more beyond chance. Distances from {found} on would have shown.",
        least=f"{LEAST_DISTANCE:g}",
        found=f"{drift.detectable:.2f}",
    )


def count_sentences(drift: Drift) -> list[str]:
    """What of the log does not count, or counts more than once."""
    logged = drift.logged
    sentences = []
    if number := logged.refused.total():
        reasons = "; ".join(f"{reason}: {n:,}" for reason, n in logged.refused.most_common(MOST_REASONS))
        text = "Requests refused, since they could not be read: {number} ({reasons})."
        sentences.append(translate(text, number=f"{number:,}", reasons=reasons))
    if repeated := len(logged) - len(logged.distinct()):
        text = "Predictions that repeat the values of another one: {number}; distinct=true counts each once."
        sentences.append(translate(text, number=f"{repeated:,}"))
    if drift.others:
        text = "Lines of other models, which do not count: {number}."
        sentences.append(translate(text, number=f"{drift.others:,}"))
    if drift.damaged:
        text = "Damaged lines, which do not count: {number}."
        sentences.append(translate(text, number=f"{drift.damaged:,}"))
    if drift.absent:
        names = ", ".join(map(feature_name, drift.absent))
        sentences.append(translate("The log lacks {names}, which was not compared.", names=names))
    return sentences


def feature_name(name: str) -> str:
    """As a person reads it."""
    if name in FEATURES:
        return translate(FEATURES[name][0])
    return translate("mean of feature {number}", number=name.removeprefix("feature "))


def _lead(drift: Drift) -> str:
    logged = drift.logged
    numbers = {"logged": f"{len(logged):,}", "reference": f"{len(drift.reference):,}"}
    if logged.first is None or logged.last is None:
        return translate("{logged} predictions in use against {reference} of the validation part", **numbers)
    first, last = (f"{time:%Y-%m-%d %H:%M}" for time in (logged.first, logged.last))
    text = "{logged} predictions in use, {first} to {last} (UTC), against {reference} of the validation part"
    return translate(text, first=first, last=last, **numbers)


def _rule(drift: Drift) -> str:
    return translate(
        "D is the share of samples that would have to move for both to be distributed alike: of numbers "
        "Kolmogorov and Smirnov's distance, of labels total variation, tested by chi-square. p is Holm's over all "
        "{number} tests. Drifted: p below 0.05 and D of {least} or more.",
        number=len(drift.tests),
        least=f"{LEAST_DISTANCE:g}",
    )


def _limits() -> list[str]:
    return [
        translate(
            "The reference is the validation part, which the network was not trained on. Where the run was chosen "
            "among many by it, its confidence is a little flattered."
        ),
        translate(
            "Samples are taken as independent. Pictures of one camera, seconds apart, are not: then chance alone may "
            "reach these distances."
        ),
        translate(
            "Drift does not say that answers are wrong, nor its absence that they are right: for that, true labels "
            "are needed."
        ),
    ]


def _table(drift: Drift) -> Table:
    head: list[str | Cell] = [
        translate("feature"), translate("mean, reference"), translate("mean, log"), "D", Cell("p", "Holm"),
        translate("verdict"),
    ]  # fmt: skip
    return Table(head, [_row(test) for test in drift.tests], row_heads=True)


def _row(test: DriftTest) -> list[Cell]:
    verdict = DriftVerdict.DRIFTED if test.drifted else DriftVerdict.NOT_DRIFTED
    detail = translate(FEATURES[test.name][1]) if test.name in FEATURES else ""
    numbers = [Cell(_number(value), value=value) for value in (test.reference, test.logged)]
    return [
        Cell(feature_name(test.name), detail),
        *numbers,
        Cell(f"{test.distance:.3f}", value=test.distance),
        Cell(_p(test.p), value=test.p),
        Cell(translate(verdict.value), look="worse" if test.drifted else ""),
    ]


def _figure(drift: Drift) -> Figure:
    rows = -(-len(drift.tests) // COLUMNS)
    figure, panels = canvas(11, 2.3 * rows, rows, COLUMNS)
    for axes, test in zip(panels.ravel(), drift.tests, strict=False):
        axes.set_title(feature_name(test.name), size=10, fontweight="bold" if test.drifted else "normal")
        if test.name == LABELS:
            _draw_labels(axes, drift.reference, drift.logged)
        else:
            _draw_values(axes, drift.reference.column(test.name), drift.logged.column(test.name))
    for axes in panels.ravel()[len(drift.tests) :]:
        axes.set_axis_off()
    return figure


def _draw_values(axes: Axes, reference: np.ndarray, logged: np.ndarray) -> None:
    """Histograms with the same bins; a few far values do not make them all narrow: they are in the last ones."""
    ends = np.concatenate([np.quantile(each, (0.005, 0.995)) for each in (reference, logged)])
    low, high = float(ends.min()), float(ends.max())
    bins = np.linspace(low, high if high > low else low + 1, BINS + 1)
    for values, colour, dash in ((reference, BLUE, "-"), (logged, ORANGE, "--")):
        counts, _ = np.histogram(np.clip(values, bins[0], bins[-1]), bins, density=True)
        axes.stairs(counts, bins, color=colour, linestyle=dash, linewidth=1.5, fill=False)
        axes.stairs(counts, bins, color=colour, alpha=0.15, fill=True)
    axes.set_yticks([])


def _draw_labels(axes: Axes, reference: Predictions, logged: Predictions) -> None:
    """The most frequent classes, side by side."""
    counts = [Counter(each.labels) for each in (reference, logged)]
    classes = [name for name, _ in (counts[0] + counts[1]).most_common(MOST_CLASSES)]
    places = np.arange(len(classes))
    for found, colour, shift in ((counts[0], BLUE, -0.2), (counts[1], ORANGE, 0.2)):
        shares = [found[name] / found.total() for name in classes]
        axes.barh(places + shift, shares, 0.38, color=colour, alpha=0.8)
    axes.set_yticks(places, [short(name) for name in classes], size=8)
    axes.invert_yaxis()


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4g}"  # labels have no mean


def _p(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"
