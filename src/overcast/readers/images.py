"""Any picture file as a small array, or one short reason why not."""

from __future__ import annotations

import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from overcast.core.errors import UserError

if TYPE_CHECKING:
    from PIL import Image, ImageFile

SMALLEST = 8  # pixels a side; below this a photograph says nothing
LARGEST = 150_000_000  # pixels in all; decoded, that is half a gigabyte
DARKEST = 0.25  # of the range that its brightest value must reach, for a picture of more than 8 bits

Size = Annotated[int, Field(ge=SMALLEST, le=1024)]
"""The side in pixels that pictures are packed with."""
Channels = Literal[1, 3]
"""1 (grey) or 3 (RGB)."""


class TooSmall(UserError):
    """A picture with too few pixels to be worth learning from."""


def read_image(path: Path, size: int, channels: Channels) -> np.ndarray:
    """The picture as (C, size, size) uint8, upright, squashed to a square, transparency on white.

    16 bits a channel, and floating-point numbers from 0 to 1, are rounded to 8 bits. A picture whose numbers say no
    range, or use less than a quarter of theirs (as 12 bits stored in 16 do), would lose most of its grey levels: it is
    refused, and never stretched by itself, which would make dark and bright pictures alike.

    Raises: UserError (`TooSmall` for less than 8 pixels a side) whose text is a short reason without the file's
    name: the caller has that.
    """
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


def _pixels(image: ImageFile.ImageFile, size: int, channels: Channels) -> np.ndarray:
    from PIL import Image, ImageOps

    width, height = image.size
    if min(width, height) < SMALLEST:
        raise TooSmall(f"only {width}×{height} pixels")
    if width * height > LARGEST:
        raise UserError(f"more than {LARGEST:,} pixels")
    mode = "L" if channels == 1 else "RGB"
    of_16_bits = any(";16" in str(tile[3]) for tile in image.tile)  # told before it is loaded, which forgets it
    image.draft(mode, (2 * size, 2 * size))  # JPEG only: decoded at 1/2 to 1/8, still twice what is needed
    with suppress(Exception):  # EXIF that cannot be read spoils no pixel; a damaged pixel is met again below
        ImageOps.exif_transpose(image, in_place=True)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        plain = _to_8_bits(image).convert(mode)
    else:
        if of_16_bits:  # in colour: Pillow itself keeps the upper 8 bits
            _check_range(np.asarray(image.convert("RGB")).max() / 255, "16 bits a channel")
        plain = _plain(image, mode)
    small = plain.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    pixels = np.asarray(small, np.uint8)  # (H, W) or (H, W, C)
    return np.ascontiguousarray(pixels.reshape(size, size, channels).transpose(2, 0, 1))  # (C, H, W)


def _to_8_bits(image: ImageFile.ImageFile) -> Image.Image:
    """A grey picture of 16-bit numbers (0 to 65535, modes I;16 and I) or floating-point ones (0 to 1) in mode L."""
    from PIL import Image

    values = np.asarray(image, np.float32)  # finer than 16 bits
    if not np.isfinite(values).all():
        raise UserError("pixels that are no numbers")
    white = 1 if image.mode == "F" else 65535
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > white:
        raise UserError(
            f"values from {low:g} to {high:g}, where 0 is black and {white} white: save it with 8 bits a channel"
        )
    _check_range(high / white, f"values up to {high:g} where {white} is white")
    return Image.fromarray(np.rint(values * (255 / white)).astype(np.uint8))


def _check_range(brightest: float, what: str) -> None:
    """brightest: the largest value, where white is 1. A picture that is black all over loses nothing."""
    if 0 < brightest < DARKEST:
        levels = round(brightest * 255) + 1
        raise UserError(f"{what}, of which at most {levels} of 256 grey levels are used: save it with 8 bits a channel")


def _plain(image: Image.Image, mode: str) -> Image.Image:
    """The same picture in mode L or RGB, without transparency."""
    from PIL import Image

    if image.has_transparency_data:
        above = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", above.size, "white"), above)
    return image.convert(mode)
