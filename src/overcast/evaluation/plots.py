"""The pictures of one run: confusion, calibration, learning curves, worst mistakes."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from overcast.prepare.pack import Pack

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#888888"  # told apart by the colour-blind (Okabe & Ito 2008)
BINS = 10
SHOWN = 12


def _canvas(wide: float, high: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    # a Figure of its own, outside pyplot: safe in threads, and nothing to close
    mpl.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 10})
    figure = Figure(figsize=(wide, high), layout="constrained", dpi=110)
    return figure, list(np.atleast_1d(figure.subplots(1, columns)))


def _save(figure: Figure, path: Path) -> None:
    # without matplotlib's own signature: its version is nothing that was measured
    figure.savefig(path, metadata={"Software": None})


def confusion(path: Path, classes: tuple[str, ...], target: np.ndarray, predicted: np.ndarray) -> None:
    """Rows: the true class; columns: what was predicted; counts, shaded by their share of the row."""
    size = len(classes)
    counts = np.zeros((size, size), int)
    np.add.at(counts, (target, predicted), 1)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    figure, (axes,) = _canvas(1.8 + 0.75 * size, 1.3 + 0.65 * size)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        shade = "white" if share[row, column] > 0.5 else "black"
        axes.text(column, row, str(count), ha="center", va="center", color=shade)
    axes.set_xticks(range(size), classes, rotation=35, ha="right")
    axes.set_yticks(range(size), classes)
    axes.set(xlabel="predicted", ylabel="true", title=f"test part: {np.trace(counts)} of {counts.sum()} right")
    _save(figure, path)


def reliability(path: Path, probabilities: np.ndarray, target: np.ndarray) -> None:
    """How often the prediction is right against how sure it is; on the diagonal the two agree."""
    sure, right = probabilities.max(1), probabilities.argmax(1) == target
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    figure, (axes,) = _canvas(4.6, 4.2)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="perfectly calibrated")
    for b in np.unique(bins):
        inside = bins == b
        rate, number = right[inside].mean(), inside.sum()
        error = np.sqrt(rate * (1 - rate) / number)
        axes.errorbar(sure[inside].mean(), rate, error, fmt="o", color=BLUE, markersize=3 + number**0.5 / 2)
    axes.set(xlim=(0, 1), ylim=(0, 1.03), xlabel="confidence", ylabel="accuracy")
    axes.set_title("reliability on the test part\n(size of a dot: how many samples)", fontsize=10)
    axes.legend(loc="upper left", frameon=False)
    _save(figure, path)


def curves(path: Path, history: dict[str, np.ndarray]) -> None:
    """Loss and accuracy of train and validation over the epochs; what is between them is the gap."""
    figure, panels = _canvas(9, 3.6, columns=2)
    for axes, name in zip(panels, ("loss", "accuracy"), strict=True):
        train, validation = history[f"train/{name}"], history[f"validation/{name}"]
        epochs = history["epoch"] + 1
        axes.plot(epochs, train, color=BLUE, marker=".", label="train")
        axes.plot(epochs, validation, color=ORANGE, marker=".", linestyle="--", label="validation")
        axes.fill_between(epochs, train, validation, color=GREY, alpha=0.15, label="gap")
        # two runs' pictures are looked at side by side: the same axes, as far as their numbers allow
        axes.set(xlabel="epoch", title=name, ylim=(0, 1.02 if name == "accuracy" else _top(train, validation)))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False)
    _save(figure, path)


def _top(*losses: np.ndarray) -> float:
    """The first power of two, 1 at the least, above all of these."""
    return float(2 ** np.ceil(np.log2(max(1.0, *(loss.max() for loss in losses)))))


def mistakes(path: Path, pack: Pack, rows: np.ndarray, probabilities: np.ndarray, target: np.ndarray) -> None:
    """The wrong predictions that were surest, as pictures with what they were taken for."""
    predicted = probabilities.argmax(1)
    wrong = np.flatnonzero(predicted != target)
    worst = wrong[np.argsort(-probabilities[wrong, predicted[wrong]])][:SHOWN]
    columns = 6
    figure = Figure(figsize=(1.7 * columns, 2.15 * 2), layout="constrained", dpi=110)
    figure.suptitle(f"the surest of {len(wrong)} mistakes among {len(target)} test samples")
    for axes in (panels := figure.subplots(2, columns).ravel()):
        axes.set_axis_off()
    x, _ = pack.gather(rows[worst])
    for axes, sample, i in zip(panels, x, worst, strict=False):
        axes.imshow(_picture(sample), cmap="gray" if len(sample) == 1 else None, aspect="auto")
        guess, truth = pack.spec.classes[predicted[i]], pack.spec.classes[target[i]]
        axes.set_title(f"{guess} {probabilities[i].max():.0%}\nis {truth}", fontsize=8)
    _save(figure, path)


def _picture(sample: np.ndarray) -> np.ndarray:
    """(C, H, W) as matplotlib shows it; a sequence (T, F) with time to the right."""
    if sample.ndim == 2:
        return sample.T[::-1]
    return sample[0] if len(sample) == 1 else sample.transpose(1, 2, 0)
