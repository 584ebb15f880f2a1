"""The patterns in the plane: what divides them, and that a sample depends on its seed and number alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from overcast.config.options import Option
from overcast.core.errors import UserError
from overcast.data import build_dataset
from overcast.data.points import TURNS, Points

LABELS = np.arange(400) % 2


def drawn(pattern: Any, noise: float = 0) -> np.ndarray:
    points = Points(400, pattern, noise)
    return np.stack([points.draw(i)[0] for i in range(400)])


def test_a_sample_depends_on_seed_and_number_alone() -> None:
    small, large, other = Points(60), Points(5000), Points(60, seed=1)
    assert all((small.draw(i) == large.draw(i)).all() for i in (0, 7, 59))
    assert (small.draw(7) != other.draw(7)).all()
    assert (small.draw(7).shape, small.draw(7).dtype) == ((1, 2), np.float32)


def test_the_patterns_are_what_they_are_called() -> None:
    x, y = drawn("xor").T
    assert ((x * y < 0) == LABELS).all()
    radius = np.hypot(*drawn("circles").T)
    assert ((radius > 0.5) == LABELS).all()
    points = drawn("spirals")
    angle = np.arctan2(points[:, 1], points[:, 0]) - 2 * np.pi * TURNS * np.hypot(*points.T)
    assert ((np.cos(angle) < 0) == LABELS).all()
    assert np.abs(drawn("xor", 0.1) - drawn("xor")).std() == pytest.approx(0.06, abs=0.01)  # of a half normal


@pytest.mark.parametrize("pattern", ["xor", "circles", "spirals"])
def test_no_line_divides_them(pattern: str) -> None:
    points = drawn(pattern, 0.05)
    assert LogisticRegression().fit(points, LABELS).score(points, LABELS) < 0.75


def test_files_give_back_the_points(tmp_path: Path) -> None:
    points = Points(50)
    points.fetch(tmp_path, None)
    samples = points.samples(tmp_path)
    assert len(samples) == 50
    for sample in samples:
        index = int(Path(sample.file).stem)
        assert sample.label == ("blue", "orange")[index % 2]
        assert (points.load(tmp_path, sample) == points.draw(index)).all()


@pytest.mark.parametrize(("option", "value"), [("pattern", "moons"), ("noise", -0.1), ("n_samples", 10)])
def test_bad_options_are_named(option: str, value: Any) -> None:
    with pytest.raises(UserError, match=rf"data\.{option}={value}: "):
        build_dataset(Option.from_dict({"_target_": "overcast.data.points.Points", option: value}))
