"""What the calibration part is worth on the test part: probabilities before and after, sets that cover, and when to
abstain.

`coverage.csv`: how often the conformal set holds the true class, over all samples and by source group and class, each
with the interval of Clopper & Pearson. `risk_coverage.csv`: how accurate the answers are if only those are given that
are at least so probable (El-Yaniv & Wiener, "On the Foundations of Noise-free Selective Classification", 2010); a
threshold is chosen on the calibration part, and the test part says what it is worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from overcast.core.csv_rows import write_rows
from overcast.evaluation.bootstrap import changes, intervals
from overcast.prediction.calibration import CalibrationPart
from overcast.prediction.predictor import softmax
from overcast.statistics.conformal import clopper_pearson

MISSED = 0.1
"""The rate at which the sets of an evaluation may miss the true class; `predict` takes any other."""

SHOWN = ("nll", "ece", "brier")
"""What a temperature changes; the accuracy stays."""

MOST_POINTS = 200
"""Of a risk-coverage curve."""


def calibration_figures(
    logits: np.ndarray, target: np.ndarray, groups: np.ndarray, calibration: CalibrationPart
) -> dict[str, float]:
    """What ``metrics.json`` has as ``calibration``: of the test part, but for ``temperature`` and ``samples``.

    logits: (N, K) over the temperature. groups: (N,) equal where samples belong together. ``nll_before`` and so on:
    with a temperature of 1. ``nll_change``: after − before, below zero is better; its interval is that of the same
    resamples.
    """
    temperature, after = calibration.temperature, softmax(logits)
    told = {"temperature": temperature, "samples": float(len(calibration.target))}
    for name, each in changes(softmax(logits * temperature), after, target, groups).items():
        if name in SHOWN:
            told |= {f"{name}_before": each.before, f"{name}_change": each.change}
            told |= {f"{name}_change_low": each.low, f"{name}_change_high": each.high}
    sets = after >= calibration.conformal_threshold(MISSED)
    covered = sets[np.arange(len(target)), target]
    low, high = intervals(after, target, groups=groups, means={"coverage": covered})["coverage"]
    told |= {"coverage": float(covered.mean()), "coverage_low": low, "coverage_high": high}
    return told | {"set_size": float(sets.sum(1).mean())}


def write_coverage(
    path: Path, sets: np.ndarray, target: np.ndarray, sources: np.ndarray, classes: tuple[str, ...]
) -> None:
    """``by,name,samples,covered,coverage,low,high,set_size``: of all samples, of each source group and of each class.

    sets: (N, K) of truth values. sources: (N,) names, "" where a sample has none.
    """
    covered = sets[np.arange(len(target)), target]
    of: list[tuple[str, str, np.ndarray]] = [("all", "", np.ones(len(target), bool))]
    of += [("group", name, sources == name) for name in sorted(set(sources) - {""})]
    of += [("class", name, target == number) for number, name in enumerate(classes) if (target == number).any()]
    rows = []
    for by, name, these in of:
        hits, number = int(covered[these].sum()), int(these.sum())
        low, high = clopper_pearson(hits, number)
        shown = (f"{value:.6g}" for value in (hits / number, low, high, sets[these].sum(1).mean()))
        rows.append((by, name, number, hits, *shown))
    _write(path, [("by", "name", "samples", "covered", "coverage", "low", "high", "set_size"), *rows])


def risk_coverage(probabilities: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(points, 3): the least probability that is answered, the share of samples that have it, and their accuracy.

    probabilities: (N, K). From the surest sample to all of them; samples as sure as each other come together.
    """
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == target
    order = np.argsort(-confidence, kind="stable")
    confidence, answered = confidence[order], np.arange(1, len(target) + 1)
    curve = np.stack([confidence, answered / len(target), correct[order].cumsum() / answered], 1)
    curve = curve[np.append(confidence[1:] < confidence[:-1], True)]
    points = np.unique(np.linspace(0, len(curve) - 1, MOST_POINTS).round().astype(int))
    picked: np.ndarray = curve[points]
    return picked


def write_risk_coverage(path: Path, curves: Mapping[str, np.ndarray]) -> None:
    """``part,min_probability,coverage,accuracy`` of each part's `risk_coverage`."""
    rows = [(part, *(f"{value:.6g}" for value in point)) for part, curve in curves.items() for point in curve]
    _write(path, [("part", "min_probability", "coverage", "accuracy"), *rows])


def write_doubt(
    folder: Path,
    probabilities: np.ndarray,
    target: np.ndarray,
    sources: np.ndarray,
    classes: tuple[str, ...],
    calibration: CalibrationPart | None,
) -> dict[str, np.ndarray]:
    """Both files (coverage.csv only with a calibration part) of the test part; gives the risk-coverage curves."""
    curves = {"test": risk_coverage(probabilities, target)}
    if calibration:
        curves["calibration"] = risk_coverage(calibration.probabilities, calibration.target)
        sets = probabilities >= calibration.conformal_threshold(MISSED)
        write_coverage(folder / "coverage.csv", sets, target, sources, classes)
    write_risk_coverage(folder / "risk_coverage.csv", curves)
    return curves


def _write(path: Path, rows: list[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf8", errors="surrogateescape", newline="") as file:
        write_rows(file, rows)
