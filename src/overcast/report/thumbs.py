"""Samples as small pictures: one beside another, or a contact sheet of many."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np

from overcast.prepare.pack import Pack

SIDE = 64  # pixels


def thumb(pack: Pack, row: int) -> np.ndarray:
    """A picture as it is packed, or a sequence as a picture with time to the right: (h, w, 3) uint8."""
    x, _ = pack.gather(np.array([row]))
    if pack.spec.kind == "image":
        picture = x[0].transpose(1, 2, 0)
        found: np.ndarray = np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3)))
        return found
    values = x[0].T[::-1]  # (F, T), the first feature at the bottom
    low, high = values.min(), values.max()
    shades = mpl.colormaps["magma"]((values - low) / ((high - low) or 1))[..., :3]
    return np.ascontiguousarray(np.rint(255 * shades).astype(np.uint8))


def sized(picture: np.ndarray, side: int = SIDE) -> np.ndarray:
    """A picture as a square (side, side, 3)."""
    from PIL import Image

    near = Image.Resampling.NEAREST if max(picture.shape[:2]) < side else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(picture).resize((side, side), near))


def contact(pack: Pack, rows: np.ndarray, columns: int) -> np.ndarray:
    """These samples as one picture, on white."""
    down = -(-len(rows) // columns)
    sheet = np.full((down * (SIDE + 4), columns * (SIDE + 4), 3), 255, np.uint8)
    for place, row in enumerate(rows):
        top, left = (SIDE + 4) * (place // columns), (SIDE + 4) * (place % columns)
        sheet[top : top + SIDE, left : left + SIDE] = sized(thumb(pack, int(row)))
    return sheet


def words(pack: Pack, row: int) -> str:
    """The words of a sample of tokens."""
    x, _ = pack.gather(np.array([row]))
    return " ".join(pack.spec.decode(x[0]))
