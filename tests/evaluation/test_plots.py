"""What the pictures show, also of odd inputs: nothing wrong, nothing right, one epoch, strange names, sequences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from overcast.evaluation import plots
from overcast.evaluation.bootstrap import figures
from overcast.evaluation.classes import MOST_CLASSES, confusion_counts
from overcast.html.style import PARTS
from overcast.prepare.pack import open_pack

CLASSES = ("a", "Wolken & Nebel", "$x_1$", "d", "e")


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Every figure that is written, in order; drawn too, which strange names may fail."""
    written: list[Figure] = []
    png = plots.png
    monkeypatch.setattr(plots, "png", lambda figure: written.append(figure) or png(figure))
    return written


@pytest.fixture
def samples(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Every sample that is drawn, in order."""
    seen: list[np.ndarray] = []
    draw = plots.draw_sample
    monkeypatch.setattr(plots, "draw_sample", lambda axes, sample: seen.append(sample) or draw(axes, sample))
    return seen


@pytest.fixture
def probabilities() -> np.ndarray:
    return np.random.default_rng(0).dirichlet(np.ones(5), 30)


def targets(probabilities: np.ndarray, right: str) -> np.ndarray:
    predicted = probabilities.argmax(1)
    return {"all": predicted, "none": (predicted + 1) % 5, "some": np.where(np.arange(30) % 2, predicted, 0)}[right]


@pytest.mark.parametrize("right", ["all", "none", "some"])
def test_confusion(drawn: list[Figure], tmp_path: Path, probabilities: np.ndarray, right: str) -> None:
    target, predicted = targets(probabilities, right), probabilities.argmax(1)
    plots.confusion(tmp_path / "c.png", CLASSES, confusion_counts(target, predicted, 5))
    (axes,) = drawn[0].axes
    counts = np.array([[((target == i) & (predicted == j)).sum() for j in range(5)] for i in range(5)])
    texts = {text.get_position(): int(text.get_text()) for text in axes.texts}
    assert texts == {(j, i): counts[i, j] for i in range(5) for j in range(5)}
    shares = np.asarray(axes.images[0].get_array())
    assert shares == pytest.approx(counts / np.maximum(counts.sum(1, keepdims=True), 1))
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [label.get_text() for label in labels] == list(CLASSES)
    assert axes.get_title() == f"test part: {(target == predicted).sum()} of 30 right"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")


def test_of_many_classes_the_most_confused_are_shown(drawn: list[Figure], tmp_path: Path) -> None:
    """500 of them took minutes, and could not be read."""
    counts = np.diag(np.full(500, 4))
    counts[7, 300], counts[450, 2], counts[2, 9] = 3, 2, 2
    plots.confusion(tmp_path / "c.png", tuple(f"c{number}" for number in range(500)), counts)
    (axes,) = drawn[0].axes
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert {"c2", "c7", "c9", "c300", "c450"} <= set(shown)
    assert len(shown) == len(axes.get_xticklabels()) == MOST_CLASSES
    assert shown == sorted(shown, key=lambda name: int(name[1:]))
    assert axes.get_title() == (
        "test part: 2000 of 2007 right\nthe 30 of 500 classes with the most confusions (all in confusion.csv)"
    )
    (row,) = (row for row, name in enumerate(shown) if name == "c7")
    assert np.asarray(axes.images[0].get_array())[row, shown.index("c300")] == pytest.approx(3 / 7)


def points(axes: Axes) -> np.ndarray:
    """Confidence, accuracy, and the ends of its bar, of each dot: (bins, 4)."""
    rows = []
    for bar in axes.containers:
        dot, _, (line,) = bar.lines
        ((_, low), (_, high)) = line.get_segments()[0]
        rows.append([dot.get_xdata()[0], dot.get_ydata()[0], low, high])
    return np.array(rows)


@pytest.mark.parametrize("right", ["all", "none", "some"])
def test_reliability(drawn: list[Figure], tmp_path: Path, probabilities: np.ndarray, right: str) -> None:
    target = targets(probabilities, right)
    plots.reliability(tmp_path / "r.png", probabilities, target)
    (axes,) = drawn[0].axes
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == target
    bins = [inside for i in range(15) if (inside := (confidence >= i / 15) & (confidence < (i + 1) / 15)).any()]
    dots = points(axes)
    assert dots[:, 0] == pytest.approx([confidence[inside].mean() for inside in bins])
    assert dots[:, 1] == pytest.approx([correct[inside].mean() for inside in bins])
    assert (dots[:, 2] >= 0).all()
    assert (dots[:, 3] <= 1).all()
    expected = figures(probabilities, target, np.ones((1, 30)))["ece"][0]
    weights = [inside.mean() for inside in bins]
    assert np.abs(dots[:, 0] - dots[:, 1]) @ weights == pytest.approx(expected)  # the distance from the diagonal
    assert axes.lines[0].get_xydata().tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize("epochs", [1, 20])
def test_curves(drawn: list[Figure], tmp_path: Path, epochs: int) -> None:
    names = [f"{part}/{metric}" for metric in ("nll", "accuracy") for part in PARTS]
    falling = 1 / (1 + np.arange(epochs))
    history = {name: falling / (1 + number) for number, name in enumerate(names)}
    plots.curves(tmp_path / "x.png", {"epoch": np.arange(epochs) + 1} | history)
    assert [axes.get_title() for axes in drawn[0].axes] == ["negative log-likelihood", "accuracy"]
    for axes, metric in zip(drawn[0].axes, ("nll", "accuracy"), strict=True):
        lines = {line.get_label(): line for line in axes.lines}
        assert set(lines) == set(PARTS)
        for part, line in lines.items():
            assert list(line.get_xdata()) == list(range(1, epochs + 1))
            assert list(line.get_ydata()) == history[f"{part}/{metric}"].tolist()
            assert line.get_color() == PARTS[part].colour  # as everywhere else
        assert (lines["train"].get_linestyle(), lines["validation"].get_linestyle()) == ("-", "--")
        (band,) = axes.collections
        between = np.concatenate([history[f"{part}/{metric}"] for part in PARTS])
        assert np.ptp(band.get_paths()[0].vertices[:, 1]) == pytest.approx(np.ptp(between))


def test_curves_of_two_runs_have_the_same_axes(drawn: list[Figure], tmp_path: Path) -> None:
    for loss in (np.array([1.2, 0.4]), np.array([1.9, 1.1])):
        history = {"train/nll": loss, "validation/nll": loss, "train/accuracy": loss / 3}
        plots.curves(tmp_path / "x.png", {"epoch": np.arange(2) + 1, "validation/accuracy": loss / 4, **history})
    limits = [[axes.get_ylim() for axes in figure.axes] for figure in drawn]
    assert limits == [[(0, 2), (0, 1.02)]] * 2


def test_a_picture_is_made_of_its_figures_alone(tmp_path: Path, probabilities: np.ndarray) -> None:
    """DVC keeps them, and tells apart every byte: no date in them, no version of what drew them."""
    plots.reliability(tmp_path / "r.png", probabilities, probabilities.argmax(1))
    with Image.open(tmp_path / "r.png") as image:
        assert set(image.info) == {"dpi"}


def test_the_surest_mistakes_come_first(
    data: Path, tmp_path: Path, drawn: list[Figure], samples: list[np.ndarray]
) -> None:
    pack = open_pack(data, "skies")
    p = np.full((4, 5), 0.1)
    p[[0, 1, 2, 3], [1, 1, 1, 0]] = [0.6, 0.9, 0.7, 0.99]  # the last one is right
    plots.mistakes(tmp_path / "x.png", pack, np.array([10, 11, 12, 13]), p, np.zeros(4, int))
    assert [sample.tobytes() for sample in samples] == [pack.values[row].tobytes() for row in (11, 12, 10)]
    truth, predicted, *_ = pack.spec.classes
    titles = [title for axes in drawn[0].axes if (title := axes.get_title())]
    assert titles == [f"{predicted} {sure}%\nis {truth}" for sure in (90, 70, 60)]
    assert drawn[0].get_suptitle() == "the surest of 3 mistakes among 4 test samples"


def test_without_a_mistake_none_is_drawn(
    data: Path, tmp_path: Path, drawn: list[Figure], samples: list[np.ndarray]
) -> None:
    plots.mistakes(tmp_path / "x.png", open_pack(data, "skies"), np.arange(5), np.eye(5), np.arange(5))
    assert samples == []
    assert drawn[0].get_suptitle() == "the surest of 0 mistakes among 5 test samples"


def test_a_short_sequence_is_drawn_without_its_padding(data: Path, tmp_path: Path, samples: list[np.ndarray]) -> None:
    pack = open_pack(data, "waves")
    rows = np.array([0, 5, 8])  # of 4, 9 and 12 steps
    plots.mistakes(tmp_path / "x.png", pack, rows, np.array([[0.5, 0.3, 0.2]] * 3), np.ones(3, int))
    assert [len(sample) for sample in samples] == [4, 9, 12]
