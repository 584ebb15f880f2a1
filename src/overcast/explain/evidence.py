"""What speaks for a class in one sample: its occlusion map, integrated gradients and Grad-CAM, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from torch import nn

from overcast.explain import attribution, occlusion
from overcast.explain.drawing import DPI, SIGNED, grid, short, show, signed
from overcast.explain.specimens import Specimen
from overcast.explain.stages import Stage
from overcast.learner import Learner
from overcast.report.sheet import Plate, Words, drawn
from overcast.spec import UNKNOWN, Spec

RED, BLUE = "#b2182b", "#2166ac"


@dataclass(frozen=True)
class Ways:
    """How closely to look and by which methods: positions of the square a side, steps, the layer for Grad-CAM."""

    positions: int
    steps: int
    gradient: bool
    last: Stage | None


@dataclass(frozen=True)
class Maps:
    """By method: "occlusion" (H, W) or (T,), "bands" (F,), "gradients" (H, W), (T, F) or (T,), "cam" (H, W).

    miss: by how much the gradients' sum misses the difference of the logits.
    """

    found: dict[str, np.ndarray]
    miss: float


def maps(net: nn.Module, learner: Learner, specimen: Specimen, target: int, ways: Ways) -> Maps:
    """Every map of one sample for one class, by ``net`` in place of the learner's own network."""
    x, length = specimen.seen(learner)
    kind = learner.inputs.kind
    found, miss = {}, 0.0
    if kind == "image":
        found["occlusion"] = occlusion.picture(net, x, length, target, ways.positions)
    elif kind == "sequence":
        found["occlusion"] = occlusion.moments(net, x, length, target, 2 * ways.positions)
        found["bands"] = occlusion.bands(net, x, length, target, 2 * ways.positions)
    else:
        found["occlusion"] = occlusion.words(net, x, length, target, UNKNOWN)
    if ways.gradient:
        values, miss = attribution.integrated(net, x, length, target, ways.steps)
        found["gradients"] = values.sum(0) if kind == "image" else values
    if ways.last is not None and kind == "image":
        layer = dict(net.named_modules())[ways.last.name]
        assert isinstance(layer, nn.Conv2d)
        found["cam"] = attribution.cam(net, x, length, target, layer)
    return Maps(found, miss)


def told(spec: Spec, specimen: Specimen, target: int) -> str:
    """As in "foggy/3.png · is foggy · taken for rainy (61 %) · what speaks for foggy"."""
    truth = f" · is {spec.classes[specimen.label]}" if specimen.label is not None else ""
    said = f"taken for {spec.classes[specimen.said]} ({specimen.probabilities[specimen.said]:.0%})"
    return f"{short(specimen.name, 60)}{truth} · {said} · what speaks for {spec.classes[target]}"


def plates(spec: Spec, specimen: Specimen, target: int, found: Maps, file: str) -> Sequence[Plate | Words]:
    """The maps of one sample as one picture; before a sentence's, the sentence with its words coloured."""
    caption = told(spec, specimen, target)
    if spec.kind == "image":
        return [drawn(file, _pictures(specimen, found), caption)]
    if spec.kind == "sequence":
        return [drawn(file, _sequence(specimen, found), caption)]
    words = [spec.vocabulary[i - 2] if i > 1 else "?" for i in specimen.raw]
    values = found.found.get("gradients", found.found["occlusion"])
    return [Words(Markup("{}<br>{}").format(caption, coloured(words, values))), drawn(file, _bars(words, found))]


TITLES = {"occlusion": "occlusion", "gradients": "integrated gradients", "cam": "Grad-CAM"}


