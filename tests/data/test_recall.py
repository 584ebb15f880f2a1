"""The memory task: a sample depends on its seed and number alone, and its class on the first steps alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overcast.config.options import Option
from overcast.core.errors import UserError
from overcast.data import build_dataset
from overcast.data.recall import CUE, Recall


def test_a_sample_depends_on_seed_and_number_alone() -> None:
    small, large, other = Recall(60), Recall(5000), Recall(60, seed=1)
    assert all((small.draw(i) == large.draw(i)).all() for i in (0, 7, 59))
    assert (small.draw(7) != other.draw(7)).all()
    assert (small.draw(7) != small.draw(11)).all()  # of the same class


def test_only_the_first_steps_tell_the_class() -> None:
    recall = Recall(400, length=9, classes=4, noise=0.3)
    x = np.stack([recall.draw(i) for i in range(400)])
    assert (x.shape, x.dtype) == ((400, 9, 5), np.float32)
    for k in range(4):
        expected = np.zeros((9, 5))
        expected[:CUE, k], expected[-1, 4] = 1, 1
        assert x[k::4].mean(0) == pytest.approx(expected, abs=0.15)  # five standard errors of a mean of 100
    assert (x[:, CUE:-1]).std() == pytest.approx(0.3, rel=0.03)


def test_fetch_samples_and_load(tmp_path: Path) -> None:
    recall = Recall(53, length=6, classes=12)
    recall.fetch(tmp_path, None)
    samples = recall.samples(tmp_path)
    assert len(samples) == 53
    assert [s.label for s in samples] == sorted(s.label for s in samples)
    for sample in samples:
        index = int(Path(sample.file).stem)
        assert int(sample.label) == index % 12
        assert (recall.load(tmp_path, sample) == recall.draw(index)).all()


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npy").write_text("no array")
    (tmp_path / "empty.npy").touch()
    np.save(tmp_path / "flat.npy", np.zeros(5))
    np.save(tmp_path / "words.npy", np.array([["a"]]))
    for path in tmp_path.iterdir():
        with pytest.raises(UserError, match="array of"):
            Recall().read(path)


@pytest.mark.parametrize(("option", "value"), [("length", CUE), ("noise", -0.1), ("n_samples", 10), ("classes", 1)])
def test_bad_options_are_named(option: str, value: Any) -> None:
    with pytest.raises(UserError, match=rf"data\.{option}={value}: "):
        build_dataset(Option.from_dict({"_target_": "overcast.data.recall.Recall", option: value}))
