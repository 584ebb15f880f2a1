"""What a picture looks like, as near-duplicates are judged by it: perceptual hash, fine structure, colours, ground.

A mirrored picture is not looked at: scaled and mirrored, in either order, is the same (to the rounding of sizes that no
factor of 32 divides), so its hash comes from the mirrored 32×32 greys that the plain hash is made of, its structure and
colours are the plain ones, mirrored.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SIDE = 32  # pixels, of the greys that hash and structure are made of
LOW = 8  # frequencies each way in the hash
GRID = 4  # colours each way
BLOCK = 1024  # pictures in memory at once
LEVELS = 5  # neighbouring greys, of 256, that count as one: saving as JPEG blurs a ground by about as many
PLAIN = 0.3  # of a picture in one such grey: drawings have 0.6 and more, of the weather's photographs one in fifty this


@dataclass(frozen=True)
class PictureFeatures:
    """Of N pictures: 81 bytes of each in memory, the structure in a file that is gone with this object.

    hash, mirrored_hash: (N,) uint64. structure: (N, 32, 32) float32 of unit norm. colour: (N, 4, 4, C) uint8.
    plain: (N,) bool, whether it shows something on a ground of one grey.
    """

    hash: np.ndarray
    mirrored_hash: np.ndarray
    structure: np.ndarray
    colour: np.ndarray
    plain: np.ndarray


def picture_features(pictures: np.ndarray, rows: np.ndarray, scratch: Path | None = None) -> PictureFeatures:
    """The features of these rows of pictures (·, C, H, W) uint8, which are read in blocks.

    scratch: the folder for the file of structures; the system's for temporary files where there is none.
    """
    number = len(rows)
    hashes = np.empty((2, number), np.uint64)
    colour = np.empty((number, GRID, GRID, pictures.shape[1]), np.uint8)
    plain = np.empty(number, bool)
    with tempfile.TemporaryFile(dir=scratch) as file:
        for start in range(0, number, BLOCK):
            block = slice(start, start + BLOCK)
            to_hash, boxes, colour[block] = _scaled(pictures[rows[block]])
            hashes[0, block], hashes[1, block] = _hash(to_hash), _hash(np.ascontiguousarray(to_hash[:, :, ::-1]))
            plain[block] = _ground(boxes) >= PLAIN
            file.write(_structure(boxes).tobytes())
        file.flush()
        structure = (
            np.memmap(file, np.float32, "r", shape=(number, SIDE, SIDE)) if number else np.empty((0, SIDE, SIDE))
        )
    return PictureFeatures(hashes[0], hashes[1], structure, colour, plain)


def _scaled(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Greys (B, 32, 32) as the hash scales them, greys (B, 32, 32) float32 and colours (B, 4, 4, C) as means."""
    from PIL import Image

    number, channels = pictures.shape[:2]
    to_hash, greys = np.empty((number, SIDE, SIDE), np.uint8), np.empty((number, SIDE, SIDE), np.float32)
    colour = np.empty((number, GRID, GRID, channels), np.uint8)
    for row, pixels in enumerate(pictures):
        image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0) if channels == 3 else pixels[0]))
        grey = image.convert("L")
        to_hash[row] = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
        greys[row] = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BOX))
        colour[row] = np.asarray(image.resize((GRID, GRID), Image.Resampling.BOX)).reshape(GRID, GRID, channels)
    return to_hash, greys, colour


def _hash(greys: np.ndarray) -> np.ndarray:
    """The pHash (B,) uint64 of greys (B, 32, 32), bit by bit that of the imagehash library (Zauner 2010)."""
    from scipy.fftpack import dct

    low = dct(dct(greys, axis=1), axis=2)[:, :LOW, :LOW].reshape(len(greys), -1)
    bits = low > np.median(low, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(np.uint64)[:, 0]


def _ground(greys: np.ndarray) -> np.ndarray:
    """The share (B,) of greys (B, 32, 32) in the most frequent `LEVELS` neighbouring ones of 256."""
    levels = np.rint(greys).astype(np.int64).reshape(len(greys), -1)
    own = levels + 256 * np.arange(len(levels))[:, None]  # each picture counts apart
    count = np.bincount(own.ravel(), minlength=256 * len(levels)).reshape(-1, 256)
    windows = np.lib.stride_tricks.sliding_window_view(count, LEVELS, axis=1).sum(-1)  # (B, 252)
    share: np.ndarray = windows.max(1) / levels.shape[1]
    return share


def _structure(greys: np.ndarray) -> np.ndarray:
    """What is finer than the large shapes in greys (B, 32, 32), and fades at the edges."""
    from scipy.ndimage import gaussian_filter

    fine = gaussian_filter(greys, (0, 0.5, 0.5)) - gaussian_filter(greys, (0, 3, 3))
    window = np.sqrt(np.hanning(SIDE + 2)[1:-1])  # edges differ in crops, and would ring
    fine *= np.outer(window, window).astype(np.float32)
    norm = np.sqrt((fine**2).sum((1, 2), keepdims=True))
    unit: np.ndarray = fine / np.maximum(norm, 1.0)
    return unit
