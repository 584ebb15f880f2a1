"""Pictures that show the same thing, so that a split never puts one in training and its twin in the test.

Exact ones share a hash. Near ones (saved again, recoloured, cropped, mirrored) are found by
perceptual hash (pHash: Zauner 2010) and confirmed by two other measures: the hash
of a plain sky is mostly chance, and a loose hash alone would chain hundreds of skies into one group.

The thresholds were chosen by looking at the weather photographs. Up to 6 of 64 bits every pair was the same
photograph. At 8 to 16 bits crops and mirrored copies mix with other suns over other horizons; the copies have
the fine structure and the colours in common, the others at most one of the two.

A plain shape on a plain ground has too little structure for that: moved, it fits every other one of its kind. So such
pictures count as copies only where they fit unmoved, as those do that were saved again, resized or recoloured.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from overcast.core.cores import cores
from overcast.prepare.close_hashes import CloseHashes
from overcast.prepare.picture_features import SIDE, PictureFeatures, picture_features

BITS = 16  # of 64 in the perceptual hash may differ
ALIGNED = 0.7  # correlation of fine structure when the colours agree
SURE = 0.9  # the same, when the colours may have been changed
UNMOVED = 0.95  # the same, of pictures on a plain ground: copies have 0.99 and more, other shapes seldom 0.9
COLOUR = 13.0  # of 255, mean difference over a 4×4 grid
SHIFT = 6  # of 32 pixels that a crop may have moved things by
PADDED = (
    SIDE + SHIFT + 2,
) * 2  # what is moved so far does not come in again at the other side; 40 is quick to transform
BLOCK = 1024  # pairs in memory at once


def exact(hashes: Sequence[str]) -> np.ndarray:
    """Pairs (P, 2) of rows with the same hash: each later one with the first of its kind."""
    first: dict[str, int] = {}
    pairs = [(earlier, row) for row, text in enumerate(hashes) if (earlier := first.setdefault(text, row)) != row]
    return np.array(pairs, np.int64).reshape(-1, 2)


def near(
    pictures: np.ndarray, rows: np.ndarray | None = None, scratch: Path | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Near-duplicates among pictures (N, C, H, W) uint8: pairs (P, 2), the bits (P,) that they differ by.

    rows: of which pictures, all where None; the pairs are places in it. scratch: a folder for 4 kB a picture, as
    `picture_features` takes it. The search is exact, so what it takes grows with the pairs of hashes that are close: 7
    in 100,000 of all pairs by chance, ten times as many of photographs of skies.
    """
    rows = np.arange(len(pictures)) if rows is None else rows
    features = picture_features(pictures, rows, scratch)
    found = [_near(features, mirrored) for mirrored in (False, True)]
    pairs, distance = (np.concatenate(both) for both in zip(*found, strict=True))
    order = np.lexsort((distance, pairs[:, 1], pairs[:, 0]))
    once, first = np.unique(pairs[order], axis=0, return_index=True)  # symmetric pictures are found both ways
    return once, distance[order][first]


def _near(features: PictureFeatures, mirrored: bool) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (P, 2) of pictures, the later one mirrored or not, and the bits (P,) that they differ by."""
    theirs = features.mirrored_hash if mirrored else features.hash
    search = CloseHashes(features.hash, theirs, BITS)
    pool = ThreadPoolExecutor(cores())
    try:
        found = list(pool.map(partial(_confirmed, features, mirrored, search), search.tasks()))
    finally:
        pool.shutdown(cancel_futures=True)
    pairs = np.concatenate([np.empty((0, 2), np.int64), *found])
    i, j = pairs.T
    return pairs, np.bitwise_count(features.hash[i] ^ theirs[j]).astype(np.int64)


def _confirmed(features: PictureFeatures, mirrored: bool, search: CloseHashes, task: tuple[int, int]) -> np.ndarray:
    """The pairs (P, 2) of one task of the search that show the same thing."""
    confirmed = [np.empty((0, 2), np.int64)]
    for close in search.pairs(task):
        for start in range(0, len(close), BLOCK):
            pairs = close[start : start + BLOCK]
            confirmed.append(pairs[_are_duplicates(features, mirrored, pairs)])
    return np.concatenate(confirmed)


def components(number: int, pairs: np.ndarray) -> np.ndarray:
    """The group (number,) of each row when the rows of every pair (P, 2) belong together, numbered from 0."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(number, number))
    return np.asarray(connected_components(links, directed=False)[1], np.int64)


def _are_duplicates(features: PictureFeatures, mirrored: bool, pairs: np.ndarray) -> np.ndarray:
    """Whether the pairs (P, 2) of pictures, the later ones mirrored or not, show the same thing: bool (P,)."""
    from scipy.fft import irfft2, rfft2

    i, j = pairs.T
    structure, colour = features.structure[j], features.colour[j]
    if mirrored:
        structure, colour = structure[:, :, ::-1], colour[:, :, ::-1]
    spectrum = rfft2(features.structure[i], PADDED) * rfft2(structure, PADDED).conj()
    moved = irfft2(spectrum, PADDED)  # (P, 40, 40): correlation at each shift, negative shifts at the far end
    shifts = np.arange(-SHIFT, SHIFT + 1)
    aligned = moved[:, shifts[:, None], shifts].max((1, 2))
    difference = np.abs(features.colour[i] - colour.astype(np.float32)).mean((1, 2, 3))
    alike = (aligned >= SURE) | ((aligned >= ALIGNED) & (difference <= COLOUR))
    return np.asarray(np.where(features.plain[i] | features.plain[j], moved[:, 0, 0] >= UNMOVED, alike))
