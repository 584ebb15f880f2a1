"""Words are coloured by what they say, and nothing in a file's name or a word becomes part of the page."""

from __future__ import annotations

import numpy as np
import pytest

from overcast.core.spec import Spec
from overcast.explain import figures
from overcast.explain.colour_bar import ColourScale
from overcast.explain.figures import attribution_figures, coloured, describe_prediction
from overcast.explain.samples import ExplainedSample
from overcast.html.page import Image, Paragraph


def test_red_speaks_for_and_blue_against() -> None:
    marked = str(coloured(["good", "<b>", "bad"], np.array([2.0, 0.0, -1.0])))
    assert "&lt;b&gt;" in marked
    assert "<b>" not in marked
    shades = [tuple(int(code[i : i + 2], 16) for i in (0, 2, 4)) for code in marked.split("#")[1:]]
    (good, none, bad) = [(red, blue) for red, _, blue in shades]
    assert good[0] > good[1]
    assert bad[1] > bad[0]
    assert min(none) > 240
    assert all(sum(shade) > 300 for shade in shades)  # black on it can be read


@pytest.mark.parametrize(
    ("spec", "raw", "shapes"),
    [
        (Spec("image", (1, 8, 8), ("a", "b")), np.zeros((1, 8, 8), np.uint8), {"occlusion": (8, 8), "cam": (8, 8)}),
        (Spec("sequence", (5, 3), ("a", "b")), np.zeros((5, 3), np.float32), {"occlusion": (5,), "bands": (3,)}),
        (
            Spec("sequence", (5, 3), ("a", "b")),
            np.zeros((5, 3), np.float32),
            {"occlusion": (5,), "bands": (3,), "gradients": (5, 3)},
        ),
        (
            Spec("tokens", (3,), ("a", "b"), ("x",)),
            np.array([2, 1, 2], np.int32),
            {"occlusion": (3,), "gradients": (3,)},
        ),
    ],
)
def test_every_kind_is_drawn(spec: Spec, raw: np.ndarray, shapes: dict[str, tuple[int, ...]]) -> None:
    sample = ExplainedSample("<i>.png", raw, 0, np.array([0.2, 0.8]))
    parts = attribution_figures(spec, sample, 0, {name: np.zeros(shape) for name, shape in shapes.items()}, "x.png")
    assert [part.file for part in parts if isinstance(part, Image)] == ["x.png"]
    for part in parts:
        assert not isinstance(part, Paragraph) or "<i>" not in part.text


def test_what_is_said_of_a_sample() -> None:
    spec, p = Spec("image", (1, 8, 8), ("a", "b")), np.array([0.2, 0.8])
    raw = np.zeros((1, 8, 8), np.uint8)
    assert describe_prediction(spec, ExplainedSample("f", raw, 1, p), 1) == "f: rightly taken for b (80%)"
    assert describe_prediction(spec, ExplainedSample("f", raw, 0, p), 1) == "f: is a, taken for b (80%); for b"
    assert describe_prediction(spec, ExplainedSample("f", raw, None, p), 1) == "f: taken for b (80%)"


def test_colours_of_maps_have_bars_and_maps_of_nothing_are_grey(monkeypatch: pytest.MonkeyPatch) -> None:
    bars, words = list[ColourScale](), list[str]()
    monkeypatch.setattr(figures, "bar_below", lambda axes, scale: bars.append(scale))
    monkeypatch.setattr(figures, "draw_nothing", lambda axes, why: words.append(why))
    spec, raw = Spec("image", (1, 8, 8), ("a", "b")), np.zeros((1, 8, 8), np.uint8)
    sample = ExplainedSample("f", raw, 0, np.array([0.2, 0.8]))
    ramp = np.linspace(-0.2, 0.4, 64).reshape(8, 8)
    attribution_figures(spec, sample, 0, {"occlusion": ramp, "gradients": ramp, "cam": ramp.clip(0)}, "x.png")
    assert [(bar.unit, bar.labels[0], bar.labels[-1]) for bar in bars] == [
        ("probability lost", "−40%", "40%"),
        ("added to the logit", "−0.39", "0.39"),
        ("gradient × response", "0", "0.4"),
    ]
    assert bars[2].colours[0] == pytest.approx(1, abs=0.05)  # white where nothing speaks for the class
    assert not words
    attribution_figures(spec, sample, 0, {"occlusion": ramp / 100, "cam": np.zeros((8, 8))}, "x.png")
    assert words == ["nothing:\nunder 0.5%\neverywhere", "nothing:\nthe same\neverywhere"]


def test_sequences_have_colour_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    bars = list[str]()
    monkeypatch.setattr(figures, "_constrained_bar", lambda *given: bars.append(given[-1]))
    spec = Spec("sequence", (5, 3), ("a", "b"))
    sample = ExplainedSample("f", np.eye(5, 3, dtype=np.float32), 0, np.array([0.2, 0.8]))
    maps = {"occlusion": np.ones(5), "bands": np.ones(3), "gradients": np.eye(5, 3)}
    attribution_figures(spec, sample, 0, maps, "x.png")
    assert bars == ["value as packed", "added to the logit"]


def test_a_long_text_is_cut_and_the_words_that_say_most_are_bars() -> None:
    words = [f"w{i}" for i in range(200)]
    spec = Spec("tokens", (200,), ("a", "b"), tuple(words))
    sample = ExplainedSample("f", np.arange(2, 202), 0, np.array([0.2, 0.8]))
    values = np.zeros(200)
    values[150] = 1
    sentence, image = attribution_figures(spec, sample, 0, {"occlusion": values}, "x.png")
    assert isinstance(sentence, Paragraph)
    assert "… and 80 more words" in sentence.text
    assert "+1" in sentence.text  # the deepest colour's number
    assert isinstance(image, Image)
    assert image.caption == "The 40 words of 200 that say most."
    assert 150 in figures._strongest(words, {"occlusion": values})
