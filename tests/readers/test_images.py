"""Every kind of file that people call a picture, and every kind that is none."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overcast.core.errors import UserError
from overcast.readers.images import TooSmall, read_image
from overcast.readers.remarks import Remark, collected_remarks

RED, BLUE = (255, 0, 0), (0, 0, 255)


def halves(left: tuple[int, ...], right: tuple[int, ...], mode: str = "RGB", size: int = 32) -> Image.Image:
    image = Image.new(mode, (size, size), left)
    image.paste(right, (size // 2, 0, size, size))
    return image


def test_colours_and_places(tmp_path: Path) -> None:
    halves(RED, BLUE).save(tmp_path / "a.png")
    pixels = read_image(tmp_path / "a.png", 16, 3)
    assert pixels.shape == (3, 16, 16)
    assert pixels.dtype == np.uint8
    assert pixels[:, 8, 2].tolist() == [255, 0, 0]
    assert pixels[:, 8, 13].tolist() == [0, 0, 255]


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side: turn by 90° clockwise
    halves(RED, BLUE, size=64).save(tmp_path / "a.jpg", exif=exif, quality=95)
    pixels = read_image(tmp_path / "a.jpg", 16, 3)
    assert pixels[0, 2, 8] > 200  # red on top
    assert pixels[2, 13, 8] > 200


EXIF = {
    "text": b"not exif at all",
    "no more": b"Exif\0\0",
    "a cut table": b"Exif\0\0MM\0*\0\0\0\x08\xff\xff",
    "a count beyond the end": b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\xff\xff\xff\xff\xff\0\0\0",
}


@pytest.mark.filterwarnings("ignore:Corrupt EXIF", "ignore:Tag data")  # when it is written
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
@pytest.mark.parametrize("exif", EXIF)
def test_damaged_exif_leaves_a_whole_picture(tmp_path: Path, name: str, exif: str) -> None:
    if (exif, name) == ("text", "a.tif"):
        pytest.skip("in a TIFF it is the table of the file itself")
    halves(RED, BLUE).save(tmp_path / name, exif=EXIF[exif])
    pixels = read_image(tmp_path / name, 16, 3)
    assert pixels[0, 8, 2] > 200
    assert pixels[2, 8, 13] > 200


def test_a_large_jpeg_drafted_is_close_to_the_full_one(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (12, 12, 3), dtype=np.uint8)
    large = Image.fromarray(noise).resize((1200, 900), Image.Resampling.BICUBIC)
    large.save(tmp_path / "a.jpg", quality=95)
    full = np.asarray(large.resize((32, 32), Image.Resampling.LANCZOS)).transpose(2, 0, 1).astype(int)
    assert np.abs(read_image(tmp_path / "a.jpg", 32, 3) - full).mean() < 3


@pytest.mark.parametrize("name", ["a.png", "a.gif"])
def test_palette(tmp_path: Path, name: str) -> None:
    halves(RED, BLUE).quantize(4).save(tmp_path / name)
    assert read_image(tmp_path / name, 16, 3)[:, 8, 2].tolist() == [255, 0, 0]


def test_gif_named_jpg_gives_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, BLUE)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    (tmp_path / "a.gif").rename(tmp_path / "a.jpg")
    with pytest.warns(Remark, match="first picture"):
        assert read_image(tmp_path / "a.jpg", 8, 3)[:, 4, 4].tolist() == [255, 0, 0]


def test_transparency_lies_on_white(tmp_path: Path) -> None:
    halves((0, 0, 0, 0), (*BLUE, 255), "RGBA").save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png", 16, 3)[:, 8, 2].tolist() == [255, 255, 255]
    assert read_image(tmp_path / "a.png", 16, 1)[0, 8, 2] == 255
    halves((0, 0), (90, 255), "LA").save(tmp_path / "b.png")
    assert read_image(tmp_path / "b.png", 16, 1)[0, 8, [2, 13]].tolist() == [255, 90]


def test_grey_as_colour_and_colour_as_grey(tmp_path: Path) -> None:
    Image.new("L", (16, 16), 77).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png", 8, 3)[:, 0, 0].tolist() == [77, 77, 77]
    halves((77, 77, 77), (77, 77, 77)).save(tmp_path / "b.jpg")
    assert abs(int(read_image(tmp_path / "b.jpg", 8, 1)[0, 4, 4]) - 77) <= 2


def test_cmyk(tmp_path: Path) -> None:
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "b.tif")
    assert read_image(tmp_path / "b.tif", 16, 3)[:, 0, 0].tolist() == [255, 0, 0]


def pgm(path: Path, values: np.ndarray, white: int) -> None:
    path.write_bytes(b"P5 16 16 %d\n" % white + values.astype(">u2").tobytes())


def png_of_16_bits(path: Path, colours: np.ndarray) -> None:
    """(16, 16, 3) uint16: Pillow reads such files, and writes none."""
    header = struct.pack(">IIBBBBB", 16, 16, 16, 2, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in colours.astype(">u2"))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


LEVELS = np.arange(256).reshape(16, 16)
"""Every grey level of 8 bits."""


@pytest.mark.parametrize("off", [-128, 0, 128])
def test_sixteen_bits_are_rounded_to_eight(tmp_path: Path, off: int) -> None:
    near = np.clip(LEVELS * 257 + off, 0, 65535)
    Image.fromarray(near.astype(np.uint16)).save(tmp_path / "a.png")
    Image.fromarray(near.astype(np.int32)).save(tmp_path / "b.tif")
    pgm(tmp_path / "c.pgm", near, 65535)
    for name in ("a.png", "b.tif", "c.pgm"):
        assert (read_image(tmp_path / name, 16, 1)[0] == LEVELS).all()


def test_twelve_bits_that_the_file_tells_of_and_floats_from_0_to_1(tmp_path: Path) -> None:
    pgm(tmp_path / "a.pgm", np.rint(LEVELS * (4095 / 255)), 4095)
    Image.fromarray((LEVELS / 255).astype(np.float32)).save(tmp_path / "b.tif")
    for name in ("a.pgm", "b.tif"):
        assert (read_image(tmp_path / name, 16, 1)[0] == LEVELS).all()


def test_a_dark_picture_stays_dark(tmp_path: Path) -> None:
    Image.fromarray((LEVELS / 255 * 0.4).astype(np.float32)).save(tmp_path / "a.tif")
    assert read_image(tmp_path / "a.tif", 16, 1).max() == 102
    Image.fromarray(np.zeros((16, 16), np.uint16)).save(tmp_path / "b.png")
    assert read_image(tmp_path / "b.png", 16, 1).max() == 0


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (
            (LEVELS * 16).astype(np.uint16),
            "up to 4080 where 65535 is white, of which at most 17 of 256 grey .* data.range=.0,4095.",
        ),
        (LEVELS.astype(np.int32), "values up to 255 where 65535 is white"),
        ((LEVELS << 20).astype(np.int32), "values from 0 to .*e.08, where 0 is black and 65535 white"),
        (
            LEVELS.astype(np.float32),
            "values from 0 to 255, where 0 is black and 1 white: name what is black .* data.range=.low,high",
        ),
        ((LEVELS / 127.5 - 1).astype(np.float32), "values from -1 to 1, where 0 is black"),
        ((LEVELS / 2550).astype(np.float32), "values up to 0.1 where 1 is white"),
    ],
)
def test_no_grey_level_is_lost_without_a_word(tmp_path: Path, values: np.ndarray, reason: str) -> None:
    Image.fromarray(values).save(tmp_path / "a.tif")
    with pytest.raises(UserError, match=reason):
        read_image(tmp_path / "a.tif", 16, 1)


def test_colours_of_sixteen_bits(tmp_path: Path) -> None:
    colours = np.stack([LEVELS, LEVELS.T, np.zeros_like(LEVELS)], 2)
    png_of_16_bits(tmp_path / "a.png", colours * 257)
    assert (read_image(tmp_path / "a.png", 16, 3) == colours.transpose(2, 0, 1)).all()
    png_of_16_bits(tmp_path / "b.png", colours * 16)
    with pytest.raises(UserError, match="16 bits a channel, of which at most 16 of 256 grey levels are used"):
        read_image(tmp_path / "b.png", 16, 3)


FLOATS = (LEVELS / 255).astype(np.float32)


def changed(values: np.ndarray, value: float) -> np.ndarray:
    values = values.copy()
    values[0, 4] = value
    return values


@pytest.mark.parametrize(
    ("values", "span", "remark"),
    [
        ((LEVELS * 16).astype(np.uint16), (0, 4080), ""),
        (np.minimum(LEVELS * 16 + 1000, 5000).astype(np.uint16), (1000, 5080), "clipped: 0"),
        ((LEVELS << 20).astype(np.int32), (0, 255 << 20), ""),
        ((FLOATS * 6 - 3).astype(np.float32), (-3, 3), ""),
        (FLOATS * 1e-6, (0, 1e-6), ""),
        (changed(FLOATS, np.nan), None, "no value: 1 of 256 pixels, which are black"),
        (changed(FLOATS, np.inf), (0, 1), "no value: 1 of 256 pixels, which are black"),
        (changed(FLOATS, -9999), (0, 1), "clipped: 1 of 256 pixels, which lie outside 0 to 1"),
        (changed(FLOATS, 1e38), (0, 1), "clipped: 1 of 256 pixels, which lie outside 0 to 1"),
    ],
)
def test_numbers_of_any_range_keep_it(
    tmp_path: Path, values: np.ndarray, span: tuple[float, float] | None, remark: str
) -> None:
    Image.fromarray(values).save(tmp_path / "a.tif")
    with collected_remarks() as remarks:
        grey = read_image(tmp_path / "a.tif", 16, 1, span)[0]
    expected = LEVELS.copy()
    if remark.startswith("clipped: 0"):
        expected, remark = np.minimum(LEVELS, 250), ""
    for kind in ("no value", "outside"):
        if kind in remark:
            expected[0, 4] = 255 if values[0, 4] == np.float32(1e38) else 0
    assert (grey == expected).all()
    assert remarks == [remark] * bool(remark)


def test_the_files_own_number_for_no_value(tmp_path: Path) -> None:
    for number, values in ((-9999, changed(FLOATS, -9999)), (65535, changed(LEVELS * 256, 65535).astype(np.uint16))):
        Image.fromarray(values).save(tmp_path / "a.tif", tiffinfo={42113: str(number)})
        with collected_remarks() as remarks:
            assert read_image(tmp_path / "a.tif", 16, 1)[0, 0, 4] == 0
        assert remarks == ["no value: 1 of 256 pixels, which are black"]


@pytest.mark.parametrize("name", ["a.gif", "a.tif", "a.webp", "a.png"])
def test_of_several_pictures_in_a_file_the_first_is_read_and_that_is_said(tmp_path: Path, name: str) -> None:
    frames = [Image.new("L", (16, 16), grey) for grey in (0, 128, 255)]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    with collected_remarks() as remarks:
        assert read_image(tmp_path / name, 16, 1).max() < 9
    assert remarks == ["first picture: the file has 3, and the others are not read"]


def test_one_bit_is_black_and_white(tmp_path: Path) -> None:
    Image.fromarray(LEVELS > 99).save(tmp_path / "a.png")
    assert (read_image(tmp_path / "a.png", 16, 1)[0] == (LEVELS > 99) * 255).all()


def test_same_size_is_untouched(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (8, 8), dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "a.png")
    assert (read_image(tmp_path / "a.png", 8, 1)[0] == grey).all()


def truncated(path: Path) -> None:
    Image.effect_noise((64, 64), 90).save(path, "JPEG")
    path.write_bytes(path.read_bytes()[:900])


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(path: Path) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0")))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_text("no picture at all"), "not a picture"),
        (lambda path: path.mkdir(), "Is a directory|not a picture"),
        (lambda _: None, "no such file"),
        (truncated, "cut short"),
        (lambda path: Image.fromarray(np.full((16, 16), np.nan, np.float32)).save(path, "TIFF"), "no numbers"),
        (lambda path: Image.fromarray(np.full((16, 16), np.inf, np.float32)).save(path, "TIFF"), "no numbers"),
        (bomb, "more than"),
    ],
)
def test_what_cannot_be_read_has_a_short_reason(tmp_path: Path, make, reason: str) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "a.jpg")
    with pytest.raises(UserError, match=reason):
        read_image(tmp_path / "a.jpg", 16, 3)


def test_tiny(tmp_path: Path) -> None:
    Image.new("L", (7, 40)).save(tmp_path / "a.png")
    with pytest.raises(TooSmall, match="7×40"):
        read_image(tmp_path / "a.png", 16, 1)
