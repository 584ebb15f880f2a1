"""Any picture file as a small array, or one short reason why not."""

from __future__ import annotations

import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from overcast.core.errors import UserError
from overcast.readers.remarks import remark

if TYPE_CHECKING:
    from PIL import Image, ImageFile

SMALLEST = 8  # pixels a side; below this a photograph says nothing
LARGEST = 150_000_000  # pixels in all; decoded, that is half a gigabyte
DARKEST = 0.25  # of the range that its brightest value must reach, for a picture of more than 8 bits

Size = Annotated[int, Field(ge=SMALLEST, le=1024)]
"""The side in pixels that pictures are packed with."""
Channels = Literal[1, 3]
"""1 (grey) or 3 (RGB)."""
Range = tuple[float, float]
"""What is black and what is white."""
NO_DATA = 42113  # the TIFF tag with the number that stands for no value (GDAL_NODATA)
DEPTHS = (4095, 16383)  # what is white with 12 and 14 bits, as cameras and scanners have


class TooSmall(UserError):
    """A picture with too few pixels to be worth learning from."""


def read_image(path: Path, size: int, channels: Channels, span: Range | None = None) -> np.ndarray:
    """The picture as (C, size, size) uint8, upright, squashed to a square, transparency on white.

    16 bits a channel, and floating-point numbers from 0 to 1, are rounded to 8 bits. A picture whose numbers say no
    range, or use less than a quarter of theirs (as 12 bits stored in 16 do), would lose most of its grey levels: it is
    refused where ``span`` does not name their range, and never stretched by itself, which would make dark and bright
    pictures alike. A pixel without a value (no number, infinite, or what the file says is none) is black. It is
    remarked how many these are, how many lie outside ``span``, and that further pictures in the file are not read.

    Raises: UserError (`TooSmall` for less than 8 pixels a side) whose text is a short reason without the file's
    name: the caller has that.
    """
    from PIL import Image, UnidentifiedImageError

    notes: list[str] = []
    try:
        if path.stat().st_size == 0:
            raise UserError("an empty file (0 bytes)")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a doubtful file is either read or reported, nothing in between
            with Image.open(path) as image:
                pixels = _pixels(image, size, channels, span, notes)
    except (UserError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise UserError("not a picture, or of a format that Pillow cannot read: save it as PNG or JPEG") from None
    except Image.DecompressionBombError:
        raise UserError(f"more than {LARGEST:,} pixels") from None
    except FileNotFoundError:
        raise UserError("no such file") from None
    except Exception as error:  # decoders raise nearly everything: OSError, SyntaxError, struct.error, ...
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"damaged or cut short ({reason})") from None
    for note in notes:
        remark(note)
    return pixels


def _pixels(
    image: ImageFile.ImageFile, size: int, channels: Channels, span: Range | None, notes: list[str]
) -> np.ndarray:
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
        plain = _to_8_bits(image, span, notes).convert(mode)
    else:
        if of_16_bits:  # in colour: Pillow itself keeps the upper 8 bits
            _check_range(np.asarray(image.convert("RGB")).max() / 255, "16 bits a channel")
        plain = _plain(image, mode)
    small = plain.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    pixels = np.asarray(small, np.uint8)  # (H, W) or (H, W, C)
    with suppress(Exception):  # a later one that is damaged
        if (frames := getattr(image, "n_frames", 1)) > 1:
            notes.append(f"first picture: the file has {frames}, and the others are not read")
    return np.ascontiguousarray(pixels.reshape(size, size, channels).transpose(2, 0, 1))  # (C, H, W)


def _to_8_bits(image: ImageFile.ImageFile, span: Range | None, notes: list[str]) -> Image.Image:
    """A grey picture of 16-bit numbers (0 to 65535, modes I;16 and I) or floating-point ones (0 to 1) in mode L."""
    from PIL import Image

    values = np.asarray(image, np.float64)
    missing = ~np.isfinite(values) | (values == _no_data(image))
    if missing.all():
        raise UserError("pixels that are no numbers")
    low, high = float(values[~missing].min()), float(values[~missing].max())
    black, white = span or (0, 1 if image.mode == "F" else 65535)
    if span is None:
        _check_values(low, high, white)
    clipped = int((((values < black) | (values > white)) & ~missing).sum())
    if missing.any():
        notes.append(f"no value: {missing.sum():,} of {values.size:,} pixels, which are black")
    if clipped:
        notes.append(f"clipped: {clipped:,} of {values.size:,} pixels, which lie outside {black:g} to {white:g}")
    with np.errstate(over="ignore"):  # far outside
        light = (np.where(missing, black, values) - black) / (white - black)
    return Image.fromarray(np.rint(np.clip(light, 0, 1) * 255).astype(np.uint8))


def _no_data(image: ImageFile.ImageFile) -> float:
    """The number by which the file says that a pixel has no value; NaN without one."""
    with suppress(ValueError, TypeError):
        return float(str(getattr(image, "tag_v2", {}).get(NO_DATA)).strip("\0 "))
    return float("nan")


def _check_values(low: float, high: float, white: float) -> None:
    """Raises: UserError for values that lie outside 0 to ``white``, or use less than a quarter of that."""
    if low < 0 or high > white:
        raise UserError(
            f"values from {low:g} to {high:g}, where 0 is black and {white:g} white: name what is black and what is "
            "white in all pictures alike, as data.range=[low,high]"
        )
    depth = next((depth for depth in DEPTHS if high <= depth), None) if white > 1 else None
    _check_range(high / white, f"values up to {high:g} where {white:g} is white", f"[0,{depth or 'highest'}]")


def _check_range(brightest: float, what: str, span: str = "") -> None:
    """brightest: the largest value, where white is 1. A picture that is black all over loses nothing."""
    if 0 < brightest < DARKEST:
        levels = round(brightest * 255) + 1
        how = (
            f"name what is white in all pictures alike, as data.range={span}"
            if span
            else "save it with 8 bits a channel"
        )
        raise UserError(f"{what}, of which at most {levels} of 256 grey levels are used: {how}")


def _plain(image: Image.Image, mode: str) -> Image.Image:
    """The same picture in mode L or RGB, without transparency."""
    from PIL import Image

    if image.has_transparency_data:
        above = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", above.size, "white"), above)
    return image.convert(mode)
