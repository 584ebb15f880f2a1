"""Flip at test time: the mean of the answers to each test picture and to its mirror image, beside the plain ones.

The run's own figures stay the plain ones. Costs one more pass over the test part.

    python pipelines/evaluate.py run=latest flip=true
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from overcast.evaluation.bootstrap import changes
from overcast.prediction.ensemble import mean_log_probabilities
from overcast.prediction.predictor import softmax
from overcast.training.batch_loader import BatchLoader, evaluation_batch

if TYPE_CHECKING:
    from overcast.prediction.trained_network import TrainedNetwork
    from overcast.prepare.pack import Pack

SHOWN = ("accuracy", "nll", "ece")


def flip_figures(
    trained: TrainedNetwork, pack: Pack, rows: np.ndarray, logits: torch.Tensor, groups: np.ndarray
) -> dict[str, float]:
    """What ``metrics.json`` has as ``flip``: ``accuracy`` and the like with it, and ``accuracy_change`` by it.

    trained: for the pictures themselves. rows: (N,) of the test part; logits: (N, K), the plain answers to them.
    """
    mirrored = []
    with torch.inference_mode():
        for x, _, length in BatchLoader(pack, rows, evaluation_batch(pack.spec)):
            mirrored.append(trained.answer(x.flip(-1), length))
    after = mean_log_probabilities([logits, torch.cat(mirrored)]).exp().numpy()
    told: dict[str, float] = {}
    before, target = softmax(logits.double().numpy()), pack.labels[rows]
    for name, each in changes(before, after, target, groups).items():
        if name in SHOWN:
            told |= {name: each.after, f"{name}_change": each.change}
            told |= {f"{name}_change_low": each.low, f"{name}_change_high": each.high}
    return told
