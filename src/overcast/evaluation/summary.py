"""What an evaluation reads like in a terminal."""

from __future__ import annotations

import unicodedata
from typing import Any

from overcast.config.metric_options import metric_options
from overcast.core.console import in_language
from overcast.core.spec import SEQUENCES
from overcast.core.words import translate
from overcast.evaluation.calibration import MISSED, SHOWN
from overcast.evaluation.flip import SHOWN as FLIPPED
from overcast.tracking.run_folder import Run

PARTS = ("train", "validation", "test")
WIDTHS = (9, 12, 9)

LINEAR = {"image": "the pixels", "tokens": "the words (TF-IDF)"} | dict.fromkeys(SEQUENCES, "mean and spread over time")
"""What the linear baseline learns from, by the kind of data."""


def table(run: Run, metrics: dict[str, Any]) -> str:
    """Every figure of every part, the test interval, and the baselines."""
    facts = run.facts
    kind = "  (synthetic pictures)" if facts["synthetic"] else ""
    lines = [f"{facts['name']}{kind}: {run.folder}", ""]
    heads = "".join(_right(translate(part), width) for part, width in zip(PARTS, WIDTHS, strict=True))
    lines.append(f"{'':25}{heads}   {in_language('95 % interval')}")
    labels = {name: translate(option.label) for name, option in metric_options().items()}
    for name, label in labels.items():
        values = [metrics[part].get(name) for part in PARTS]
        shown = "".join(_figure(value, width) for value, width in zip(values, WIDTHS, strict=True))
        lines.append(f"{_left(label)}{shown}{_ends(metrics, name)}")
    if "shift" in metrics:
        of_test = _figure(metrics["test"]["shift_accuracy"], 30)
        lines.append(f"{_left(in_language('accuracy under shift'))}{of_test}{_ends(metrics, 'shift_accuracy')}")
        kinds = [f"{kind.replace('_', ' ')} {accuracy:.3f}" for kind, accuracy in metrics["shift"].items()]
        lines.append(f"  on {', '.join(kinds)}")
    if "calibration" in metrics:
        lines += _calibration(metrics["calibration"])
    if "flip" in metrics:
        told = [f"{name} {metrics['flip'][name]:.3f}, {_change(metrics['flip'], name)}" for name in FLIPPED]
        lines.append(f"with each test picture's mirror image, and the change: {'; '.join(told)}")
    lines += [f"not computed: {note}" for note in metrics.get("notes", ())]
    base, gap = metrics["baseline"], metrics["gap"]
    last = base.get("persistence_accuracy")
    before = "" if last is None else f", {last:.3f} the class of the sample before"
    lines += [
        "",
        f"gap, train against test: {labels['accuracy']} {100 * gap['accuracy']:+.1f} points, "
        f"{labels['nll']} {gap['nll']:+.3f} "
        "(above zero: better on the train part)",
        f"to beat on the test part: {base['linear_accuracy']:.3f} logistic regression on {LINEAR[run.spec.kind]}, "
        f"{base['majority_accuracy']:.3f} always the most frequent class{before}",
        f"pictures and predictions: {run.folder}/evaluation",
    ]
    return "\n".join(lines)


def _width(text: str) -> int:
    """In a terminal, where a Korean sign takes two places."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _left(text: str) -> str:
    return text + " " * (25 - _width(text))


def _right(text: str, width: int) -> str:
    return " " * (width - _width(text)) + text


def _change(figures: dict[str, float], name: str) -> str:
    low, high = figures[f"{name}_change_low"], figures[f"{name}_change_high"]
    return f"{figures[f'{name}_change']:+.3f} [{low:+.3f}, {high:+.3f}]"


def _calibration(figures: dict[str, float]) -> list[str]:
    """Before and after the temperature, on the test part; and how often conformal sets hold the true class."""
    changes = [f"{name} {figures[f'{name}_before']:.3f}, {_change(figures, name)}" for name in SHOWN]
    return [
        f"temperature {figures['temperature']:.3f}, learned on {figures['samples']:.0f} samples; before it and its "
        f"change: {'; '.join(changes)}; accuracy as it was",
        f"sets that are to hold the true class in {1 - MISSED:.0%}: {figures['coverage']:.3f} "
        f"[{figures['coverage_low']:.3f}, {figures['coverage_high']:.3f}], {figures['set_size']:.2f} classes a set",
    ]


def _figure(value: float | None, width: int) -> str:
    return f"{'–':>{width}}" if value is None else f"{value:{width}.3f}"


def _ends(metrics: dict[str, Any], name: str) -> str:
    """The interval on the test part, of what has one."""
    low, high = (metrics["test"].get(f"{name}_{end}") for end in ("low", "high"))
    return "" if low is None else f"   [{low:.3f}, {high:.3f}]"
