"""The maps of one sample as pictures: over the picture, beside the sequence, as colours of a sentence's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import matplotlib as mpl
import numpy as np
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from overcast.core.spec import SEQUENCES, Spec
from overcast.core.words import translatable, translate
from overcast.explain.colour_bar import bar_below, percent, plain_number
from overcast.explain.drawing import draw_nothing, draw_signed_map, is_constant, shorten, signed_scale
from overcast.explain.samples import ExplainedSample
from overcast.html.figures import canvas, image_grid, picture_text
from overcast.html.page import Image, Paragraph
from overcast.html.style import NEGATIVE, POSITIVE, SAMPLE, SIGNED
from overcast.html.thumbnails import draw_sample

FAINTEST = 0.05
"""A fall in probability this small is drawn pale, whatever the largest of the sample is."""

LEAST = 0.005
"""One smaller than this is nothing to be seen."""

METHOD_NAMES = {
    "occlusion": translatable("occlusion"),
    "bands": translatable("occlusion of bands"),
    "gradients": translatable("integrated gradients"),
    "cam": translatable("Grad-CAM"),
}
UNITS = {
    "occlusion": translatable("probability lost"),
    "gradients": translatable("added to the logit"),
    "cam": translatable("gradient × response"),
}
"""What the numbers of each method's maps are."""

MOST_WORDS = 40  # of a long text, as bars: those that say most
MOST_MARKED = 120  # and as coloured words

Attributions = dict[str, np.ndarray]
"""By method: "occlusion" (H, W) or (T,), "bands" (F,), "gradients" (H, W), (T, F) or (T,), "cam" (H, W)."""


def describe_prediction(spec: Spec, sample: ExplainedSample, target: int) -> str:
    """As in "foggy/3.png: rightly taken for foggy (61%)", or "…: is foggy, taken for rainy (61%); for foggy"."""
    values = {
        "file": shorten(sample.name, 60), "label": spec.classes[sample.predicted],
        "probability": sample.probabilities[sample.predicted],
    }  # fmt: skip
    if sample.label is None:
        return translate("{file}: taken for {label} ({probability:.0%})", **values)
    if sample.label == sample.predicted:
        return translate("{file}: rightly taken for {label} ({probability:.0%})", **values)
    true, explained = spec.classes[sample.label], spec.classes[target]
    return translate(
        "{file}: is {true}, taken for {label} ({probability:.0%}); for {explained}",
        true=true, explained=explained, **values,
    )  # fmt: skip


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
    name = METHOD_NAMES["gradients" if "gradients" in attributions else "occlusion"]
    sentence = Markup("{}<br>{}<br>{}").format(caption, coloured(words, values), _legend(values, name))
    return [Paragraph(sentence), Image.from_figure(file, _bars(words, attributions), _bars_caption(words))]


def _legend(values: np.ndarray, name: str) -> Markup:
    """From which number to which the words' colours go."""
    limit = float(np.abs(values).max()) or 1.0
    ends = Markup(" ").join(
        Markup('<mark style="background: {}">{}</mark>').format(_shade(end), f"{end * limit:+.2g}".replace("-", "−"))
        for end in (-1.0, 1.0)
    )
    return Markup("{}: {}").format(translate(name), ends)


def _pictures(sample: ExplainedSample, attributions: Attributions) -> Figure:
    figure, panels = image_grid(1, 1 + len(attributions), 1.22, top=0.2, left=0.05, bottom=0.45)
    draw_sample(panels[0, 0], sample.raw)
    for axes, (name, values) in zip(panels[0, 1:], attributions.items(), strict=True):
        axes.set_title(picture_text(METHOD_NAMES[name]), size=7, pad=3)
        if why := _nothing(name, values):
            draw_nothing(axes, why)
            continue
        limit = _limit(name, values)
        draw_signed_map(axes, values, sample.raw, limit)
        scale = signed_scale(limit, UNITS[name], percent if name == "occlusion" else plain_number)
        bar_below(axes, replace(scale, low=0.0) if name == "cam" else scale)
    return figure


def _nothing(name: str, values: np.ndarray) -> str:
    """Why there is nothing to be seen on a map, "" where there is something."""
    if is_constant(values):
        return translatable("nothing:\nthe same\neverywhere")
    if name == "occlusion" and np.abs(values).max() < LEAST:
        return translatable("nothing:\nunder 0.5%\neverywhere")
    return ""


