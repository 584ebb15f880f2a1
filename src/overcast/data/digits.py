"""Handwritten digits, 1,797 of 8×8 grey pixels: they come with scikit-learn, so this one needs no network.

Source: UCI, "Optical Recognition of Handwritten Digits" (Alpaydin & Kaynak 1998), from
``sklearn.datasets.load_digits``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from overcast.data import DataSet, Sample
from overcast.readers import images

TOP = 16  # the largest grey value in the source


class Digits(DataSet):
    """No options. Near-duplicates are not looked for: at 8×8 pixels, any two zeros look alike."""

    near_duplicates = False

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        from PIL import Image
        from sklearn.datasets import load_digits

        pictures, digits = load_digits(return_X_y=True)
        for row, (picture, digit) in enumerate(zip(pictures.reshape(-1, 8, 8), digits, strict=True)):
            folder = raw / str(digit)
            folder.mkdir(exist_ok=True)
            grey = np.rint(picture * (255 / TOP)).astype(np.uint8)  # (8, 8); np.rint(grey * 16 / 255) gives it back
            Image.fromarray(grey).save(folder / f"{row:04d}.png")

    def samples(self, raw: Path) -> list[Sample]:
        return [Sample(f"{path.parent.name}/{path.name}", path.parent.name) for path in sorted(raw.glob("*/*.png"))]

    def read(self, path: Path) -> np.ndarray:
        return images.read_image(path, size=8, channels=1)
