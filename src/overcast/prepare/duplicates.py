"""Pictures that show the same thing, so that a split never puts one in training and its twin in the test.

Exact ones share a hash. Near ones (saved again, recoloured, cropped, mirrored) are found by
perceptual hash (pHash: Zauner 2010, by the imagehash library) and confirmed by two other measures: the hash
of a plain sky is mostly chance, and a loose hash alone would chain hundreds of skies into one group.

The thresholds were chosen by looking at the weather photographs. Up to 6 of 64 bits every pair was the same
photograph. At 8 to 16 bits crops and mirrored copies mix with other suns over other horizons; the copies have
the fine structure and the colours in common, the others at most one of the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

BITS = 16  # of 64 in the perceptual hash may differ
ALIGNED = 0.7  # correlation of fine structure when the colours agree
SURE = 0.9  # the same, when the colours may have been changed
COLOUR = 13.0  # of 255, mean difference over a 4×4 grid
SHIFT = 6  # of 32 pixels that a crop may have moved things by
BLOCK = 1024  # pictures, or pairs, in memory at once


@dataclass(frozen=True)
class PictureFeatures:
    """What pairs are judged by: hash (N,) uint64, structure (N, 32, 32) of unit norm, colour (N, 4, 4, C)."""

    hash: np.ndarray
    structure: np.ndarray
    colour: np.ndarray


def exact(hashes: Sequence[str]) -> np.ndarray:
    """Pairs (P, 2) of rows with the same hash: each later one with the first of its kind."""
    first: dict[str, int] = {}
    pairs = [(first.setdefault(text, row), row) for row, text in enumerate(hashes)]
    return np.array([pair for pair in pairs if pair[0] != pair[1]], np.int64).reshape(-1, 2)


def near(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Near-duplicates among pictures (N, C, H, W) uint8: pairs of rows (P, 2), the bits (P,) they differ by.

    Takes N² / 2 comparisons of 8 bytes: seconds for 10,000 pictures, in blocks of bounded memory.
    """
    plain, mirrored = _picture_features(pictures, mirror=False), _picture_features(pictures, mirror=True)
    pairs, bits = [np.empty((0, 2), np.int64)], [np.empty(0, np.int64)]
    for other in (plain, mirrored):
        for candidates in _candidate_pairs(plain.hash, other.hash):
            confirmed = _are_duplicates(plain, other, candidates)
            pairs.append(candidates[confirmed])
            i, j = candidates[confirmed].T
            bits.append(np.bitwise_count(plain.hash[i] ^ other.hash[j]).astype(np.int64))
    rows, distance = np.concatenate(pairs), np.concatenate(bits)
    order = np.lexsort((distance, rows[:, 1], rows[:, 0]))
    once, first = np.unique(rows[order], axis=0, return_index=True)  # symmetric pictures are found both ways
    return once, distance[order][first]


def components(number: int, pairs: np.ndarray) -> np.ndarray:
    """The group (number,) of each row when the rows of every pair (P, 2) belong together, numbered from 0."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(number, number))
    return np.asarray(connected_components(links, directed=False)[1], np.int64)


def _picture_features(pictures: np.ndarray, mirror: bool) -> PictureFeatures:
    """What pictures (N, C, H, W) look like, or their mirror images."""
    import imagehash
    from PIL import Image
    from scipy.ndimage import gaussian_filter

    number, channels = pictures.shape[:2]
    hashes = np.empty((number, 64), bool)
    greys, colours = np.empty((number, 32, 32), np.float32), np.empty((number, 4, 4, channels), np.float32)
    for row, pixels in enumerate(pictures):
        pixels = pixels[:, :, ::-1] if mirror else pixels
        image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0) if channels == 3 else pixels[0]))
        hashes[row] = imagehash.phash(image).hash.ravel()
        greys[row] = np.asarray(image.convert("L").resize((32, 32), Image.Resampling.BOX))
        colours[row] = np.asarray(image.resize((4, 4), Image.Resampling.BOX)).reshape(4, 4, channels)
    fine = gaussian_filter(greys, (0, 0.5, 0.5)) - gaussian_filter(greys, (0, 3, 3))
    window = np.sqrt(np.hanning(34)[1:-1])  # edges differ in crops, and would ring
    fine *= np.outer(window, window).astype(np.float32)
    norm = np.sqrt((fine**2).sum((1, 2), keepdims=True))
    return PictureFeatures(np.packbits(hashes, axis=1).view(np.uint64)[:, 0], fine / np.maximum(norm, 1.0), colours)


def _candidate_pairs(a: np.ndarray, b: np.ndarray) -> Iterator[np.ndarray]:
    """Blocks (P, 2), P ≤ BLOCK, of rows i < j whose hashes a[i] and b[j] differ by few bits."""
    for start in range(0, len(a), BLOCK):
        bits = np.bitwise_count(a[start : start + BLOCK, None] ^ b[None, start:])  # (BLOCK, N - start)
        i, j = np.nonzero(bits <= BITS)
        pairs = np.stack([i, j], axis=1)[i < j] + start
        yield from (pairs[k : k + BLOCK] for k in range(0, len(pairs), BLOCK))


def _are_duplicates(a: PictureFeatures, b: PictureFeatures, pairs: np.ndarray) -> np.ndarray:
    """Whether the pairs (P, 2) show the same thing: bool (P,)."""
    from scipy.fft import irfft2, rfft2

    i, j = pairs.T
    spectrum = rfft2(a.structure[i], (64, 64)) * rfft2(b.structure[j], (64, 64)).conj()
    moved = irfft2(spectrum, (64, 64))  # (P, 64, 64): correlation at each shift, negative shifts at the far end
    shifts = np.arange(-SHIFT, SHIFT + 1)
    aligned = moved[:, shifts[:, None], shifts].max((1, 2))
    colour = np.abs(a.colour[i] - b.colour[j]).mean((1, 2, 3))
    return np.asarray((aligned >= SURE) | ((aligned >= ALIGNED) & (colour <= COLOUR)))
