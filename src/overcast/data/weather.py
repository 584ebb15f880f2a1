"""The weather photographs: cloudy, foggy, rainy, shine, sunrise; 1,500 of them, 1,269 in the mirror.

Source: GitHub ``niranjan4r/CNN_Weather_Classification`` (Kaggle ``vijaygiitk/multiclass-weather-dataset``).
Its augmented copies and its ``test_dataset`` overlap with the photographs and are left out.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
from pydantic import NonNegativeInt

from overcast.data import DataSet, Sample
from overcast.fetch.archives import fetch_archive
from overcast.fetch.manifest import verify
from overcast.readers import images

COMMIT = "17fc04aded1de9efaade05029f21f93d8b6b1be4"
URL = f"https://github.com/niranjan4r/CNN_Weather_Classification/archive/{COMMIT}.zip"
MANIFEST = Path(__file__).with_suffix(".sha256")
MEMBERS = re.compile(r"[^/]+/dataset/((?:cloudy|foggy|rainy|shine|sunrise)/(?!augmented_image_|\.)[^/]+)")
"""Which files of the archive are kept, and where: ``<archive>/dataset/cloudy/cloudy1.jpg`` → ``cloudy/cloudy1.jpg``."""


class Weather(DataSet):
    """Options: size, the side of the packed pictures in pixels; max_per_class, how many of each class (0: all)."""

    def __init__(self, size: images.Size = 64, max_per_class: NonNegativeInt = 0) -> None:
        self.size = size
        self.max_per_class = max_per_class

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        fetch_archive(URL, mirror, "weather5.zip", raw, MEMBERS)
        verify(raw, MANIFEST)

    def samples(self, raw: Path) -> list[Sample]:
        seen: Counter[str] = Counter()
        samples = []
        for path in sorted(raw.glob("*/*")):
            label = path.parent.name
            seen[label] += 1
            if not self.max_per_class or seen[label] <= self.max_per_class:
                samples.append(Sample(f"{label}/{path.name}", label))
        return samples

    def read(self, path: Path) -> np.ndarray:
        return images.read_image(path, self.size, channels=3)
