"""The pictures of one run: confusion, calibration, learning curves, worst mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from overcast.config.metric_options import metric_options
from overcast.evaluation.bootstrap import calibration_bin
from overcast.evaluation.classes import most_confused
from overcast.html.figures import canvas, image_grid, png, short
from overcast.html.style import BLUE, GREY, PARTS
from overcast.html.thumbnails import draw_sample
from overcast.prepare.pack import Pack

SHOWN = 12
CURVES = ("nll", "accuracy")


def confusion(path: Path, classes: tuple[str, ...], counts: np.ndarray) -> None:
    """Rows: the true class; columns: what was predicted; counts (K, K), shaded by their share of the row.

    Of many classes those that are confused most.
    """
    title = f"test part: {np.trace(counts)} of {counts.sum()} right"
    shown = most_confused(counts)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    if len(shown) < len(classes):
        title += f"\nthe {len(shown)} of {len(classes)} classes with the most confusions (all in confusion.csv)"
        counts, share = (values[np.ix_(shown, shown)] for values in (counts, share))
        classes = tuple(classes[number] for number in shown)
    size = len(classes)
    figure, ((axes,),) = canvas(1.8 + 0.75 * size, 1.3 + 0.65 * size)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        shade = "white" if share[row, column] > 0.5 else "black"
        axes.text(column, row, str(count), ha="center", va="center", color=shade)
    names = [short(name) for name in classes]
    axes.set_xticks(range(size), names, rotation=35, ha="right")
    axes.set_yticks(range(size), names)
    axes.set(xlabel="predicted", ylabel="true", title=title)
    path.write_bytes(png(figure))


def reliability(path: Path, probabilities: np.ndarray, target: np.ndarray, before: np.ndarray | None = None) -> None:
    """Accuracy against confidence in each bin of the calibration error; on the diagonal they agree.

    Bars: a standard error of the accuracy to each side, within 0 and 1. before: (N, K) without the temperature.
    """
    figure, ((axes,),) = canvas(4.6, 4.2)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="perfectly calibrated")
    if before is not None:
        _bins(axes, before, target, GREY)
        axes.errorbar([], [], fmt="o", color=GREY, label="before the temperature")
        axes.errorbar([], [], fmt="o", color=BLUE, label="after it")
    _bins(axes, probabilities, target, BLUE)
    axes.set(xlim=(0, 1), ylim=(0, 1.03), xlabel="confidence", ylabel="accuracy")
    axes.set_title("reliability on the test part\n(size of a dot: how many samples)", fontsize=10)
    axes.legend(loc="upper left", frameon=False)
    path.write_bytes(png(figure))


def _bins(axes: Axes, probabilities: np.ndarray, target: np.ndarray, color: str) -> None:
    confidence, right = probabilities.max(1), probabilities.argmax(1) == target
    bins = calibration_bin(confidence)
    for b in np.unique(bins):
        inside = bins == b
        accuracy, number = right[inside].mean(), inside.sum()
        error = np.sqrt(accuracy * (1 - accuracy) / number)
        reach = [[min(error, accuracy)], [min(error, 1 - accuracy)]]  # no accuracy is below 0 or above 1
        size = 3 + number**0.5 / 2
        axes.errorbar(confidence[inside].mean(), accuracy, reach, fmt="o", color=color, markersize=size)


def risk_coverage(path: Path, curves: Mapping[str, np.ndarray]) -> None:
    """Accuracy of the answers against the share of samples that are answered, the surest first, by part."""
    figure, ((axes,),) = canvas(4.6, 3.6)
    for part, curve in curves.items():
        color, line = (BLUE, "-") if part == "test" else (GREY, "--")
        axes.plot(curve[:, 1], curve[:, 2], color=color, linestyle=line, label=f"{part} part")
    axes.set(xlim=(0, 1.01), xlabel="share of samples that are answered", ylabel="accuracy of the answers")
    axes.set_title("answering only what is probable enough", fontsize=10)
    axes.legend(loc="lower left", frameon=False)
    path.write_bytes(png(figure))


def curves(path: Path, history: dict[str, np.ndarray]) -> None:
    """Negative log-likelihood and accuracy of train and validation over the epochs, and the gap between them."""
    figure, (panels,) = canvas(9, 3.6, columns=2)
    metrics = metric_options()
    for axes, name in zip(panels, CURVES, strict=True):
        train, validation = history[f"train/{name}"], history[f"validation/{name}"]
        epochs = history["epoch"]
        for part, style in PARTS.items():
            axes.plot(epochs, history[f"{part}/{name}"], marker=".", label=part, **style.matplotlib())
        axes.fill_between(epochs, train, validation, color=GREY, alpha=0.15, label="validation gap")
        # two runs' pictures are looked at side by side: the same axes, as far as their numbers allow
        top = 1.02 if name == "accuracy" else _top(train, validation)
        axes.set(xlabel="epoch", title=metrics[name].label, ylim=(0, top))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False)
    path.write_bytes(png(figure))


def _top(*losses: np.ndarray) -> float:
    """The first power of two, 1 at the least, above all of these."""
    return float(2 ** np.ceil(np.log2(max(1.0, *(loss.max() for loss in losses)))))


def mistakes(path: Path, pack: Pack, rows: np.ndarray, probabilities: np.ndarray, target: np.ndarray) -> None:
    """The wrong predictions that were surest, as pictures with what they were taken for."""
    predicted = probabilities.argmax(1)
    wrong = np.flatnonzero(predicted != target)
    worst = wrong[np.argsort(-probabilities[wrong, predicted[wrong]])][:SHOWN]
    figure, panels = image_grid(2, SHOWN // 2, 1.5, top=0.45, left=0.05, head=0.3)
    figure.suptitle(f"the surest of {len(wrong)} mistakes among {len(target)} test samples")
    x, length = pack.gather(rows[worst])
    for axes, sample, steps, i in zip(panels.ravel(), x, length, worst, strict=False):
        draw_sample(axes, sample if pack.spec.kind == "image" else sample[:steps])
        guess, truth = (short(pack.spec.classes[answer[i]]) for answer in (predicted, target))
        axes.set_title(f"{guess} {probabilities[i].max():.0%}\nis {truth}", size=8)
    path.write_bytes(png(figure))
