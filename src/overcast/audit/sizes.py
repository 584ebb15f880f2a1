"""How large the originals are, and how long everything but pictures is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from overcast.core.words import translatable, translate
from overcast.html.figures import canvas, picture_text
from overcast.html.page import Image, Section
from overcast.html.style import BLUE, GREY
from overcast.prepare.pack import Pack

TITLE = translatable("Sizes of the originals")
TICKS = (8, 16, 32, 64, 125, 250, 500, 1000, 2000, 4000, 8000)


def sizes(pack: Pack, raw: Path) -> Section:
    """The pictures' own sizes, read from their files' heads; the lengths of everything else."""
    if pack.offsets is not None:
        return _lengths(pack, np.diff(pack.offsets))
    originals = np.array([size for file in pack.index["file"] if (size := image_size(raw / file))])  # (N, 2)
    if not len(originals):
        why = translate("Left out: the raw files are not here, or hold many pictures each.")
        return Section(translate(TITLE), why)
    packed = f"{pack.spec.shape[2]}×{pack.spec.shape[1]}"
    if len(np.unique(originals, axis=0)) == 1:
        own = "{}×{}".format(*originals[0])
        one = translate("All {number:,} originals are {own} pixels, and packed at {packed}.",
                        number=len(originals), own=own, packed=packed)  # fmt: skip
        return Section(translate(TITLE), one)
    return Section(translate(TITLE), _how(originals, packed), [Image.from_figure("sizes.png", _figure(originals))])


def _how(originals: np.ndarray, packed: str) -> str:
    wide, high = originals.T
    same = Counter(map(tuple, originals.tolist())).most_common(1)[0]
    narrow, broad, usual = (f"{w}×{h}" for w, h in (originals[wide.argmin()], originals[wide.argmax()], same[0]))
    how = translate(
        "Packed at {packed} pixels. The originals are {narrow} at the narrowest and {broad} at the widest; the most "
        "frequent size is {usual} ({same:,} of {number:,}).",
        packed=packed, narrow=narrow, broad=broad, usual=usual, same=same[1], number=len(originals),
    )  # fmt: skip
    if long := int((np.maximum(wide / high, high / wide) > 2).sum()):
        how += " " + translate("{number:,} are more than twice as long on one side as on the other.", number=long)
    return how


def _figure(originals: np.ndarray) -> Figure:
    wide, high = originals.T
    figure, ((axes,),) = canvas(7, 3.6)
    axes.loglog(wide, high, "o", color=BLUE, markersize=4, alpha=0.35, markeredgewidth=0)
    ends = [min(wide.min(), high.min()) * 0.9, max(wide.max(), high.max()) * 1.1]
    axes.plot(ends, ends, color=GREY, linewidth=0.8)
    axes.set(xlabel=picture_text("width in pixels"), ylabel=picture_text("height in pixels"))
    axes.set_title(picture_text("one dot a picture; on the line: square"))
    ticks = [t for t in TICKS if ends[0] <= t <= ends[1]]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, [f"{t:,}" for t in ticks])
        axis.set_ticks([], minor=True)
    return figure


def image_size(path: Path) -> tuple[int, int] | None:
    """Width and height of a picture file, without decoding it; None if it is none."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def _lengths(pack: Pack, length: np.ndarray) -> Section:
    text = pack.spec.kind == "tokens"
    low, middle, high = np.quantile(length, (0.05, 0.5, 0.95))
    values = {"middle": middle, "low": low, "high": high, "least": length.min(), "most": length.max()}
    how = (
        translate(
            "Words a sample: {middle:.0f} in the middle, nine of ten between {low:.0f} and {high:.0f}, {least} to "
            "{most} in all.", **values,
        )
        if text
        else translate(
            "Steps a sample: {middle:.0f} in the middle, nine of ten between {low:.0f} and {high:.0f}, {least} to "
            "{most} in all.", **values,
        )
    )  # fmt: skip
    if hop := pack.info.get("options", {}).get("hop"):
        how += " " + translate(
            "A step is {hop:g} milliseconds, so the middle one is {seconds:.2g} seconds long.",
            hop=hop, seconds=middle * hop / 1000,
        )  # fmt: skip
    if pack.spec.vocabulary:
        how += " " + translate("{number:,} different words.", number=len(pack.spec.vocabulary))
    figure, ((axes,),) = canvas(7, 2.6)
    width = -(-int(np.ptp(length) + 1) // 40)  # whole steps, or every other bar would hold more of them
    axes.hist(length, bins=np.arange(length.min(), length.max() + width + 1, width) - 0.5, color=BLUE)
    axes.set_xlabel(picture_text("words a sample") if text else picture_text("steps a sample"))
    axes.set_ylabel(picture_text("samples"))
    return Section(translate("Lengths"), how, [Image.from_figure("lengths.png", figure)])
