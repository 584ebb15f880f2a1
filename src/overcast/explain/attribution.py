"""What speaks for a class in a sample: its occlusion map, integrated gradients and Grad-CAM, and a test of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from overcast.core.progress import progress_bar
from overcast.core.spacing import evenly_spaced
from overcast.core.spec import SEQUENCES, UNKNOWN, Kind
from overcast.core.words import translatable, translate
from overcast.explain import gradients, occlusion, sanity
from overcast.explain.drawing import SMALLEST
from overcast.explain.figures import METHOD_NAMES, Attributions, attribution_figures
from overcast.explain.samples import ExplainedSample
from overcast.explain.sanity import Check
from overcast.explain.stages import Stage, outputs, stages
from overcast.html.page import BulletList, Callout, Paragraph, Part, Section
from overcast.prediction.trained_network import TrainedNetwork
from overcast.tracking.run_folder import Run

LIGHT = 30_000_000
"""Multiply-adds a sample, up to which a network is looked at closely: a minute on one slow core."""

COMPLETE = 0.05  # of the difference of the logits, that integrated gradients may miss
CHECKED = 4  # samples whose maps are compared with those of random weights


@dataclass(frozen=True)
class Methods:
    """How closely to look and by which methods: positions of the square a side, steps, the layer for Grad-CAM.

    coarse: whether there are convolutions, but all too coarse for Grad-CAM.
    """

    positions: int
    steps: int
    gradient: bool
    last: Stage | None
    coarse: bool = False


@dataclass(frozen=True)
class Maps:
    """What each method found, and by how much the gradients' sum misses the difference of the logits."""

    by_method: Attributions
    miss: float

    @property
    def relative_miss(self) -> float:
        """The miss against the difference, or against a tenth of a logit where that is more."""
        return self.miss / max(abs(float(self.by_method.get("gradients", np.zeros(1)).sum())), 0.1)


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
    if methods.last is not None:
        layer = dict(net.named_modules())[methods.last.name]
        assert isinstance(layer, nn.Conv2d)
        by_method["cam"] = gradients.grad_cam(net, x, length, target, layer)
    return Maps(by_method, miss)


def choose_methods(run: Run, trained: TrainedNetwork, sample: ExplainedSample) -> Methods:
    """Every way that works for this network; fewer positions and steps for a large one, so that the cost is bounded."""
    x, length = sample.model_input(trained)
    light = run.facts["multiply_adds"] <= LIGHT
    gradient = gradients.passes_gradient(trained.net, x, length)
    pictures = gradient and trained.preprocessor.kind == "image"
    last = _cam_stage(trained, x, length) if pictures else None
    coarse = pictures and last is None and bool(stages(trained.net, x, length))
    return Methods(15 if light else 7, 48 if light else 16, gradient, last, coarse)


def _cam_stage(trained: TrainedNetwork, x: Tensor, length: Tensor) -> Stage | None:
    """The last convolution over the picture whose output is not too coarse to point at a place."""
    convolutions = [stage for stage in stages(trained.net, x, length) if isinstance(stage.layer, nn.Conv2d)]
    sides = [min(out.shape[2:]) for out in outputs(trained.net, x, length, convolutions)]
    fine = [stage for stage, side in zip(convolutions, sides, strict=True) if side >= SMALLEST]
    return next(reversed(fine), None)


def section(run: Run, trained: TrainedNetwork, samples: Sequence[ExplainedSample]) -> Section:
    """What speaks for a class in each sample, and whether the maps would be others with random weights."""
    methods = choose_methods(run, trained, samples[0])
    explained = [(sample, target) for sample in samples for target in sample.targets]
    checked = evenly_spaced(range(len(explained)), CHECKED)  # they come class by class
    random = sanity.shuffle_weights(trained.net, run.config.seed)
    parts: list[Part] = []
    compared: list[tuple[Attributions, Attributions]] = []
    misses: list[float] = []
    for number, (sample, target) in enumerate(progress_bar(explained, "explain", "map")):
        sample_maps = maps(trained.net, trained, sample, target, methods)
        misses.append(sample_maps.relative_miss)
        parts += attribution_figures(run.spec, sample, target, sample_maps.by_method, f"attribution-{number + 1}.png")
        if number in checked:
            compared.append((sample_maps.by_method, maps(random, trained, sample, target, methods).by_method))
    checks = _checks(compared)
    paragraphs: list[Part] = [Callout(sanity.verdict(checks)), BulletList([check.sentence() for check in checks])]
    paragraphs += map(Paragraph, _completeness(methods, misses))
    return Section(translate("What speaks for a class"), _how(run.spec.kind, methods), [*paragraphs, *parts])


def _checks(compared: Sequence[tuple[Attributions, Attributions]]) -> list[Check]:
    """For each method, how the maps agree with those of random weights; maps that are the same everywhere are none."""
    checks = []
    for name in compared[0][0]:
        pairs = [(learned[name], other[name]) for learned, other in compared if np.ptp(learned[name])]
        signed = [sanity.correlation(*pair) for pair in pairs]
        sizes = [sanity.correlation(*map(np.abs, pair)) for pair in pairs]
        checks.append(Check(translate(METHOD_NAMES[name]), signed, sizes))
    return checks


def _completeness(methods: Methods, misses: Sequence[float]) -> list[str]:
    """Whether integrated gradients add up, or why there are none."""
    if not methods.gradient:
        return [
            translate("Integrated gradients and Grad-CAM are left out: the network passes no gradient to its inputs.")
        ]
    answer = translate("yes") if max(misses) <= COMPLETE else translate("not quite")
    return [
        translate(
            "Integrated gradients add up to the difference of the logits: {answer} (at worst they miss it by "
            "{miss:.1%}).",
            answer=answer,
            miss=max(misses),
        )
    ]


COMMON = translatable(
    "One sample a class that the network gets right and is neither very sure nor very unsure of, then its surest "
    "mistakes, each for the class it was taken for and for the true one; or the files given. Red speaks for the class, "
    "blue against it."
)
SEQUENCE = translatable(
    "Occlusion: the probability lost when a moment, or a band for all the time, is set to the mean. "
    "Integrated gradients: what each value adds to the class's logit against a mean sequence."
)
METHODS = {
    "image": translatable(
        "Occlusion: the probability lost when a grey square covers the place. Integrated gradients: what each "
        "pixel adds to the class's logit against a mean picture."
    ),
    "tokens": translatable(
        "Left out: the probability lost without the word. Integrated gradients (the sentence's colours): what "
        "each word adds to the class's logit against no words. “?” is a word that the data set does not have."
    ),
} | dict.fromkeys(SEQUENCES, SEQUENCE)


def _how(kind: Kind, methods: Methods) -> str:
    sentences = [translate(COMMON), translate(METHODS[kind])]
    if methods.last is not None:
        sentences.append(translate("Grad-CAM: where {layer} sees the class.", layer=methods.last.caption))
    elif methods.coarse:
        sentences.append(
            translate("Grad-CAM is left out: no convolution has {smallest} places a side.", smallest=SMALLEST)
        )
    return " ".join(sentences)
