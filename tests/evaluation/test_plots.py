"""The pictures are drawn for odd inputs too: nothing wrong, nothing right, one epoch, strange names, sequences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from overcast.evaluation import plots
from overcast.html.style import PARTS
from overcast.prepare.pack import open_pack

CLASSES = ("a", "Wolken & Nebel", "$x_1$", "d", "e")


def drawn(path: Path) -> None:
    with Image.open(path) as image:
        assert image.size[0] > 200
        assert len(image.convert("L").getcolors() or [None] * 9) > 2


@pytest.fixture
def probabilities() -> np.ndarray:
    return np.random.default_rng(0).dirichlet(np.ones(5), 30)


@pytest.mark.parametrize("right", ["all", "none", "some"])
def test_confusion_reliability_and_mistakes(data: Path, tmp_path: Path, probabilities: np.ndarray, right: str) -> None:
    guess = probabilities.argmax(1)
    target = {"all": guess, "none": (guess + 1) % 5, "some": np.where(np.arange(30) % 2, guess, 0)}[right]
    plots.confusion(tmp_path / "c.png", CLASSES, target, guess)
    plots.reliability(tmp_path / "r.png", probabilities, target)
    for source in ("skies", "waves"):
        pack = open_pack(data, source)
        keep = (target < len(pack.spec.classes)) & (guess < len(pack.spec.classes))
        plots.mistakes(tmp_path / f"{source}.png", pack, np.arange(30)[keep], probabilities[keep], target[keep])
        drawn(tmp_path / f"{source}.png")
    drawn(tmp_path / "c.png")
    drawn(tmp_path / "r.png")


@pytest.mark.parametrize("epochs", [1, 20])
def test_curves(tmp_path: Path, epochs: int) -> None:
    falling = 1 / (1 + np.arange(epochs))
    names = ("train/nll", "validation/nll", "train/accuracy", "validation/accuracy")
    plots.curves(tmp_path / "x.png", {"epoch": np.arange(epochs) + 1} | dict.fromkeys(names, falling))
    drawn(tmp_path / "x.png")


def test_curves_of_two_runs_have_the_same_axes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    axes: list[list[tuple[float, float]]] = []
    monkeypatch.setattr(plots, "png", lambda figure: axes.append([a.get_ylim() for a in figure.axes]) or b"")
    for loss in (np.array([1.2, 0.4]), np.array([1.9, 1.1])):
        history = {"train/nll": loss, "validation/nll": loss, "train/accuracy": loss / 3}
        plots.curves(tmp_path / "x.png", {"epoch": np.arange(2) + 1, "validation/accuracy": loss / 4, **history})
    assert axes[0] == axes[1] == [(0, 2), (0, 1.02)]


def test_a_picture_is_made_of_its_figures_alone(tmp_path: Path, probabilities: np.ndarray) -> None:
    """DVC keeps them, and tells apart every byte: no date in them, no version of what drew them."""
    plots.reliability(tmp_path / "r.png", probabilities, probabilities.argmax(1))
    with Image.open(tmp_path / "r.png") as image:
        assert set(image.info) == {"dpi"}


def test_the_surest_mistakes_come_first(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = open_pack(data, "skies")
    drawn: list[np.ndarray] = []
    monkeypatch.setattr(plots, "draw_sample", lambda axes, sample: drawn.append(sample))
    p = np.full((4, 5), 0.1)
    p[[0, 1, 2, 3], [1, 1, 1, 0]] = [0.6, 0.9, 0.7, 0.99]  # the last one is right
    plots.mistakes(tmp_path / "x.png", pack, np.array([10, 11, 12, 13]), p, np.zeros(4, int))
    assert [sample.tobytes() for sample in drawn] == [pack.values[row].tobytes() for row in (11, 12, 10)]


def test_train_and_validation_look_as_everywhere_and_epochs_are_as_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    monkeypatch.setattr(plots, "png", lambda figure: made.append(figure) or b"")
    names = [f"{part}/{what}" for part in PARTS for what in ("nll", "accuracy")]
    plots.curves(tmp_path / "x.png", {"epoch": np.arange(1, 4)} | dict.fromkeys(names, np.ones(3)))
    for axes in made[0].axes:
        lines = {line.get_label(): line for line in axes.lines}
        assert {part: line.get_color() for part, line in lines.items()} == {p: s.colour for p, s in PARTS.items()}
        assert {part: line.get_linestyle() for part, line in lines.items()} == {"train": "-", "validation": "--"}
        assert list(lines["train"].get_xdata()) == [1, 2, 3]


def test_a_short_sequence_is_drawn_without_its_padding(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = open_pack(data, "waves")
    drawn: list[np.ndarray] = []
    monkeypatch.setattr(plots, "draw_sample", lambda axes, sample: drawn.append(sample))
    rows = np.array([0, 5, 8])  # of 4, 9 and 12 steps
    plots.mistakes(tmp_path / "x.png", pack, rows, np.array([[0.5, 0.3, 0.2]] * 3), np.ones(3, int))
    assert [len(sample) for sample in drawn] == [4, 9, 12]
