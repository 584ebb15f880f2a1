"""Feature maps: what comes out of each convolution for one sample, its strongest channels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import nn

from overcast.core.spacing import evenly_spaced
from overcast.core.spec import Spec
from overcast.explain.drawing import shorten
from overcast.explain.samples import ExplainedSample
from overcast.explain.stages import outputs, stages
from overcast.html.figures import image_grid
from overcast.html.page import Image, Section
from overcast.html.style import RESPONSE
from overcast.html.thumbnails import draw_sample
from overcast.prediction.trained_network import TrainedNetwork

SAMPLES, LAYERS, CHANNELS = 3, 5, 8
TITLE = "Feature maps"


def section(trained: TrainedNetwork, spec: Spec, samples: Sequence[ExplainedSample]) -> Section:
    """An image a sample: a row a layer."""
    if not stages(trained.net, *samples[0].model_input(trained)):
        return Section(
            TITLE, "Left out: this network has no convolutions, so its layers keep no picture of the sample."
        )
    how = (
        "What comes out of each convolution, and of the norm and activation layers right behind it, for "
        f"{min(SAMPLES, len(samples))} of the samples: the {CHANNELS} channels that respond most, the brighter the "
        "stronger, on one scale a row. First edges and colours; further down fewer, coarser places, and more meaning."
    )
    images = [
        _image(trained, spec, sample, f"maps-{n}.png") for n, sample in enumerate(evenly_spaced(samples, SAMPLES), 1)
    ]
    return Section(TITLE, how, images)


def _image(trained: TrainedNetwork, spec: Spec, sample: ExplainedSample, file: str) -> Image:
    x, length = sample.model_input(trained)
    wanted = evenly_spaced(stages(trained.net, x, length), LAYERS)
    maps = [out[0].float().numpy() for out in outputs(trained.net, x, length, wanted)]
    plain = spec.kind == "image"
    cell = 0.85 if plain else 1.1
    figure, panels = image_grid(len(wanted), CHANNELS + 1, cell, top=0.22)
    if spec.kind == "tokens":
        words = spec.decode(sample.raw)
        panels[0, 0].text(0, 0.5, "\n".join(words[:8]), size=7, va="center")
    else:
        draw_sample(panels[0, 0], sample.raw)
    for row, (stage, values) in enumerate(zip(wanted, maps, strict=True)):
        best = np.argsort(-np.abs(values).reshape(len(values), -1).mean(1), kind="stable")[:CHANNELS]
        limit = float(values[best].max())
        low = min(float(values[best].min()), 0.0)
        panels[row, 1].set_title(f"{stage.name}: {_size(stage.layer, values)}", size=8, loc="left", pad=3)
        for axes, channel in zip(panels[row, 1:], best, strict=False):
            one = values[channel] if plain else np.atleast_2d(values[channel].T)[::-1]  # time to the right
            axes.imshow(
                one,
                cmap=RESPONSE,
                vmin=low,
                vmax=limit or 1.0,
                interpolation="nearest",
                aspect="equal" if plain else "auto",
            )
    caption = f"{shorten(sample.name, 60)}, taken for {spec.classes[sample.predicted]}"
    return Image.from_figure(file, figure, caption)


def _size(layer: nn.Module, values: np.ndarray) -> str:
    return f"{len(values)} channels of {'×'.join(map(str, values.shape[1:]))}"
