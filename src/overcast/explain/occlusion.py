"""Occlusion: cover a part of the sample and see how much probability the class loses (Zeiler & Fergus 2014).

What covers is the mean of the training samples, zero after standardising: a grey square, a silent moment.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from overcast.core.spacing import evenly_spaced

BATCH = 64


def probability(net: nn.Module, x: Tensor, length: Tensor, target: int) -> np.ndarray:
    """The probability (B,) of a class, in batches."""
    with torch.inference_mode():
        parts = [
            net(x[at : at + BATCH], length[at : at + BATCH]).double().softmax(-1)[:, target]
            for at in range(0, len(x), BATCH)
        ]
    probabilities: np.ndarray = torch.cat(parts).numpy()
    return probabilities


def probability_drops(net: nn.Module, x: Tensor, length: Tensor, target: int, masks: np.ndarray) -> np.ndarray:
    """By how much (M,) the class's probability falls when each mask (M, …) covers its part of x (1, …)."""
    whole = probability(net, x, length, target)[0]
    covered = [
        probability(net, x * ~torch.from_numpy(block), length.expand(len(block)), target)
        for block in np.array_split(masks, -(-len(masks) // BATCH))
    ]
    falls: np.ndarray = whole - np.concatenate(covered)
    return falls


def window_starts(side: int, window: int, positions: int) -> np.ndarray:
    """Where windows start that cover a side evenly, the first at its beginning and the last at its end."""
    return np.array(evenly_spaced(range(max(side - window, 0) + 1), positions))


def square_masks(high: int, wide: int, positions: int) -> np.ndarray:
    """Masks (M, 1, H, W) of a square of a sixth of the shorter side, on a grid of positions."""
    size = max(2, round(min(high, wide) / 6))
    corners = [
        (top, left) for top in window_starts(high, size, positions) for left in window_starts(wide, size, positions)
    ]
    masks = np.zeros((len(corners), 1, high, wide), bool)
    for mask, (top, left) in zip(masks, corners, strict=True):
        mask[0, top : top + size, left : left + size] = True
    return masks


def span_masks(side: int, positions: int) -> np.ndarray:
    """Masks (M, side) of a window of a tenth of the side."""
    size = max(1, round(side / 10))
    begin = window_starts(side, size, positions)[:, None]
    masks: np.ndarray = (np.arange(side) >= begin) & (np.arange(side) < begin + size)
    return masks


def mean_over_masks(falls: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """A value for each place: the mean fall of the masks (M, …) that cover it."""
    covered: np.ndarray = np.tensordot(falls, masks, 1) / np.maximum(masks.sum(0), 1)
    return covered


def picture(net: nn.Module, x: Tensor, length: Tensor, target: int, positions: int) -> np.ndarray:
    """The map (H, W) of a picture x (1, C, H, W)."""
    masks = square_masks(x.shape[2], x.shape[3], positions)
    covered: np.ndarray = mean_over_masks(probability_drops(net, x, length, target, masks), masks)[0]
    return covered


def moments(net: nn.Module, x: Tensor, length: Tensor, target: int, positions: int) -> np.ndarray:
    """The map (T,) of a sequence x (1, T, F): what each moment is worth, all its features covered."""
    masks = span_masks(x.shape[1], positions)
    return mean_over_masks(probability_drops(net, x, length, target, masks[..., None]), masks)


def bands(net: nn.Module, x: Tensor, length: Tensor, target: int, positions: int) -> np.ndarray:
    """The map (F,) of a sequence x (1, T, F): what each feature is worth, all the time long."""
    masks = span_masks(x.shape[2], positions)
    return mean_over_masks(probability_drops(net, x, length, target, masks[:, None]), masks)


def words(net: nn.Module, x: Tensor, length: Tensor, target: int, unknown: int) -> np.ndarray:
    """The fall (T,) when each word of a sentence x (1, T) is left out; a word alone becomes ``unknown``."""
    steps = x.shape[1]
    if steps == 1:
        less, shorter = torch.full_like(x, unknown), length
    else:
        less = torch.stack([torch.cat([x[0, :t], x[0, t + 1 :]]) for t in range(steps)])  # (T, T - 1)
        shorter = (length - 1).expand(steps)
    falls: np.ndarray = probability(net, x, length, target)[0] - probability(net, less, shorter, target)
    return falls
