"""The maps of one sample as pictures: over the picture, beside the sequence, as colours of a sentence's words."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from overcast.core.spec import SEQUENCES, Spec
from overcast.explain.drawing import draw_signed_map, shorten
from overcast.explain.samples import ExplainedSample
from overcast.html.figures import canvas, image_grid
from overcast.html.page import Image, Paragraph
from overcast.html.style import NEGATIVE, POSITIVE, SIGNED
from overcast.html.thumbnails import draw_sample

FAINTEST = 0.05
"""A fall in probability this small is drawn pale, whatever the largest of the sample is."""

METHOD_NAMES = {
    "occlusion": "occlusion",
    "bands": "occlusion of bands",
    "gradients": "integrated gradients",
    "cam": "Grad-CAM",
}

Attributions = dict[str, np.ndarray]
"""By method: "occlusion" (H, W) or (T,), "bands" (F,), "gradients" (H, W), (T, F) or (T,), "cam" (H, W)."""


def describe_prediction(spec: Spec, sample: ExplainedSample, target: int) -> str:
    """As in "foggy/3.png: rightly taken for foggy (61%)", or "…: is foggy, taken for rainy (61%); for foggy"."""
    outcome = f"taken for {spec.classes[sample.predicted]} ({sample.probabilities[sample.predicted]:.0%})"
    if sample.label is None:
        return f"{shorten(sample.name, 60)}: {outcome}"
    if sample.label == sample.predicted:
        return f"{shorten(sample.name, 60)}: rightly {outcome}"
    return f"{shorten(sample.name, 60)}: is {spec.classes[sample.label]}, {outcome}; for {spec.classes[target]}"


def attribution_figures(
    spec: Spec, sample: ExplainedSample, target: int, attributions: Attributions, file: str
) -> Sequence[Image | Paragraph]:
    """The maps of one sample as one picture; before a sentence's, the sentence with its words coloured."""
    caption = describe_prediction(spec, sample, target)
    if spec.kind == "image":
        return [Image.from_figure(file, _pictures(sample, attributions), caption)]
    if spec.kind in SEQUENCES:
        return [Image.from_figure(file, _sequence(sample, attributions), caption)]
    words = spec.decode(sample.raw)
    values = attributions.get("gradients", attributions["occlusion"])
    sentence = Markup("{}<br>{}").format(caption, coloured(words, values))
    return [Paragraph(sentence), Image.from_figure(file, _bars(words, attributions))]


def _pictures(sample: ExplainedSample, attributions: Attributions) -> Figure:
    figure, panels = image_grid(1, 1 + len(attributions), 1.22, top=0.2, left=0.05)
    draw_sample(panels[0, 0], sample.raw)
    for axes, (name, values) in zip(panels[0, 1:], attributions.items(), strict=True):
        if name == "gradients":  # a few pixels would outshine the rest
            draw_signed_map(axes, values, sample.raw, limit=float(np.quantile(np.abs(values), 0.99)))
        else:
            draw_signed_map(axes, values, sample.raw, limit=max(float(np.abs(values).max()), FAINTEST))
        axes.set_title(f"{METHOD_NAMES[name]}{_detail(name, values)}", size=7, pad=3)
    return figure


def _detail(name: str, values: np.ndarray) -> str:
    if name == "occlusion":
        return f" (at most {max(values.max(), 0):.0%})"
    return "" if values.any() else ": nothing"


def _sequence(sample: ExplainedSample, attributions: Attributions) -> Figure:
    """The sequence with what each moment is worth below it and each band beside it; its integrated gradients."""
    both = "gradients" in attributions
    ratios = {"width_ratios": [4, 1, 4][: 2 + both], "height_ratios": [3, 1]}
    figure, panels = canvas(4.6 + 3.6 * both, 3.2, 2, 2 + both, gridspec_kw=ratios)
    for axes in panels.ravel():
        axes.tick_params(labelsize=7)
    for axis in [*(axes.yaxis for axes in panels[0]), *(axes.xaxis for axes in panels[:, ::2].ravel())]:
        axis.set_major_locator(MaxNLocator(integer=True))  # a step or a feature has no halves
    steps, features = sample.raw.shape
    draw_sample(panels[0, 0], sample.raw)
    panels[0, 0].set_title("the sample: time →, feature ↑", size=8)
    worth, bands = attributions["occlusion"], attributions["bands"]
    panels[1, 0].bar(np.arange(steps), worth, width=1.0, color=np.where(worth > 0, POSITIVE, NEGATIVE))
    panels[1, 0].set(xlim=(-0.5, steps - 0.5))
    panels[1, 0].set_title("lost when this moment is covered", size=8)
    panels[0, 1].barh(np.arange(features), bands, height=1.0, color=np.where(bands > 0, POSITIVE, NEGATIVE))
    panels[0, 1].set(ylim=(-0.5, features - 0.5))
    panels[0, 1].set_title("… this band", size=8)
    panels[1, 1].set_axis_off()
    if both:
        values = attributions["gradients"].T
        limit = float(np.quantile(np.abs(values), 0.99)) or 1.0
        panels[0, 2].imshow(
            values, cmap=SIGNED, vmin=-limit, vmax=limit, aspect="auto", origin="lower", interpolation="nearest"
        )
        panels[0, 2].set_title(METHOD_NAMES["gradients"], size=8)
        total = values.sum(0)
        panels[1, 2].bar(np.arange(steps), total, width=1.0, color=np.where(total > 0, POSITIVE, NEGATIVE))
        panels[1, 2].set(xlim=(-0.5, steps - 0.5))
        panels[1, 2].set_title("their sum over the features", size=8)
    return figure


def _bars(words: Sequence[str], attributions: Attributions) -> Figure:
    high = 0.6 + 0.16 * len(words)
    figure, (panels,) = canvas(1.6 + 2.6 * len(attributions), high, columns=len(attributions), sharey=True)
    for axes, (name, values) in zip(panels, attributions.items(), strict=True):
        axes.barh(np.arange(len(words)), values, color=np.where(values > 0, POSITIVE, NEGATIVE))
        axes.axvline(0, color="black", linewidth=0.6)
        axes.set_title("left out: probability lost" if name == "occlusion" else METHOD_NAMES[name], size=8)
        axes.tick_params(labelsize=8)
    panels[0].set_yticks(range(len(words)), words)
    panels[0].set_ylim(len(words) - 0.4, -0.6)
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
