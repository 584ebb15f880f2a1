"""Features are those of the imagehash library, and of the mirrored picture without looking at it."""

from __future__ import annotations

from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image

from overcast.prepare import picture_features as module
from overcast.prepare.picture_features import picture_features


def pictures(size: int, channels: int) -> np.ndarray:
    """Noise, smooth noise, a ramp each way and a plain picture."""
    rng = np.random.default_rng(size)
    ramp = np.broadcast_to(np.linspace(0, 250, size).astype(np.uint8), (channels, size, size))
    noise = [rng.integers(0, 256, (channels, side, side), dtype=np.uint8) for side in (size, size, 4, 8, 16)]
    smooth = [np.kron(block, np.ones((size // len(block[0]),) * 2, np.uint8)) for block in noise]
    return np.stack([*smooth, ramp, ramp.transpose(0, 2, 1), np.full_like(ramp, 128)])


def imagehash_of(picture: np.ndarray) -> np.uint64:
    image = Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0) if len(picture) == 3 else picture[0]))
    return np.packbits(imagehash.phash(image).hash.ravel()).view(np.uint64)[0]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [16, 32, 64, 96])
def test_hashes_are_those_of_imagehash(size: int, channels: int) -> None:
    x = pictures(size, channels)
    features = picture_features(x, np.arange(len(x)))
    assert features.hash.tolist() == [imagehash_of(picture) for picture in x]
    assert features.mirrored_hash.tolist() == [imagehash_of(picture[:, :, ::-1]) for picture in x]


@pytest.mark.parametrize("size", [16, 32, 64, 96])
def test_a_mirrored_picture_has_mirrored_features(size: int) -> None:
    x = pictures(size, 3)
    plain, mirrored = (picture_features(y, np.arange(len(y))) for y in (x, x[:, :, :, ::-1]))
    np.testing.assert_allclose(mirrored.structure, plain.structure[:, :, ::-1], atol=1e-6)
    assert (mirrored.colour == plain.colour[:, :, ::-1]).all()


def test_some_rows_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, rows = pictures(32, 3), np.array([6, 1, 4, 0, 2])
    whole = picture_features(x[rows], np.arange(5))
    monkeypatch.setattr(module, "BLOCK", 2)
    some = picture_features(x, rows, tmp_path)
    assert not list(tmp_path.iterdir())
    for name in ("hash", "mirrored_hash", "structure", "colour"):
        assert (getattr(some, name) == getattr(whole, name)).all()