def _pictures(specimen: Specimen, found: Maps) -> Figure:
    shown = {name: values for name, values in found.found.items() if name in TITLES}
    figure, panels = grid(1, 1 + len(shown), 1.22, top=0.2, left=0.05)
    show(panels[0, 0], specimen.raw)
    for axes, (name, values) in zip(panels[0, 1:], shown.items(), strict=True):
        if name == "gradients":  # a few pixels would outshine the rest
            signed(axes, values, specimen.raw, limit=float(np.quantile(np.abs(values), 0.99)))
        else:
            signed(axes, values, specimen.raw)
        detail = (
            f" (at most {max(values.max(), 0):.0%})" if name == "occlusion" else ": nothing" if not values.any() else ""
        )
        axes.set_title(TITLES[name] + detail, size=7, pad=3)
    return figure


def _sequence(specimen: Specimen, found: Maps) -> Figure:
    """The sequence with what each moment is worth below it and each band beside it; its integrated gradients."""
    both = "gradients" in found.found
    figure = Figure(figsize=(4.6 + 3.6 * both, 3.2), layout="constrained", dpi=DPI)
    ratios = {"width_ratios": [4, 1, 4][: 2 + both], "height_ratios": [3, 1]}
    panels = figure.subplots(2, 2 + both, gridspec_kw=ratios)
    for axes in panels.ravel():
        axes.tick_params(labelsize=7)
    steps, features = specimen.raw.shape
    show(panels[0, 0], specimen.raw)
    panels[0, 0].set_title("the sample: time →, feature ↑", size=8)
    worth, bands = found.found["occlusion"], found.found["bands"]
    panels[1, 0].bar(np.arange(steps), worth, width=1.0, color=np.where(worth > 0, RED, BLUE))
    panels[1, 0].set(xlim=(-0.5, steps - 0.5))
    panels[1, 0].set_title("lost when this moment is covered", size=8)
    panels[0, 1].barh(np.arange(features), bands, height=1.0, color=np.where(bands > 0, RED, BLUE))
    panels[0, 1].set(ylim=(-0.5, features - 0.5))
    panels[0, 1].set_title("… this band", size=8)
    panels[1, 1].set_axis_off()
    if both:
        values = found.found["gradients"].T
        limit = float(np.quantile(np.abs(values), 0.99)) or 1.0
        panels[0, 2].imshow(
            values, cmap=SIGNED, vmin=-limit, vmax=limit, aspect="auto", origin="lower", interpolation="nearest"
        )
        panels[0, 2].set_title("integrated gradients", size=8)
        total = values.sum(0)
        panels[1, 2].bar(np.arange(steps), total, width=1.0, color=np.where(total > 0, RED, BLUE))
        panels[1, 2].set(xlim=(-0.5, steps - 0.5))
        panels[1, 2].set_title("their sum over the features", size=8)
    return figure


def _bars(words: Sequence[str], found: Maps) -> Figure:
    shown = {name: values for name, values in found.found.items() if name in TITLES}
    high = 0.6 + 0.19 * len(words)
    figure = Figure(figsize=(1.6 + 2.6 * len(shown), high), layout="constrained", dpi=DPI)
    panels = figure.subplots(1, len(shown), squeeze=False, sharey=True)[0]
    for axes, (name, values) in zip(panels, shown.items(), strict=True):
        axes.barh(np.arange(len(words)), values, color=np.where(values > 0, RED, BLUE))
        axes.axvline(0, color="black", linewidth=0.6)
        axes.set_title("left out: probability lost" if name == "occlusion" else TITLES[name], size=8)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(words)), words)
    panels[0].invert_yaxis()
    return figure


def coloured(words: Sequence[str], values: np.ndarray) -> Markup:
    """The sentence, each word on red where it speaks for the class and on blue where against, the more the deeper."""
    limit = float(np.abs(values).max()) or 1.0
    shades = mpl.colormaps[SIGNED](0.5 + 0.32 * values / limit)  # (T, 4): never so deep that black is hard to read
    marked = [
        f'<mark style="background: {mpl.colors.to_hex(shade)}" title="{value:+.3f}">{escape(word)}</mark>'
        for word, value, shade in zip(words, values, shades, strict=True)
    ]
    return Markup(" ".join(marked))  # the words are escaped above
