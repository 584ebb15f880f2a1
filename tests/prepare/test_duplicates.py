"""Copies are found however they were changed; pictures that merely look alike are left apart."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from overcast.prepare import duplicates


def scene(seed: int, size: int = 160) -> Image.Image:
    """A picture with structure at several scales."""
    rng = np.random.default_rng(seed)
    total = np.zeros((size, size, 3))
    for cells in (3, 8, 24):
        noise = Image.fromarray(rng.integers(0, 255, (cells, cells, 3), dtype=np.uint8))
        total += np.asarray(noise.resize((size, size), Image.Resampling.BICUBIC)) / 3
    return Image.fromarray(total.astype(np.uint8))


def drawing(kind: str, seed: int) -> Image.Image:
    """A plain shape somewhere on a plain ground."""
    rng = np.random.default_rng(seed)
    radius = int(rng.integers(8, 18))
    x, y = (int(place) for place in rng.integers(radius + 2, 62 - radius, 2))
    image = Image.new("RGB", (64, 64), (215, 215, 215))
    box, pen = (x - radius, y - radius, x + radius, y + radius), ImageDraw.Draw(image)
    if kind == "disc":
        pen.ellipse(box, fill=(40, 60, 160))
    elif kind == "triangle":
        pen.polygon([(x, y - radius), box[2:], (x - radius, y + radius)], fill=(40, 60, 160))
    else:  # much like a written 1
        pen.line((x - radius // 3, y + radius, x + radius // 3, y - radius), fill=(40, 60, 160), width=4)
    return image


def saved_again(image: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "jpeg", quality=50)
    return Image.open(stream)


def packed(images: list[Image.Image]) -> np.ndarray:
    return np.stack([np.asarray(image.resize((64, 64))).transpose(2, 0, 1) for image in images])


CHANGES = {
    "resized": lambda image: image.resize((50, 40)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "cropped": lambda image: image.crop((4, 4, 156, 156)),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "grey": lambda image: image.convert("L").convert("RGB"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_are_found(change: str) -> None:
    images = [scene(seed) for seed in range(12)]
    pairs, bits = duplicates.near(packed([*images, CHANGES[change](images[5])]))
    assert pairs.tolist() == [[5, 12]]
    assert bits[0] <= duplicates.BITS


def test_plain_skies_are_not_chained() -> None:
    ramp = np.linspace(0, 1, 64)[:, None, None]
    ends = np.random.default_rng(0).integers(0, 255, (40, 2, 3))
    skies = np.stack([np.broadcast_to(a + (b - a) * ramp, (64, 64, 3)).astype(np.uint8) for a, b in ends])
    pairs, _ = duplicates.near(skies.transpose(0, 3, 1, 2))
    assert np.bincount(duplicates.components(40, pairs)).max() <= 3


@pytest.mark.parametrize("kind", ["disc", "triangle", "one"])
def test_plain_shapes_in_other_places_are_not_tied(kind: str) -> None:
    pictures = np.unique(packed([drawing(kind, seed) for seed in range(100)]), axis=0)
    pairs, _ = duplicates.near(pictures)
    assert np.bincount(duplicates.components(len(pictures), pairs)).max() <= 3
    assert len(pairs) <= 5  # of 4,950


PLAIN_CHANGES = {name: CHANGES[name] for name in ("resized", "brighter", "mirrored", "grey")} | {"jpeg": saved_again}


@pytest.mark.parametrize("change", PLAIN_CHANGES)
def test_changed_copies_of_a_plain_shape_are_found(change: str) -> None:
    images = [drawing("disc", seed) for seed in range(12)]
    pairs, _ = duplicates.near(packed([*images, PLAIN_CHANGES[change](images[5])]))
    assert [5, 12] in pairs.tolist()


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    images = packed([scene(seed % 10) for seed in range(30)])
    images[10:20] = images[10:20, :, :, ::-1]
    whole = duplicates.near(images)
    monkeypatch.setattr(duplicates, "BLOCK", 7)
    assert len(whole[0]) == 30
    for a, b in zip(whole, duplicates.near(images), strict=True):
        assert (a == b).all()


def test_grey_and_small_pictures() -> None:
    images = packed([scene(seed) for seed in range(5)])[:, :1, ::4, ::4]
    pairs, bits = duplicates.near(np.concatenate([images, images[:1]]))
    assert pairs.tolist() == [[0, 5]]
    assert bits.tolist() == [0]


def test_exact_and_components() -> None:
    pairs = duplicates.exact(["a", "b", "a", "c", "a"])
    assert pairs.tolist() == [[0, 2], [0, 4]]
    groups = duplicates.components(5, np.array([[0, 2], [2, 4]]))
    assert groups.tolist() == [0, 1, 0, 2, 0]
    assert duplicates.exact(["a", "b"]).shape == (0, 2)
    assert duplicates.components(2, np.empty((0, 2), np.int64)).tolist() == [0, 1]
