"""Any picture file as a small array, or one short reason why not."""

from __future__ import annotations

import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from overcast.core.errors import UserError

if TYPE_CHECKING:
    from PIL import Image

SMALLEST = 8  # pixels a side; below this a photograph says nothing
LARGEST = 150_000_000  # pixels in all; decoded, that is half a gigabyte


class TooSmall(UserError):
    """A picture with too few pixels to be worth learning from."""


def read_image(path: Path, size: int, channels: int) -> np.ndarray:
    """The picture as (C, size, size) uint8, upright, squashed to a square, transparency on white.

    channels: 1 (grey) or 3 (RGB).

    Raises: UserError (`TooSmall` for less than 8 pixels a side) whose text is a short reason without the file's
    name: the caller has that.
    """
    if channels not in (1, 3):
        raise UserError(f"data.channels={channels}: pictures have 1 channel (grey) or 3 (colour)")
    from PIL import Image, UnidentifiedImageError

    try:
        if path.stat().st_size == 0:
            raise UserError("an empty file (0 bytes)")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a doubtful file is either read or reported, nothing in between
            with Image.open(path) as image:
                return _pixels(image, size, channels)
    except (UserError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise UserError("not a picture, or of a format that Pillow cannot read") from None
    except Image.DecompressionBombError:
        raise UserError(f"more than {LARGEST:,} pixels") from None
    except FileNotFoundError:
        raise UserError("no such file") from None
    except Exception as error:  # decoders raise nearly everything: OSError, SyntaxError, struct.error, ...
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"damaged or cut short ({reason})") from None


def _pixels(image: Image.Image, size: int, channels: int) -> np.ndarray:
    from PIL import Image, ImageOps

    width, height = image.size
    if min(width, height) < SMALLEST:
        raise TooSmall(f"only {width}×{height} pixels")
    if width * height > LARGEST:
        raise UserError(f"more than {LARGEST:,} pixels")
    mode = "L" if channels == 1 else "RGB"
    image.draft(mode, (2 * size, 2 * size))  # JPEG only: decoded at 1/2 to 1/8, still twice what is needed
    with suppress(Exception):  # EXIF that cannot be read spoils no pixel; a damaged pixel is met again below
        ImageOps.exif_transpose(image, in_place=True)
    small = _plain(image, mode).resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    pixels = np.asarray(small, np.uint8)  # (H, W) or (H, W, C)
    return np.ascontiguousarray(pixels.reshape(size, size, channels).transpose(2, 0, 1))  # (C, H, W)


def _plain(image: Image.Image, mode: str) -> Image.Image:
    """The same picture in mode L or RGB, with 8 bits a channel and no transparency."""
    from PIL import Image

    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode in ("I", "F"):  # no fixed range: stretch the values that there are
        values = np.asarray(image, np.float64)
        if not np.isfinite(values).all():
            raise UserError("pixels that are no numbers")
        span = float(np.ptp(values)) or 1.0
        image = Image.fromarray(((values - values.min()) * (255 / span)).astype(np.uint8))
    if image.has_transparency_data:
        above = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", above.size, "white"), above)
    return image.convert(mode)
