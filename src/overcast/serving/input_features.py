"""A few numbers of a sample that a person can interpret, by which samples in use are compared with those trained on.

Functions of arrays as a pack holds them, so that what is read for a request and what lies in a pack agree to the last
digit. numpy is all they need: a served model computes them for each sample.
"""

from __future__ import annotations

import numpy as np

from overcast.core.spec import SEQUENCES, UNKNOWN, Spec

LUMA = (0.299, 0.587, 0.114)
"""Of red, green and blue, in brightness (ITU-R BT.601)."""

MOST_FEATURES = 8
"""A sequence of so many features or fewer has the mean of each: a sensor of its own may fail alone."""

Features = dict[str, float]


def input_features(sample: np.ndarray, spec: Spec) -> Features:
    """sample: without padding, (C, H, W), (T, F) or (T,), by the spec's kind. What is infinite in it makes NaN."""
    with np.errstate(invalid="ignore"):
        if spec.kind == "image":
            return image_features(sample)
        if spec.kind in SEQUENCES:
            return sequence_features(sample, bands=spec.kind == "spectrogram")
        return token_features(sample)


def image_features(picture: np.ndarray) -> Features:
    """Of a picture (C, H, W) of 0 to 255; all but sharpness on a scale of 0 to 1.

    brightness, contrast: mean and standard deviation of the grey values; sharpness: the variance of their Laplacian
    (Pech-Pacheco et al. 2000), × 1,000. Of three channels the mean of each too, and colourfulness (Hasler & Süsstrunk
    2003): 0.06 is slightly, 0.23 averagely and 0.43 extremely colourful.
    """
    x = picture.astype(np.float64) / 255  # (C, H, W)
    colour = len(x) == 3
    grey = np.tensordot(LUMA, x, 1) if colour else x.mean(0)  # (H, W)
    features = {"brightness": grey.mean(), "contrast": grey.std()}
    if colour:
        red, green, blue = x
        across, along = red - green, (red + green) / 2 - blue
        features |= {"red": red.mean(), "green": green.mean(), "blue": blue.mean()}
        spread, shift = np.hypot(across.std(), along.std()), np.hypot(across.mean(), along.mean())
        features["colourfulness"] = spread + 0.3 * shift
    inner = grey[1:-1, 1:-1]
    edges = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    features["sharpness"] = 1000 * edges.var() if edges.size else 0.0
    return _floats(features)


def sequence_features(steps: np.ndarray, bands: bool = False) -> Features:
    """Of steps (T, F) in the units of the pack.

    length: T. mean, std: of all values. roughness: the mean absolute change from a step to the next. crossings: the
    share of steps at which a feature crosses its own mean. bands: the features are bands of a spectrum, the lowest
    first; tilt is then by how much the upper half is above the lower. Else, of a few features, the mean of each.
    """
    x = steps.astype(np.float64)  # (T, F)
    changes, above = np.abs(np.diff(x, axis=0)), x > x.mean(0)
    several = len(x) > 1
    features = {
        "length": len(x),
        "mean": x.mean(),
        "std": x.std(),
        "roughness": changes.mean() if several else 0.0,
        "crossings": (above[1:] != above[:-1]).mean() if several else 0.0,
    }
    width = x.shape[1]
    if bands:
        features["tilt"] = x[:, width // 2 :].mean() - x[:, : max(1, width // 2)].mean()
    elif 1 < width <= MOST_FEATURES:
        features |= {f"feature {number}": mean for number, mean in enumerate(x.mean(0))}
    return _floats(features)


def token_features(ids: np.ndarray) -> Features:
    """Of token ids (T,): length, the share of words that are not in the vocabulary, and of words that are different."""
    different = len(np.unique(ids)) / max(1, len(ids))
    unknown = (ids == UNKNOWN).mean() if len(ids) else 0.0
    return _floats({"length": len(ids), "unknown": unknown, "different": different})


def _floats(features: dict[str, float]) -> Features:
    return {name: float(value) for name, value in features.items()}
