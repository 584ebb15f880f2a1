"""What speaks for a class in a sample: its occlusion map, integrated gradients and Grad-CAM, and a test of them."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn
from tqdm import tqdm

from overcast.core.spec import UNKNOWN
from overcast.explain import gradients, occlusion, sanity
from overcast.explain.figures import Found, plates
from overcast.explain.samples import ExplainedSample
from overcast.explain.stages import Stage, evenly, outputs, stages
from overcast.html.page import Paragraph, Part, Section
from overcast.prediction.trained_network import TrainedNetwork
from overcast.tracking.run_folder import Run

LIGHT = 30_000_000
"""Multiply-adds a sample, up to which a network is looked at closely: a minute on one slow core."""

COARSEST = 4  # places a side that Grad-CAM needs to point at something
CHECKED = 4  # samples whose maps are compared with those of random weights


@dataclass(frozen=True)
class Ways:
    """How closely to look and by which methods: positions of the square a side, steps, the layer for Grad-CAM."""

    positions: int
    steps: int
    gradient: bool
    last: Stage | None


@dataclass(frozen=True)
class Maps:
    """What each method found, and by how much the gradients' sum misses the difference of the logits."""

    found: Found
    miss: float


def maps(net: nn.Module, learner: TrainedNetwork, specimen: ExplainedSample, target: int, ways: Ways) -> Maps:
    """Every map of one sample for one class, by ``net`` in place of the learner's own network."""
    x, length = specimen.seen(learner)
    kind = learner.preprocessor.kind
    found: Found = {}
    miss = 0.0
    if kind == "image":
        found["occlusion"] = occlusion.picture(net, x, length, target, ways.positions)
    elif kind == "sequence":
        found["occlusion"] = occlusion.moments(net, x, length, target, 2 * ways.positions)
        found["bands"] = occlusion.bands(net, x, length, target, 2 * ways.positions)
    else:
        found["occlusion"] = occlusion.words(net, x, length, target, UNKNOWN)
    if ways.gradient:
        values, miss = gradients.integrated(net, x, length, target, ways.steps)
        found["gradients"] = values.sum(0) if kind == "image" else values
    if ways.last is not None and kind == "image":
        layer = dict(net.named_modules())[ways.last.name]
        assert isinstance(layer, nn.Conv2d)
        found["cam"] = gradients.cam(net, x, length, target, layer)
    return Maps(found, miss)


def closely(run: Run, learner: TrainedNetwork, specimen: ExplainedSample) -> Ways:
    """Every way that works for this network; fewer positions and steps for a large one, so that the cost is bounded."""
    x, length = specimen.seen(learner)
    light = run.facts["multiply_adds"] <= LIGHT
    gradient = gradients.differentiable(learner.net, x, length)
    return Ways(15 if light else 7, 48 if light else 16, gradient, _for_cam(learner, x, length) if gradient else None)


def _for_cam(learner: TrainedNetwork, x: Tensor, length: Tensor) -> Stage | None:
    """The last convolution over the picture whose output is not too coarse to point at a place."""
    found = [stage for stage in stages(learner.net, x, length) if isinstance(stage.layer, nn.Conv2d)]
    sides = [min(out.shape[2:]) for out in outputs(learner.net, x, length, found)]
    fine = [stage for stage, side in zip(found, sides, strict=True) if side >= COARSEST]
    return next(reversed(fine or found), None)


def section(run: Run, learner: TrainedNetwork, specimens: Sequence[ExplainedSample]) -> Section:
    """What speaks for a class in each sample, and whether the maps would be others with random weights."""
    ways = closely(run, learner, specimens[0])
    asked = [(specimen, target) for specimen in specimens for target in specimen.asked]
    checked = evenly(range(len(asked)), CHECKED)  # they come class by class
    random = sanity.shuffled(learner.net, run.config.seed)
    parts: list[Part] = []
    agreed: dict[str, list[tuple[float, float]]] = {}
    misses: list[float] = []
    waits = 0.5 if sys.stderr.isatty() else 10
    for number, (specimen, target) in enumerate(tqdm(asked, "explain", unit="map", mininterval=waits, leave=False)):
        found = maps(learner.net, learner, specimen, target, ways)
        misses.append(found.miss)
        parts += plates(run.spec, specimen, target, found.found, f"evidence-{number + 1}.png")
        if number in checked:
            other = maps(random, learner, specimen, target, ways)
            for name, values in found.found.items():
                both = (values, other.found[name])
                pair = (sanity.correlation(*both), sanity.correlation(*map(np.abs, both)))
                agreed.setdefault(name, []).append(pair)
    words = [Paragraph(_sane(agreed))]
    if not ways.gradient:
        words.append(
            Paragraph("Integrated gradients and Grad-CAM are left out: the network passes no gradient to its inputs.")
        )
    elif misses:
        words.append(
            Paragraph(f"Integrated gradients add up to the difference of the logits to within {max(misses):.2g}.")
        )
    return Section(
        "What speaks for a class", _COMMON + _COVERED[run.spec.kind] + _CAM * bool(ways.last), [*words, *parts]
    )


_COMMON = (
    "One sample a class that the network gets right and is neither very sure nor very unsure of, then its surest "
    "mistakes, each for the class it was taken for and for the true one; or the files given. Red speaks for the class, "
    "blue against it. "
)
_COVERED = {
    "image": "Occlusion: the probability lost when a grey square covers the place. Integrated gradients: what each "
    "pixel adds to the class's logit against a mean picture. ",
    "sequence": "Occlusion: the probability lost when a moment, or a band for all the time, is set to the mean. "
    "Integrated gradients: what each value adds to the class's logit against a mean sequence. ",
    "tokens": "Left out: the probability lost without the word. Integrated gradients (the sentence's colours): what "
    "each word adds to the class's logit against no words. “?” is a word that the data set does not have. ",
}
_CAM = f"Grad-CAM: where the last convolution with at least {COARSEST} places a side sees the class."


NAMES = {
    "occlusion": "occlusion",
    "bands": "occlusion of bands",
    "gradients": "integrated gradients",
    "cam": "Grad-CAM",
}


def _sane(agreed: dict[str, list[tuple[float, float]]]) -> str:
    """One line: how much the maps agree with those of random weights."""
    told = [
        f"{NAMES[name]} ρ = {np.mean([s for s, _ in pairs]):.2f} (sizes alone: {np.mean([a for _, a in pairs]):.2f})"
        for name, pairs in agreed.items()
    ]
    said = (
        f"Sanity: with random weights in their place the maps correlate {'; '.join(told)}, the mean of "
        f"{len(next(iter(agreed.values())))} rank correlations. A map near 1 shows the sample, not what was learned."
    )
    return re.sub(r"-(?=\d)", "−", said.replace("-0.00", "0.00"))
