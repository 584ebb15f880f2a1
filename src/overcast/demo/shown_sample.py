"""A sample as a page shows it: a picture, a spectrogram as a picture, or words."""

from __future__ import annotations

import numpy as np

from overcast.core.spec import Spec
from overcast.core.words import translate
from overcast.html.page import Image
from overcast.html.thumbnails import thumbnail

SIDE = 112
"""Pixels of a picture's side."""


def shown(sample: np.ndarray, spec: Spec) -> dict[str, str]:
    """``image``, an address that needs no file, or ``text``; and ``alt``, what it is for who cannot see it."""
    if spec.kind == "tokens":
        return {"text": " ".join(spec.decode(sample)), "alt": ""}
    image = Image.from_array("", thumbnail(sample, SIDE), SIDE)
    alt = {"image": translate("picture"), "spectrogram": translate("spectrogram")}
    return {"image": image.source, "alt": alt.get(spec.kind, translate("steps"))}
