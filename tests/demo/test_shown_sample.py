"""Samples as a page shows them."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from overcast.core.spec import Spec
from overcast.demo.shown_sample import SIDE, shown


def test_pictures_sequences_and_words() -> None:
    for kind, sample in (
        ("image", np.full((3, 8, 8), 200, np.uint8)),
        ("spectrogram", np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)),
        ("sequence", np.zeros((5, 2), np.float32)),
    ):
        spec = Spec(kind, sample.shape, ("a", "b"))  # type: ignore[arg-type]
        told = shown(sample, spec)
        kept = base64.b64decode(told["image"].removeprefix("data:image/png;base64,"))
        assert Image.open(io.BytesIO(kept)).size == (SIDE, SIDE)
        assert told["alt"]
    spec = Spec("tokens", (4,), ("a", "b"), vocabulary=("cold", "wind"))
    assert shown(np.array([2, 1, 3]), spec)["text"] == "cold ? wind"
