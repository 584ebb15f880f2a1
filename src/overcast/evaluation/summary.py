"""What an evaluation reads like in a terminal."""

from __future__ import annotations

from typing import Any

from overcast.config.metric_options import metric_options
from overcast.core.spec import SEQUENCES
from overcast.tracking.run_folder import Run

LINEAR = {"image": "the pixels", "tokens": "the words (TF-IDF)"} | dict.fromkeys(SEQUENCES, "mean and spread over time")
"""What the linear baseline learns from, by the kind of data."""


def table(run: Run, metrics: dict[str, Any]) -> str:
    """Every figure of every part, the test interval, and the baselines."""
    facts = run.facts
    kind = "  (synthetic pictures)" if facts["synthetic"] else ""
    lines = [f"{facts['name']}{kind}: {run.folder}", ""]
    lines.append(f"{'':25}{'train':>9}{'validation':>12}{'test':>9}   95 % interval")
    labels = {name: option.label for name, option in metric_options().items()}
    for name, label in labels.items():
        values = [metrics[part].get(name) for part in ("train", "validation", "test")]
        shown = "".join(_figure(value, width) for value, width in zip(values, (9, 12, 9), strict=True))
        lines.append(f"{label:25}{shown}{_ends(metrics, name)}")
    if "shift" in metrics:
        of_test = _figure(metrics["test"]["shift_accuracy"], 30)
        lines.append(f"{'accuracy under shift':25}{of_test}{_ends(metrics, 'shift_accuracy')}")
        kinds = [f"{kind.replace('_', ' ')} {accuracy:.3f}" for kind, accuracy in metrics["shift"].items()]
        lines.append(f"  on {', '.join(kinds)}")
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


def _figure(value: float | None, width: int) -> str:
    return f"{'–':>{width}}" if value is None else f"{value:{width}.3f}"


def _ends(metrics: dict[str, Any], name: str) -> str:
    """The interval on the test part, of what has one."""
    low, high = (metrics["test"].get(f"{name}_{end}") for end in ("low", "high"))
    return "" if low is None else f"   [{low:.3f}, {high:.3f}]"