def _limit(name: str, values: np.ndarray) -> float:
    """The number that has the deepest colour."""
    most = float(np.abs(values).max())
    if name == "occlusion":
        return max(most, FAINTEST)
    return (float(np.quantile(np.abs(values), 0.99)) if name == "gradients" else most) or most  # a few outshine all


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
    panels[0, 0].set_title(picture_text("the sample: time →, feature ↑"), size=8)
    _constrained_bar(
        figure,
        panels[0, 0],
        SAMPLE,
        (float(sample.raw.min()), float(sample.raw.max())),
        translatable("value as packed"),
    )
    worth, bands = attributions["occlusion"], attributions["bands"]
    panels[1, 0].set(xlim=(-0.5, steps - 0.5))
    if why := _nothing("occlusion", worth):
        draw_nothing(panels[1, 0], why)
    else:
        panels[1, 0].bar(np.arange(steps), worth, width=1.0, color=np.where(worth > 0, POSITIVE, NEGATIVE))
    panels[1, 0].set_title(picture_text("probability lost when this moment is covered"), size=8)
    panels[0, 1].set(ylim=(-0.5, features - 0.5))
    if why := _nothing("occlusion", bands):
        draw_nothing(panels[0, 1], why)
    else:
        panels[0, 1].barh(np.arange(features), bands, height=1.0, color=np.where(bands > 0, POSITIVE, NEGATIVE))
    panels[0, 1].set_title(picture_text("… this band"), size=8)
    panels[1, 1].set_axis_off()
    if both:
        values = attributions["gradients"].T
        limit = float(np.quantile(np.abs(values), 0.99)) or 1.0
        panels[0, 2].imshow(
            values, cmap=SIGNED, vmin=-limit, vmax=limit, aspect="auto", origin="lower", interpolation="nearest"
        )
        panels[0, 2].set_title(picture_text(METHOD_NAMES["gradients"]), size=8)
        _constrained_bar(figure, panels[0, 2], SIGNED, (-limit, limit), UNITS["gradients"])
        total = values.sum(0)
        panels[1, 2].bar(np.arange(steps), total, width=1.0, color=np.where(total > 0, POSITIVE, NEGATIVE))
        panels[1, 2].set(xlim=(-0.5, steps - 0.5))
        panels[1, 2].set_title(picture_text("their sum over the features"), size=8)
    return figure


def _constrained_bar(figure: Figure, axes: Axes, cmap: str, ends: tuple[float, float], unit: str) -> None:
    """A colour bar beside axes that a layout engine places."""
    low, high = ends if ends[0] < ends[1] else (ends[0] - 0.5, ends[0] + 0.5)
    colours = mpl.cm.ScalarMappable(mpl.colors.Normalize(low, high), cmap)
    bar = figure.colorbar(colours, ax=axes, pad=0.02, aspect=24)
    bar.ax.tick_params(labelsize=6)
    bar.set_label(picture_text(unit), size=7)


def _strongest(words: Sequence[str], attributions: Attributions) -> np.ndarray:
    """Which words of a long text are shown as bars: those that say most, in their order."""
    most = np.max([np.abs(values) / (np.abs(values).max() or 1.0) for values in attributions.values()], axis=0)
    shown: np.ndarray = np.sort(np.argsort(-most, kind="stable")[:MOST_WORDS])
    return shown


def _bars_caption(words: Sequence[str]) -> str:
    if len(words) <= MOST_WORDS:
        return ""
    return translate("The {most} words of {number} that say most.", most=MOST_WORDS, number=len(words))


def _bars(words: Sequence[str], attributions: Attributions) -> Figure:
    shown = _strongest(words, attributions)
    high = 0.75 + 0.16 * len(shown)
    figure, (panels,) = canvas(1.6 + 2.6 * len(attributions), high, columns=len(attributions), sharey=True)
    for axes, (name, values) in zip(panels, attributions.items(), strict=True):
        axes.barh(np.arange(len(shown)), values[shown], color=np.where(values[shown] > 0, POSITIVE, NEGATIVE))
        axes.axvline(0, color="black", linewidth=0.6)
        axes.set_title(picture_text("left out") if name == "occlusion" else picture_text(METHOD_NAMES[name]), size=8)
        axes.set_xlabel(picture_text(UNITS[name]), size=7)
        axes.tick_params(labelsize=8)
        axes.xaxis.set_major_locator(MaxNLocator(4))
    panels[0].set_yticks(range(len(shown)), [words[at] for at in shown])
    panels[0].set_ylim(len(shown) - 0.4, -0.6)
    return figure


def _shade(strength: float) -> str:
    """The ground of a word, from −1 to 1: never so deep that black is hard to read."""
    return str(mpl.colors.to_hex(mpl.colormaps[SIGNED](0.5 + 0.32 * strength)))


def coloured(words: Sequence[str], values: np.ndarray) -> Markup:
    """The sentence, each word on red where it speaks for the class and on blue where against, the more the deeper.

    A long one is cut.
    """
    limit = float(np.abs(values).max()) or 1.0
    marked = [
        f'<mark style="background: {_shade(value / limit)}" title="{value:+.3f}">{escape(word)}</mark>'
        for word, value in zip(words[:MOST_MARKED], values[:MOST_MARKED], strict=True)
    ]
    if len(words) > MOST_MARKED:
        more = translate("… and {number} more words", number=len(words) - MOST_MARKED)
        marked.append(str(escape(more)))
    return Markup(" ".join(marked))  # the words are escaped above
