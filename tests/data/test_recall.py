"""The class is told by the first step and by nothing else; each sequence depends on seed and index alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overcast.data.recall import Recall
from overcast.errors import UserError
from overcast.options import dataset
from overcast.prepare.fetch import download
from overcast.prepare.pack import open_pack, pack

SMALL: dict[str, Any] = {"number": 60, "length": 7, "classes": 3, "noise": 0.1, "seed": 5}


def test_the_first_step_tells_the_class_and_the_others_nothing() -> None:
    drawn = Recall(number=600, classes=4, noise=0.1)
    x = np.stack([drawn.sequence(index) for index in range(600)])  # (N, T, F)
    y = np.arange(600) % 4
    assert (x[:, 0].argmax(1) == y).all()
    later = np.stack([x[y == label, 1:].mean((0, 1)) for label in range(4)])
    assert np.abs(later).max() < 0.01


def test_a_sequence_depends_on_seed_and_index_alone() -> None:
    few, many = Recall(number=50, seed=1), Recall(number=500, seed=1)
    assert np.array_equal(few.sequence(49), many.sequence(49))
    assert not np.array_equal(few.sequence(0), few.sequence(4))
    assert not np.array_equal(few.sequence(0), Recall(number=50, seed=2).sequence(0))


def test_packed(tmp_path: Path) -> None:
    made = Recall(**SMALL)
    download("recall", made, tmp_path, None)
    pack("recall", made, SMALL, tmp_path)
    found = open_pack(tmp_path, "recall", SMALL)
    assert (found.spec.kind, found.spec.shape) == ("sequence", (7, 3))
    assert found.spec.classes == ("class 0", "class 1", "class 2")
    x, length = found.gather(np.array([4]))
    assert np.array_equal(x[0], made.sequence(4))
    assert length.tolist() == [7]


def test_a_file_to_label(tmp_path: Path) -> None:
    made = Recall(**SMALL)
    np.save(tmp_path / "good.npy", made.sequence(0))
    assert np.array_equal(made.read(tmp_path / "good.npy"), made.sequence(0))
    np.save(tmp_path / "flat.npy", np.zeros(3))
    (tmp_path / "text.npy").write_text("no")
    for name, said in (("flat", r"its shape is \(3,\), not \(steps, 3\)"), ("text", "not a .npy file")):
        with pytest.raises(UserError, match=said):
            made.read(tmp_path / f"{name}.npy")


@pytest.mark.parametrize(("option", "value"), [("length", 1), ("classes", 1), ("noise", 2.0), ("number", 3)])
def test_impossible_options_are_refused(option: str, value: float) -> None:
    with pytest.raises(UserError, match=f"data.{option}={value}: Input should be"):
        dataset({"_target_": "overcast.data.recall.Recall", option: value})
