"""What speaks for a class in a sample: its occlusion map, integrated gradients and Grad-CAM, and a test of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from overcast.core.progress import progress_bar
from overcast.core.spacing import evenly_spaced
from overcast.core.spec import SEQUENCES, UNKNOWN
from overcast.explain import gradients, occlusion, sanity
from overcast.explain.figures import METHOD_NAMES, Attributions, attribution_figures
from overcast.explain.samples import ExplainedSample
from overcast.explain.stages import Stage, outputs, stages
from overcast.html.page import Paragraph, Part, Section
from overcast.prediction.trained_network import TrainedNetwork
from overcast.tracking.run_folder import Run

LIGHT = 30_000_000
"""Multiply-adds a sample, up to which a network is looked at closely: a minute on one slow core."""

COARSEST = 4  # places a side that Grad-CAM needs to point at something
CHECKED = 4  # samples whose maps are compared with those of random weights


@dataclass(frozen=True)
class Methods:
    """How closely to look and by which methods: positions of the square a side, steps, the layer for Grad-CAM."""

    positions: int
    steps: int
    gradient: bool
    last: Stage | None


@dataclass(frozen=True)
class Maps:
    """What each method found, and by how much the gradients' sum misses the difference of the logits."""

    by_method: Attributions
    miss: float


def maps(net: nn.Module, trained: TrainedNetwork, sample: ExplainedSample, target: int, methods: Methods) -> Maps:
    """Every map of one sample for one class, by ``net`` in place of the trained network itself."""
    x, length = sample.model_input(trained)
    kind = trained.preprocessor.kind
    by_method: Attributions = {}
    miss = 0.0
    if kind == "image":
        by_method["occlusion"] = occlusion.picture(net, x, length, target, methods.positions)
    elif kind in SEQUENCES:
        by_method["occlusion"] = occlusion.moments(net, x, length, target, 2 * methods.positions)
        by_method["bands"] = occlusion.bands(net, x, length, target, 2 * methods.positions)
    else:
        by_method["occlusion"] = occlusion.words(net, x, length, target, UNKNOWN)
    if methods.gradient:
        values, miss = gradients.integrated_gradients(net, x, length, target, methods.steps)
        by_method["gradients"] = values.sum(0) if kind == "image" else values
    if methods.last is not None and kind == "image":
        layer = dict(net.named_modules())[methods.last.name]
        assert isinstance(layer, nn.Conv2d)
        by_method["cam"] = gradients.grad_cam(net, x, length, target, layer)
    return Maps(by_method, miss)


def choose_methods(run: Run, trained: TrainedNetwork, sample: ExplainedSample) -> Methods:
    """Every way that works for this network; fewer positions and steps for a large one, so that the cost is bounded."""
    x, length = sample.model_input(trained)
    light = run.facts["multiply_adds"] <= LIGHT
    gradient = gradients.passes_gradient(trained.net, x, length)
    return Methods(
        15 if light else 7, 48 if light else 16, gradient, _cam_stage(trained, x, length) if gradient else None
    )


def _cam_stage(trained: TrainedNetwork, x: Tensor, length: Tensor) -> Stage | None:
    """The last convolution over the picture whose output is not too coarse to point at a place."""
    convolutions = [stage for stage in stages(trained.net, x, length) if isinstance(stage.layer, nn.Conv2d)]
    sides = [min(out.shape[2:]) for out in outputs(trained.net, x, length, convolutions)]
    fine = [stage for stage, side in zip(convolutions, sides, strict=True) if side >= COARSEST]
    return next(reversed(fine or convolutions), None)


def section(run: Run, trained: TrainedNetwork, samples: Sequence[ExplainedSample]) -> Section:
    """What speaks for a class in each sample, and whether the maps would be others with random weights."""
    methods = choose_methods(run, trained, samples[0])
    explained = [(sample, target) for sample in samples for target in sample.targets]
    checked = evenly_spaced(range(len(explained)), CHECKED)  # they come class by class
    random = sanity.shuffle_weights(trained.net, run.config.seed)
    parts: list[Part] = []
    correlations: dict[str, list[tuple[float, float]]] = {}
    misses: list[float] = []
    for number, (sample, target) in enumerate(progress_bar(explained, "explain", "map")):
        sample_maps = maps(trained.net, trained, sample, target, methods)
        misses.append(sample_maps.miss)
        parts += attribution_figures(run.spec, sample, target, sample_maps.by_method, f"attribution-{number + 1}.png")
        if number in checked:
            other = maps(random, trained, sample, target, methods)
            for name, values in sample_maps.by_method.items():
                both = (values, other.by_method[name])
                pair = (sanity.correlation(*both), sanity.correlation(*map(np.abs, both)))
                correlations.setdefault(name, []).append(pair)
    paragraphs = [Paragraph(_sanity_line(correlations))]
    if not methods.gradient:
        paragraphs.append(
            Paragraph("Integrated gradients and Grad-CAM are left out: the network passes no gradient to its inputs.")
        )
    elif misses:
        paragraphs.append(
            Paragraph(f"Integrated gradients add up to the difference of the logits to within {max(misses):.2g}.")
        )
    return Section(
        "What speaks for a class", _COMMON + _COVERED[run.spec.kind] + _CAM * bool(methods.last), [*paragraphs, *parts]
    )


_COMMON = (
    "One sample a class that the network gets right and is neither very sure nor very unsure of, then its surest "
    "mistakes, each for the class it was taken for and for the true one; or the files given. Red speaks for the class, "
    "blue against it. "
)
_COVERED = {
    "image": "Occlusion: the probability lost when a grey square covers the place. Integrated gradients: what each "
    "pixel adds to the class's logit against a mean picture. ",
    "tokens": "Left out: the probability lost without the word. Integrated gradients (the sentence's colours): what "
    "each word adds to the class's logit against no words. “?” is a word that the data set does not have. ",
} | dict.fromkeys(
    SEQUENCES,
    "Occlusion: the probability lost when a moment, or a band for all the time, is set to the mean. "
    "Integrated gradients: what each value adds to the class's logit against a mean sequence. ",
)
_CAM = f"Grad-CAM: where the last convolution with at least {COARSEST} places a side sees the class."


def _sanity_line(correlations: dict[str, list[tuple[float, float]]]) -> str:
    """One line: how much the maps agree with those of random weights."""
    by_method = [
        f"{METHOD_NAMES[name]} ρ = {signed:.2f} (sizes alone: {sizes:.2f})"
        for name, (signed, sizes) in ((name, np.mean(pairs, axis=0)) for name, pairs in correlations.items())
    ]
    line = (
        f"Sanity: with random weights in their place the maps correlate {'; '.join(by_method)}, the mean of "
        f"{len(next(iter(correlations.values())))} rank correlations. A map near 1 shows the sample, not what was "
        "learned."
    )
    return re.sub(r"-(?=\d)", "−", line.replace("-0.00", "0.00"))
