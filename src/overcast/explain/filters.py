"""The first layer's filters before training, when they depend on the seed alone, and after it: a unit a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import nn

from overcast.core.spec import SEQUENCES, Spec
from overcast.core.words import translatable, translate
from overcast.explain.class_units import choose_class_units, dead_units, strongest_responses
from overcast.explain.colour_bar import ColourScale, bar_below
from overcast.explain.drawing import draw_nothing, is_constant, short_head
from overcast.explain.stages import Stage, stages, zeros
from overcast.html.figures import image_grid, picture_text
from overcast.html.page import Image, Paragraph, Section
from overcast.html.style import SIGNED
from overcast.prediction.trained_network import TrainedNetwork
from overcast.prepare.pack import Pack

SHOWN, DEAD, COLUMNS = 10, 2, 6
LITTLE, CLEAR = 0.005, 0.095  # as rounded to 1 and 10 %
"""How far the middle filter has moved, against its size before, where a layer has learned a little, and clearly."""

TITLE = translatable("First-layer filters, before and after training")
STEPS = translatable(
    "Left out: the first layer reads one step at a time, or all of them at once, so its weights make no pictures."
)
LEFT_OUT = dict.fromkeys(SEQUENCES, STEPS) | {
    "image": translatable(
        "Left out: the first layer reads a row of the picture at a time, or is no plain layer of weights on pixels, so "
        "its weights make no pictures."
    ),
    "tokens": translatable(
        "Left out: the first layer turns words into vectors, whose numbers mean nothing by themselves, so its weights "
        "make no pictures."
    ),
}


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


@dataclass(frozen=True)
class ShownUnit:
    """A unit of the layer, and the classes that it answers most to; "" for one that is dead."""

    unit: int
    classes: str


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
        if isinstance(layer, nn.Conv2d) and spec.kind in SEQUENCES:  # over time and bands: time to the right
            pictures = [weights.swapaxes(2, 3)[:, :, ::-1] for weights in pictures]
        return Filters(name, *pictures)
    return None


def _shape(layer: nn.Module, spec: Spec) -> tuple[int, ...] | None:
    """(C, h, w) of one unit's weights; a sequence's filters have its features upwards and time to the right."""
    if isinstance(layer, nn.Conv2d):
        return tuple(layer.weight.shape[1:])
    if isinstance(layer, nn.Conv1d) and spec.kind in SEQUENCES:
        return 1, *layer.weight.shape[1:]
    if isinstance(layer, nn.Linear) and spec.kind == "image" and layer.in_features == prod(spec.shape):
        return spec.shape
    return None


def section(before: nn.Module, trained: TrainedNetwork, pack: Pack, rows: np.ndarray) -> Section:
    """The filter of each class's unit, side by side with what it was. rows: samples to choose the units by."""
    filters = first_layer_filters(before, trained.net, pack.spec)
    layers = stages(trained.net, *zeros(pack.spec), (nn.Conv1d, nn.Conv2d, nn.Linear))
    stage = next((stage for stage in layers if filters is not None and stage.name == filters.name), None)
    if filters is None or stage is None:
        return Section(translate(TITLE), translate(LEFT_OUT[pack.spec.kind]))
    if max(filters.after.shape[2:]) == 1:
        return Section(translate(TITLE), translate("Left out: a filter is one place only, which makes no picture."))
    (values,) = strongest_responses(trained, pack, rows, [stage])
    names, dead = pack.spec.classes, dead_units(values)
    chosen = choose_class_units(values, pack.labels[rows], len(names), SHOWN)
    units = [ShownUnit(one.unit, one.names(names)) for one in chosen]
    units += [ShownUnit(int(unit), "") for unit in dead[:DEAD]]
    sentences = [_learned(filters), *_dead(len(dead), len(filters.after))]
    image = Image.from_figure("filters.png", _figure(filters, units))
    return Section(translate(TITLE), _how(stage, filters), [*map(Paragraph, sentences), image])


def _how(stage: Stage, filters: Filters) -> str:
    how = translate(
        "The weights of {layer}, which looks at the sample itself, as pictures: above before training, below after it, "
        "both on the unit's own scale. For each class the unit that answers more to it, against what is usual for the "
        "unit, than all others. Noise that stayed noise has learned little; edges and spots of colour have.",
        layer=stage.caption,
    )
    if filters.after.shape[1] == 3:
        colours = translate("The colours are the weights of red, green and blue: grey is zero, brighter is more.")
        return f"{how} {colours}"
    return how


def _learned(filters: Filters) -> str:
    """Whether training has changed the filters, and by how much."""
    middle, most = float(np.median(filters.change)), float(filters.change.max())
    answer = translate("yes") if middle >= CLEAR else translate("a little") if middle >= LITTLE else translate("no")
    return translate(
        "Training has changed these filters: {answer} (the middle one of {number:,} by {middle:.0%} of its size "
        "before, the most changed by {most:.0%}).",
        answer=answer, number=len(filters.after), middle=middle, most=most,
    )  # fmt: skip


def _dead(n_dead: int, number: int) -> list[str]:
    if not n_dead:
        return []
    return [
        translate(
            "{dead:,} of the {number:,} units are dead: they answer every sample alike, so nothing depends on them.",
            dead=n_dead,
            number=number,
        )
    ]


def _figure(filters: Filters, units: Sequence[ShownUnit]) -> Figure:
    blocks = -(-len(units) // COLUMNS)
    columns = -(-len(units) // blocks)
    coloured = filters.after.shape[1] == 3
    figure, panels = image_grid(2 * blocks, columns, 0.9, top=0.17, left=0.75, bottom=0.05 if coloured else 0.42)
    for place, one in enumerate(units):
        block, column = divmod(place, columns)
        pair = panels[2 * block : 2 * block + 2, column]
        weights = (filters.before[one.unit], filters.after[one.unit])
        limit = float(max(np.abs(both).max() for both in weights)) or 1.0
        pair[0].set_title(short_head(one.classes) or picture_text("unit {number}", number=one.unit), size=7, pad=3)
        for axes, values in zip(pair, weights, strict=True):
            if not one.classes or is_constant(values):
                draw_nothing(axes, translatable("constant") if one.classes else translatable("dead"))
            else:
                _draw(axes, values, limit)
    for row, axes in enumerate(panels[:, 0]):
        text = picture_text("after") if row % 2 else picture_text("before")
        axes.text(-0.1, 0.5, text, transform=axes.transAxes, ha="right", va="center", size=9)
    if not coloured:
        unit = translatable("weight ÷ the unit's largest")
        bar_below(panels[-1, 0], ColourScale(SIGNED, -1, 1, unit))
    return figure


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
