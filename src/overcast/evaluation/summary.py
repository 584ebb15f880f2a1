"""What an evaluation reads like in a terminal."""

from __future__ import annotations

from typing import Any

from overcast.core.metric_labels import METRIC_LABELS
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
    for name, label in METRIC_LABELS.items():
        low, high = metrics["test"][f"{name}_low"], metrics["test"][f"{name}_high"]
        values = [metrics[part][name] for part in ("train", "validation", "test")]
        lines.append(f"{label:25}{values[0]:9.3f}{values[1]:12.3f}{values[2]:9.3f}   [{low:.3f}, {high:.3f}]")
    base, gap = metrics["baseline"], metrics["gap"]
    last = base.get("persistence_accuracy")
    before = "" if last is None else f", {last:.3f} the class of the sample before"
    lines += [
        "",
        f"gap, train against test: {METRIC_LABELS['accuracy']} {100 * gap['accuracy']:+.1f} points, "
        f"{METRIC_LABELS['nll']} {gap['nll']:+.3f} "
        "(above zero: better on the train part)",
        f"to beat on the test part: {base['linear_accuracy']:.3f} logistic regression on {LINEAR[run.spec.kind]}, "
        f"{base['majority_accuracy']:.3f} always the most frequent class{before}",
        f"pictures and predictions: {run.folder}/evaluation",
    ]
    return "\n".join(lines)
