"""What a unit responds to most: the parts of samples that it saw when it responded most (Zeiler & Fergus 2014)."""

from __future__ import annotations

import copy
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from overcast.core.spec import SEQUENCES
from overcast.core.words import translatable, translate
from overcast.explain.class_units import choose_class_units, dead_units, output_batches, over_time
from overcast.explain.drawing import short_head
from overcast.explain.layer_captions import capitalised
from overcast.explain.stages import Stage, find_embedding, outputs, stages, zeros
from overcast.html.figures import image_grid
from overcast.html.page import Image, Paragraph, Part, Section, Table
from overcast.html.thumbnails import draw_sample
from overcast.prediction.trained_network import TrainedNetwork
from overcast.prepare.pack import Pack

UNITS, TOP, PROBES = 10, 8, 64
TITLE = translatable("What a unit responds to most")


@dataclass(frozen=True)
class ReceptiveFields:
    """What each output place of a stage sees: (places, 2) first and one past the last input place, along each side."""

    sides: tuple[np.ndarray, ...]


def find_receptive_fields(
    net: nn.Module, x: Tensor, length: Tensor, stage: Stage, probes: int = PROBES
) -> ReceptiveFields:
    """Found by feeding "not a number" into one strip of the sample x (1, …) after the other: where it comes out.

    Exact for samples of up to ``probes`` places a side, else to within one strip. In double precision, since fast
    single-precision convolutions mix neighbouring places.
    """
    net, kind = copy.deepcopy(net).double(), x.dim()
    axes = (2, 3) if kind == 4 else (1,)
    return ReceptiveFields(tuple(_side(net, x, length, stage, axis, probes) for axis in axes))


def _side(net: nn.Module, x: Tensor, length: Tensor, stage: Stage, axis: int, probes: int) -> np.ndarray:
    strips = np.array_split(np.arange(x.shape[axis]), min(probes, x.shape[axis]))
    reached = []  # for each strip: whether it reaches each output place along this axis
    for strip in strips:
        out = _output_with_nan(net, x, length, stage, axis, strip)[0]  # (C, h, w) or (C, t)
        keep = axis - 1 if x.dim() == 4 else 1
        hit = out.isnan().movedim(keep, 0).flatten(1).any(1)
        reached.append(hit.numpy())
    reaches = np.stack(reached)  # (strips, places)
    first, last = reaches.argmax(0), len(strips) - 1 - reaches[::-1].argmax(0)
    low, high = np.array([s[0] for s in strips]), np.array([s[-1] + 1 for s in strips])
    extents: np.ndarray = np.stack([low[first], high[last]], 1)
    return extents


def _output_with_nan(net: nn.Module, x: Tensor, length: Tensor, stage: Stage, axis: int, strip: np.ndarray) -> Tensor:
    layer, places = find_embedding(net), torch.from_numpy(strip)
    if layer is None:
        return outputs(net, x.double().index_fill(axis, places, torch.nan), length, [stage])[0]
    hook = layer.register_forward_hook(lambda module, given, out: out.index_fill(1, places, torch.nan))
    try:
        return outputs(net, x, length, [stage])[0]
    finally:
        hook.remove()


@dataclass(frozen=True)
class Best:
    """The strongest response (N, C) of each channel to each sample, and the place (N, C, sides) it came from."""

    value: np.ndarray
    place: np.ndarray


def strongest(
    trained: TrainedNetwork,
    pack: Pack,
    rows: np.ndarray,
    wanted: Sequence[Stage],
    receptive_fields: Sequence[ReceptiveFields],
) -> list[Best]:
    """For each stage; places that see nothing but the padding of a shorter sample do not count."""
    values: list[list[np.ndarray]] = [[] for _ in wanted]
    places: list[list[np.ndarray]] = [[] for _ in wanted]
    for length, outs in output_batches(trained, pack, rows, wanted):
        for n, out in enumerate(outs):
            if len(receptive_fields[n].sides) == 1:
                out = over_time(out)
                true = torch.from_numpy(receptive_fields[n].sides[0][: out.shape[2], 0]) < length[:, None]  # (B, T)
                out = out.masked_fill(~true[:, None], -torch.inf)
            top, at = out.flatten(2).max(2)  # (B, C)
            values[n].append(top.numpy())
            places[n].append(np.stack(np.unravel_index(at.numpy(), out.shape[2:]), -1))
    return [Best(np.concatenate(v), np.concatenate(p)) for v, p in zip(values, places, strict=True)]


