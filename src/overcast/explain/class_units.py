"""Which unit of a layer answers most to each class, and which units answer to nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from overcast.core.spacing import evenly_spaced
from overcast.explain.stages import Stage, outputs
from overcast.prediction.trained_network import TrainedNetwork
from overcast.prepare.pack import Pack

BATCH = 64
ROUNDING = 1e-6  # of a response


@dataclass(frozen=True)
class ClassUnit:
    """A unit, and the classes that no other unit of its layer answers more to."""

    unit: int
    classes: tuple[int, ...]

    def names(self, classes: Sequence[str]) -> str:
        """As in "cloudy" or "3, 5", of the names of all classes."""
        return ", ".join(classes[number] for number in self.classes)


def output_batches(
    trained: TrainedNetwork, pack: Pack, rows: np.ndarray, wanted: Sequence[Stage]
) -> Iterator[tuple[Tensor, list[Tensor]]]:
    """Of a batch of rows after the other: their lengths (B,), and what comes out of these stages."""
    for block in np.array_split(rows, -(-len(rows) // BATCH)):
        raw, length = (torch.from_numpy(part) for part in pack.gather(block))
        with torch.no_grad():
            x = trained.preprocessor(raw, length)
        yield length, outputs(trained.net, x, length, wanted)


def strongest_responses(
    trained: TrainedNetwork, pack: Pack, rows: np.ndarray, wanted: Sequence[Stage]
) -> list[np.ndarray]:
    """For each stage, the strongest response (N, C) of each unit to each of these rows, padding left out."""
    values: list[list[np.ndarray]] = [[] for _ in wanted]
    for length, outs in output_batches(trained, pack, rows, wanted):
        for stage_values, out in zip(values, outs, strict=True):
            if pack.spec.kind != "image" and out.dim() > 2:  # of which a part is padding
                out = over_time(out)
                true = (length / length.max() * out.shape[2]).ceil()  # (B,)
                out = out.masked_fill((torch.arange(out.shape[2]) >= true[:, None])[:, None], -torch.inf)
            stage_values.append((out.flatten(2).amax(2) if out.dim() > 2 else out).float().numpy())
    return [np.concatenate(stage_values) for stage_values in values]


def over_time(out: Tensor) -> Tensor:
    """The strongest response (B, C, t) at each moment, of what comes out for a sequence: (B, C, t) or (B, C, t, f)."""
    return out.amax(3) if out.dim() == 4 else out


def dead_units(values: np.ndarray) -> np.ndarray:
    """The units whose responses (N, C) are the same to every sample, up to rounding, or not finite."""
    with np.errstate(invalid="ignore"):
        spread = np.ptp(values, axis=0)
    dead: np.ndarray = np.flatnonzero(~(np.isfinite(spread) & (spread > ROUNDING * np.abs(values).max(0))))
    return dead


def choose_class_units(values: np.ndarray, labels: np.ndarray, n_classes: int, most: int) -> list[ClassUnit]:
    """For each class the unit whose response to it is furthest above the unit's mean, in its own standard deviations.

    values: (N, C). labels: (N,). Of more than ``most`` classes, as many evenly spaced; a unit comes once, with all of
    its classes, in the order of the first.
    """
    alive = np.setdiff1d(np.arange(values.shape[1]), dead_units(values))
    if not len(alive):
        return []
    present = [number for number in range(n_classes) if (labels == number).any()]
    responses = values[:, alive].astype(np.float64)
    standard = (responses - responses.mean(0)) / responses.std(0)
    classes: dict[int, list[int]] = {}
    for number in evenly_spaced(present, most):
        usual = standard[labels == number].mean(0)  # (alive,)
        if usual.max() > 0:  # else no unit answers more to this class than to others
            classes.setdefault(int(alive[usual.argmax()]), []).append(number)
    return [ClassUnit(unit, tuple(numbers)) for unit, numbers in classes.items()]
