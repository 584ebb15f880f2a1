"""The first layer's filters before training, when they depend on the seed alone, and after it."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from torch import nn

from overcast.core.spec import SEQUENCES, Spec
from overcast.html.figures import image_grid
from overcast.html.page import Image, Paragraph, Section
from overcast.html.style import SIGNED

SHOWN = 16
TITLE = "First-layer filters, before and after training"


@dataclass(frozen=True)
class Filters:
    """Weights (N, C, h, w) of the first layer before and after training, and the layer's name."""

    name: str
    before: np.ndarray
    after: np.ndarray

    @property
    def change(self) -> np.ndarray:
        """How far (N,) each filter has moved, against its size before."""
        moved, size = (np.sqrt((w**2).sum((1, 2, 3))) for w in (self.after - self.before, self.before))
        change: np.ndarray = moved / np.maximum(size, 1e-12)
        return change


def first_layer_filters(before: nn.Module, after: nn.Module, spec: Spec) -> Filters | None:
    """The first layer that looks at the sample itself, where its weights can be seen as pictures."""
    trained = dict(after.named_parameters())
    for name, layer in before.named_modules():
        if not isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear | nn.RNNBase | nn.Embedding):
            continue
        shape = _shape(layer, spec)
        if shape is None or isinstance(layer, nn.RNNBase | nn.Embedding):
            return None
        old, new = layer.weight, trained[f"{name}.weight"]
        pictures = [np.asarray(w.detach().numpy(), np.float64).reshape(-1, *shape) for w in (old, new)]
        return Filters(name, *pictures)
    return None


def _shape(layer: nn.Module, spec: Spec) -> tuple[int, ...] | None:
    """(C, h, w) of one unit's weights; a sequence's filters have its features upwards and time to the right."""
    if isinstance(layer, nn.Conv2d) and spec.kind == "image":
        return tuple(layer.weight.shape[1:])
    if isinstance(layer, nn.Conv1d) and spec.kind in SEQUENCES:
        return 1, *layer.weight.shape[1:]
    if isinstance(layer, nn.Linear) and spec.kind == "image" and layer.in_features == prod(spec.shape):
        return spec.shape
    return None


def section(before: nn.Module, after: nn.Module, spec: Spec) -> Section:
    """The filters that changed most, side by side with what they were."""
    filters = first_layer_filters(before, after, spec)
    if filters is None:
        why = {
            "image": "The first layer reads a row of the picture at a time, or is no plain layer of weights on pixels",
            "sequence": "The first layer reads one step at a time, or all of them at once",
            "spectrogram": "The first layer reads one step at a time, or all of them at once",
            "tokens": "The first layer turns words into vectors, whose numbers mean nothing by themselves",
        }[spec.kind]
        return Section(TITLE, f"Left out: {why}, so its weights make no pictures.")
    order = np.argsort(-filters.change, kind="stable")[:SHOWN]
    columns = min(8, len(order))
    blocks = -(-len(order) // columns)
    figure, panels = image_grid(2 * blocks, columns, 0.8, top=0.12, left=0.75)
    for place, unit in enumerate(order):
        block, column = divmod(place, columns)
        limit = max(np.abs(filters.before[unit]).max(), np.abs(filters.after[unit]).max()) or 1.0
        for row, weights in enumerate((filters.before, filters.after)):
            _draw(panels[2 * block + row, column], weights[unit], float(limit))
    for row, axes in enumerate(panels[:, 0]):
        axes.text(-0.1, 0.5, ("before", "after")[row % 2], transform=axes.transAxes, ha="right", va="center", size=9)
    how = (
        f"Each unit of the first layer ({filters.name}) weighs what it sees by these numbers, shown as a picture: "
        f"the {len(order)} of {len(filters.after)} that changed most, above before training, below after it, "
        "both on the unit's own scale. Noise that stayed noise has learned little; edges and spots of colour have."
    )
    change = filters.change
    summary = (
        f"Change against the size before: {np.median(change):.0%} for the middle unit, {change.max():.0%} at most."
    )
    return Section(TITLE, how, [Image.from_figure("filters.png", figure), Paragraph(summary)])


def _draw(axes: Axes, weights: np.ndarray, limit: float) -> None:
    """Three channels as colours about grey, one channel in red and blue; others as their mean."""
    if len(weights) == 3:
        axes.imshow(np.clip(weights / (2 * limit) + 0.5, 0, 1).transpose(1, 2, 0), interpolation="nearest")
        return
    aspect: Literal["auto", "equal"] = (
        "auto" if len(weights) == 1 and weights.shape[1] > 3 * weights.shape[2] else "equal"
    )
    picture = weights.mean(0)
    axes.imshow(picture, cmap=SIGNED, vmin=-limit, vmax=limit, interpolation="nearest", aspect=aspect, origin="upper")
