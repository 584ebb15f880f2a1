"""Feature maps: what comes out of each convolution for one sample, of the unit that answers most to each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from overcast.core.spacing import evenly_spaced
from overcast.core.spec import Spec
from overcast.core.words import translatable, translate
from overcast.explain.class_units import ClassUnit, choose_class_units, strongest_responses
from overcast.explain.colour_bar import ColourScale, bar_right
from overcast.explain.drawing import SMALLEST, draw_nothing, is_constant, short_head, shorten
from overcast.explain.samples import ExplainedSample
from overcast.explain.stages import Stage, outputs, stages, zeros
from overcast.html.figures import image_grid, picture_text
from overcast.html.page import Image, Section
from overcast.html.style import RESPONSE
from overcast.html.thumbnails import draw_sample
from overcast.prediction.trained_network import TrainedNetwork
from overcast.prepare.pack import Pack

SAMPLES, LAYERS, CHANNELS = 3, 5, 8
TITLE = translatable("Feature maps")


@dataclass(frozen=True)
class ShownLayer:
    """A layer, and the units of it whose maps are shown."""

    stage: Stage
    units: Sequence[ClassUnit]


def section(trained: TrainedNetwork, pack: Pack, rows: np.ndarray, samples: Sequence[ExplainedSample]) -> Section:
    """An image a sample: a row a layer. rows: samples to choose the units by."""
    x, length = zeros(pack.spec)
    convolutions = stages(trained.net, x, length)
    if not convolutions:
        why = translate("Left out: this network has no convolutions, so its layers keep no picture of the sample.")
        return Section(translate(TITLE), why)
    sides = [out.shape[2:] for out in outputs(trained.net, x, length, convolutions)]
    large = [stage for stage, side in zip(convolutions, sides, strict=True) if min(side) >= SMALLEST]
    layers = _choose_units(trained, pack, rows, evenly_spaced(large, LAYERS))
    how = _how(min(SAMPLES, len(samples)), len(layers))
    if coarse := [(stage, side) for stage, side in zip(convolutions, sides, strict=True) if stage not in large]:
        how += _left_out(coarse)
    shown = evenly_spaced(samples, SAMPLES) if layers else []
    images = [_image(trained, pack, sample, layers, f"maps-{n}.png") for n, sample in enumerate(shown, 1)]
    return Section(translate(TITLE), how, images)


def _how(n_samples: int, n_layers: int) -> str:
    if not n_layers:
        return ""
    return translate(
        "What comes out of the convolutions named below, and of the norm and activation layers right behind, for "
        "{samples} of the samples. A column is a class (named above the maps) and shows the unit that answers more to "
        "that class, over many samples, than all others. The brighter the stronger, on one scale a row. First edges "
        "and colours; further down fewer, coarser places, and more meaning.",
        samples=n_samples,
    )  # fmt: skip


def _left_out(coarse: Sequence[tuple[Stage, Sequence[int]]]) -> str:
    names = ", ".join(f"{stage.caption} ({'×'.join(map(str, side))})" for stage, side in coarse)
    return " " + translate(
        "Left out, with fewer than {smallest} places a side to point at: {names}.", smallest=SMALLEST, names=names
    )


def _choose_units(trained: TrainedNetwork, pack: Pack, rows: np.ndarray, wanted: Sequence[Stage]) -> list[ShownLayer]:
    if not wanted:
        return []
    values = strongest_responses(trained, pack, rows, wanted)
    n_classes = len(pack.spec.classes)
    return [
        ShownLayer(stage, choose_class_units(one, pack.labels[rows], n_classes, CHANNELS))
        for stage, one in zip(wanted, values, strict=True)
    ]


def _image(
    trained: TrainedNetwork, pack: Pack, sample: ExplainedSample, layers: Sequence[ShownLayer], file: str
) -> Image:
    spec = pack.spec
    x, length = sample.model_input(trained)
    maps = [out[0].float().numpy() for out in outputs(trained.net, x, length, [layer.stage for layer in layers])]
    columns = max(1, *(len(layer.units) for layer in layers))
    cell = 0.85 if spec.kind == "image" else 1.1
    figure, panels = image_grid(len(layers), columns + 1, cell, top=0.34, right=0.65)
    if spec.kind == "tokens":
        panels[0, 0].text(0, 0.5, "\n".join(spec.decode(sample.raw)[:8]), size=7, va="center")
    else:
        draw_sample(panels[0, 0], sample.raw)
    for row, (layer, values) in enumerate(zip(layers, maps, strict=True)):
        _draw_layer(panels[row, 1:], layer, values, spec)
    caption = translate(
        "{file}, taken for {label}", file=shorten(sample.name, 60), label=spec.classes[sample.predicted]
    )
    return Image.from_figure(file, figure, caption)


def _draw_layer(panels: np.ndarray, layer: ShownLayer, values: np.ndarray, spec: Spec) -> None:
    """The maps (C, H, W) or (C, T) of a layer's units, on one scale; a grey field for one without any response."""
    title = picture_text(
        "{layer}: {number} units, each a map of {places}",
        layer=layer.stage.caption, number=len(values), places="×".join(map(str, values.shape[1:])),
    )  # fmt: skip
    panels[0].text(0, 1.2, title, transform=panels[0].transAxes, size=8)
    if not layer.units or min(values.shape[1:]) < SMALLEST:  # a short sequence's are shorter than those of others
        draw_nothing(panels[0], translatable("too few places") if layer.units else translatable("all dead"))
        return
    over_time = spec.kind != "image"
    shown = values[[one.unit for one in layer.units]]
    low, high = min(float(shown.min()), 0.0), float(shown.max())
    for axes, one in zip(panels, layer.units, strict=False):
        axes.set_title(short_head(one.names(spec.classes), 13), size=7, pad=2)
        response = values[one.unit]
        if is_constant(response):
            draw_nothing(axes, translatable("no response") if not response.any() else translatable("constant"))
            continue
        picture = np.atleast_2d(response.T)[::-1] if over_time else response  # time to the right
        aspect: Literal["auto", "equal"] = "auto" if over_time else "equal"
        axes.imshow(picture, RESPONSE, vmin=low, vmax=high, interpolation="nearest", aspect=aspect)
    if high > low:
        bar_right(panels[len(layer.units) - 1], ColourScale(RESPONSE, low, high, translatable("response")))
