"""Skies: synthetic weather pictures in five classes, drawn by this program alone.

What: cloudy, foggy, rainy, shine and sunrise over hills, towns and water. A class is a range for each of
eleven traits (cloud cover, haze, warmth, rain, sun ...); ``difficulty`` lets pictures stray from the ranges
of their class, and a camera with its own idea of exposure and white balance hides what a mean colour tells.
Expected: after 20 epochs without mitigation, test accuracy about 76 % for a small conv net (train 93 %), 59 %
and 50 % for deep and shallow fully connected ones; 27 % from the mean colour, 32 % from the best pixel.
Cost: 600 to 1,100 pictures of 64x64 a second on one core, 9 kB each as a PNG file.

Every picture depends on (seed, index) alone, and is the same on every machine (`overcast.data._sky_painter`).

    python pipelines/train.py data=skies model=cnn
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from overcast.core.cores import cores
from overcast.core.errors import UserError
from overcast.core.process_pool import in_fresh_processes
from overcast.core.progress import open_bar
from overcast.data import DataSet, Sample
from overcast.data._sky_painter import BLOCK, CLASSES, label_of, render
from overcast.readers import images

SHARE = 16 * BLOCK  # pictures that a process draws before it says so
FEW = 4000  # pictures, below which starting processes costs more than it gives

SHIFTS = {"fog": {1: 0.35, 3: 0.65, 5: 0.9}, "brightness": {1: 1.25, 3: 1.75, 5: 2.5}}
"""By severity: the share of the way to thick fog, and how many times too long the exposure is."""


class Skies(DataSet):
    """``n_samples`` pictures of ``size`` x ``size`` pixels; ``difficulty`` from 0 (plain) to 1 (often a guess)."""

    synthetic: ClassVar[bool] = True
    raw_options: ClassVar[tuple[str, ...]] = ("n_samples", "size", "difficulty", "seed")
    near_duplicates: ClassVar[bool] = False  # every picture is drawn afresh: none can be a copy of another

    def __init__(
        self,
        n_samples: Annotated[int, Field(ge=50, le=1_000_000)] = 1500,
        size: Annotated[int, Field(ge=16, le=256)] = 64,
        difficulty: Annotated[float, Field(ge=0, le=1)] = 0.5,
        seed: Annotated[int, Field(ge=0, lt=2**63)] = 0,
    ) -> None:
        self.n_samples, self.size, self.difficulty, self.seed = n_samples, size, float(difficulty), seed

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        for name in CLASSES:
            (raw / name).mkdir(parents=True, exist_ok=True)
        with open_bar(total=self.n_samples, desc="drawing skies", unit="picture", delay=2, disable=None) as progress:
            for drawn in self._drawn(raw):
                progress.update(drawn)

    def _drawn(self, raw: Path) -> Iterator[int]:
        """Draws all pictures, many of them on all cores; yields how many more there are."""
        share = BLOCK if self.n_samples < FEW else SHARE
        starts = range(0, self.n_samples, share)
        shares = (range(start, min(start + share, self.n_samples)) for start in starts)
        draw = partial(draw_files, raw, seed=self.seed, size=self.size, difficulty=self.difficulty)
        if self.n_samples < FEW or cores() == 1:
            yield from map(draw, shares)
            return
        try:
            yield from in_fresh_processes(cores(), draw, shares)
        except BrokenProcessPool:
            raise UserError("A process that draws pictures died, out of memory perhaps: run again.") from None

    def samples(self, raw: Path) -> list[Sample]:
        files = {name: sorted(path.name for path in (raw / name).glob("*.png")) for name in CLASSES}
        return [Sample(f"{name}/{file}", name) for name in CLASSES for file in files[name]]

    def read(self, path: Path) -> NDArray[np.uint8]:
        return images.read_image(path, size=self.size, channels=3)

    def shifted(self, files: Sequence[str], kind: str, severity: int) -> NDArray[np.uint8] | None:
        """The same scenes in fog that thickens with their depth, or overexposed; else as any picture is corrupted."""
        if kind not in SHIFTS:
            return None
        indices = [int(Path(file).stem) for file in files]
        change = {"fog" if kind == "fog" else "exposure": SHIFTS[kind][severity]}
        pictures = render(indices, seed=self.seed, size=self.size, difficulty=self.difficulty, **change)
        return pictures.transpose(0, 3, 1, 2)


def draw_files(raw: Path, indices: range, *, seed: int, size: int, difficulty: float) -> int:
    """Write the pictures of these indices as ``<class>/<index>.png``, block by block; how many that are."""
    for start in range(0, len(indices), BLOCK):
        block = indices[start : start + BLOCK]
        for index, picture in zip(block, render(block, seed=seed, size=size, difficulty=difficulty), strict=True):
            file = raw / CLASSES[label_of(index)] / f"{index:06d}.png"
            Image.fromarray(picture).save(file, compress_level=1)
    return len(indices)