def section(trained: TrainedNetwork, pack: Pack, rows: np.ndarray, probes: int = PROBES) -> Section:
    """A unit a class of a middle and of the last convolution, each with the samples' parts that it responds to most."""
    full, length = zeros(pack.spec)
    convolutions = stages(trained.net, full, length)
    if not convolutions:
        why = translate("Left out: this network has no convolutions, so its units have no place in the sample.")
        return Section(translate(TITLE), why)
    wanted = [convolutions[i] for i in sorted({len(convolutions) // 2, len(convolutions) - 1})]
    receptive_fields = [find_receptive_fields(trained.net, full, length, stage, probes) for stage in wanted]
    best = strongest(trained, pack, rows, wanted, receptive_fields)
    how = translate(
        "A row a class, of a middle and of the last convolution: the unit that answers more to the class, against what "
        "is usual for the unit, than all others. Of {number:,} samples of all classes that were not trained on, the "
        "{top} to which it responds most, cut to what the unit sees there (its receptive field; deep units see the "
        "whole sample); above each its class.",
        number=len(rows), top=TOP,
    )  # fmt: skip
    if pack.spec.kind in SEQUENCES:
        how += " " + translate("Colours go from a part's least value, dark, to its greatest, bright.")
    parts: list[Part] = []
    for number, (stage, field, one) in enumerate(zip(wanted, receptive_fields, best, strict=True), 1):
        parts += _parts(pack, rows, stage, field, one, f"patches-{number}.png")
    return Section(translate(TITLE), how, parts)


def _parts(
    pack: Pack, rows: np.ndarray, stage: Stage, field: ReceptiveFields, best: Best, file: str
) -> Sequence[Image | Table | Paragraph]:
    names, n_dead = pack.spec.classes, len(dead_units(best.value))
    units = choose_class_units(best.value, pack.labels[rows], len(names), UNITS)
    sentence = translate("{layer}: {dead:,} of its {number:,} units are dead: they answer every sample alike.",
                         layer=capitalised(stage.caption), dead=n_dead, number=best.value.shape[1])  # fmt: skip
    parts: list[Image | Table | Paragraph] = [Paragraph(sentence)] if n_dead else []
    if not units:
        return parts
    order = [np.argsort(-best.value[:, one.unit], kind="stable")[:TOP] for one in units]
    patch_rows = [
        [_patch(pack, rows[i], field, best.place[i, one.unit]) for i in line]
        for one, line in zip(units, order, strict=True)
    ]
    heads = [one.names(names) for one in units]
    if pack.spec.kind == "tokens":
        lines = [[head, *(" ".join(words) for words in line)] for head, line in zip(heads, patch_rows, strict=True)]
        return [*parts, Table([stage.caption, *(str(n) for n in range(1, len(order[0]) + 1))], lines, row_heads=True)]
    labels = [[str(pack.index["label"][rows[i]]) for i in line] for line in order]
    caption = translate(
        "{layer}: a unit sees {seen} of {all} places", layer=stage.caption, seen=_seen(field),
        all=" × ".join(map(str, _extent(pack))),
    )  # fmt: skip
    return [*parts, Image.from_figure(file, _figure(heads, patch_rows, labels), capitalised(caption))]


def _seen(field: ReceptiveFields) -> str:
    return " × ".join(str(int(np.median(side[:, 1] - side[:, 0]))) for side in field.sides)


def _figure(heads: Sequence[str], patch_rows: Sequence[Sequence[Any]], labels: Sequence[Sequence[str]]) -> Figure:
    figure, panels = image_grid(len(heads), TOP, 0.95, top=0.2, left=0.95)
    for line, head, patches, names in zip(panels, heads, patch_rows, labels, strict=True):
        text = textwrap.fill(head, 14)
        line[0].text(-0.08, 0.5, text, transform=line[0].transAxes, ha="right", va="center", size=8)
        for axes, patch, name in zip(line, patches, names, strict=False):
            draw_sample(axes, patch)
            axes.set_title(short_head(name), size=7, pad=2)
    return figure


def _extent(pack: Pack) -> tuple[int, ...]:
    return pack.spec.shape[1:] if pack.spec.kind == "image" else pack.spec.shape[:1]


def _patch(pack: Pack, row: int, field: ReceptiveFields, place: np.ndarray) -> Any:
    """What the unit saw: a part of the picture or of the sequence, or the words."""
    x, length = pack.gather(np.array([row]))
    boxes = [side[at] for side, at in zip(field.sides, place, strict=True)]
    if pack.spec.kind == "image":
        (top, bottom), (left, right) = boxes
        size = [int((side[:, 1] - side[:, 0]).max()) for side in field.sides]
        return _framed(x[0, :, top:bottom, left:right], size, (top == 0, left == 0))
    begin, end = boxes[0][0], min(boxes[0][1], int(length[0]))
    if pack.spec.kind in SEQUENCES:
        return x[0, begin:end]
    return pack.spec.decode(x[0, begin:end])


def _framed(patch: np.ndarray, size: Sequence[int], at_start: Sequence[bool]) -> np.ndarray:
    """A patch (C, h, w) cut short by the picture's edge, on light grey of the full size."""
    room = [full - side for full, side in zip(size, patch.shape[1:], strict=True)]
    pads = [(more, 0) if start else (0, more) for more, start in zip(room, at_start, strict=True)]
    return np.pad(patch, [(0, 0), *pads], constant_values=235)
