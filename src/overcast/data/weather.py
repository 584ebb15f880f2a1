"""The weather photographs: cloudy, foggy, rainy, shine, sunrise; 1,500 of them, 1,269 in the mirror.

Source: GitHub ``niranjan4r/CNN_Weather_Classification`` (Kaggle ``vijaygiitk/multiclass-weather-dataset``).
Its augmented copies and its ``test_dataset`` overlap with the photographs and are left out.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np

from overcast.data import DataSet, Sample

COMMIT = "17fc04aded1de9efaade05029f21f93d8b6b1be4"
URL = f"https://github.com/niranjan4r/CNN_Weather_Classification/archive/{COMMIT}.zip"
MANIFEST = Path(__file__).with_suffix(".sha256")
WANTED = re.compile(r"[^/]+/dataset/((?:cloudy|foggy|rainy|shine|sunrise)/(?!augmented_image_|\.)[^/]+)")


class Weather(DataSet):
    """Options: size, the side of the packed pictures in pixels; limit, how many of each class (0: all)."""

    def __init__(self, size: int = 64, limit: int = 0) -> None:
        self.size = size
        self.limit = limit

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        from overcast.prepare import fetch

        archive = fetch.archive(URL, mirror, "weather5.zip", raw)
        fetch.unpack(archive, raw, wanted)
        archive.unlink()
        fetch.verify(raw, MANIFEST)

    def samples(self, raw: Path) -> list[Sample]:
        seen: Counter[str] = Counter()
        samples = []
        for path in sorted(raw.glob("*/*")):
            label = path.parent.name
            seen[label] += 1
            if not self.limit or seen[label] <= self.limit:
                samples.append(Sample(f"{label}/{path.name}", label))
        return samples

    def read(self, path: Path) -> np.ndarray:
        from overcast.prepare import pictures

        return pictures.read(path, self.size, channels=3)


def wanted(member: str) -> str | None:
    """``<archive>/dataset/cloudy/cloudy1.jpg`` → ``cloudy/cloudy1.jpg``; None for what is left out."""
    match = WANTED.fullmatch(member)
    return match and match[1]
