"""Words are coloured by what they say, and nothing in a file's name or a word becomes part of the page."""

from __future__ import annotations

import numpy as np
import pytest

from overcast.core.spec import Spec
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
