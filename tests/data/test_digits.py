"""The digits of scikit-learn, unchanged by their way through PNG files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from overcast.data.digits import Digits


def test_files_give_back_every_value(tmp_path: Path) -> None:
    dataset = Digits()
    dataset.fetch(tmp_path, None)
    samples = dataset.samples(tmp_path)
    images, digits = load_digits(return_X_y=True)
    row = [int(Path(sample.file).stem) for sample in samples]
    pixels = np.stack([dataset.load(tmp_path, sample) for sample in samples])
    assert pixels.shape == (1797, 1, 8, 8)
    assert (np.rint(pixels.reshape(-1, 64) * (16 / 255)) == images[row]).all()
    assert [int(sample.label) for sample in samples] == digits[row].tolist()
