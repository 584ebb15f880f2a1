"""Fashion-MNIST: 70,000 pieces of clothing in ten classes, 28×28 grey, with an official test part of 10,000.

Source: GitHub ``zalandoresearch/fashion-mnist`` (Xiao, Rasul & Vollgraf, "Fashion-MNIST: a novel image dataset for
benchmarking machine learning algorithms", 2017, arXiv:1708.07747). Packing takes 20 s on two slow cores and 300 MB of
memory; there is no exact duplicate in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import NonNegativeInt

from overcast.core.errors import UserError
from overcast.data import DataSet, Sample
from overcast.fetch.archives import gunzip
from overcast.fetch.manifest import verify
from overcast.fetch.source import get_archive
from overcast.readers import images

URL = "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"
MANIFEST = Path(__file__).with_suffix(".sha256")
PARTS = {"train": "train", "t10k": "test"}
"""How the files of each part begin."""
CLASSES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
MOST = 1 << 26  # bytes that one file unpacks to; the largest has 47 million
SIDE = 28  # pixels


class Fashion(DataSet):
    """Options: max_per_class, how many of each class in the train part, and in the test part (0: all).

    Pieces of clothing are bright on black; a user's own picture should be so too. Near-duplicates are not
    looked for: at 28×28 grey pixels, one pair of trousers looks like many another.
    """

    near_duplicates: ClassVar[bool] = False

    def __init__(self, max_per_class: NonNegativeInt = 0) -> None:
        self.max_per_class = max_per_class
        self._images: dict[Path, np.ndarray] = {}

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        for start in PARTS:
            for name in (f"{start}-images-idx3-ubyte.gz", f"{start}-labels-idx1-ubyte.gz"):
                packed = get_archive(URL + name, mirror, name, raw)
                gunzip(packed, raw, MOST)
                packed.unlink()
        verify(raw, MANIFEST)

    def samples(self, raw: Path) -> list[Sample]:
        samples = []
        for start, part in PARTS.items():
            labels = read_idx(raw / f"{start}-labels-idx1-ubyte")
            seen = np.zeros(len(CLASSES), int)
            for row, label in enumerate(labels.tolist()):
                seen[label] += 1
                if not self.max_per_class or seen[label] <= self.max_per_class:
                    samples.append(Sample(f"{start}/{row:05d}", CLASSES[label], part=part))
        return samples

    def read(self, path: Path) -> np.ndarray:
        return images.read_image(path, SIDE, channels=1)

    def load(self, raw: Path, sample: Sample) -> np.ndarray:
        start, _, row = sample.file.partition("/")
        path = raw / f"{start}-images-idx3-ubyte"
        if path not in self._images:  # once a process, so that 70,000 rows are no 70,000 files
            self._images[path] = read_idx(path)  # (N, H, W)
        image: np.ndarray = self._images[path][int(row)]
        return image[None]  # (1, H, W)


def read_idx(path: Path) -> np.ndarray:
    """An idx file of bytes as an array, mapped into memory; none of the libraries here reads one.

    The format: two zero bytes, 8 for unsigned bytes, the number of axes, each axis' length as a big-endian
    int32, and the values.

    Raises: UserError if the file is none of these, or not as long as it says.
    """
    try:
        content = np.memmap(path, np.uint8, "r")
        axes = int(content[3])
        shape = content[4 : 4 + 4 * axes].view(">i4").tolist()
        if bytes(content[:3]) != b"\0\0\x08" or len(shape) != axes:
            raise ValueError("another format")
        return np.asarray(content[4 + 4 * axes :]).reshape(shape)
    except (OSError, ValueError, IndexError):
        raise UserError(
            f"{path} is missing or damaged: run `python pipelines/download.py data=fashion` again."
        ) from None
