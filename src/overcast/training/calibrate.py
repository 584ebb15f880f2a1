"""What a finished network is calibrated by: its answers on the calibration part, which nothing else has seen."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from overcast.core.errors import DivergedError
from overcast.model import Network
from overcast.prediction.preprocessor import Preprocessor
from overcast.prediction.trained_network import TrainedNetwork
from overcast.statistics.mahalanobis import fit_class_gaussians
from overcast.statistics.temperature import learn_temperature
from overcast.training.batch_loader import BatchLoader

TRAIN_ROWS = 5000
"""Rows of the train part that the classes' features are learned from: more tell little."""

MAX_FEATURES = 1024
"""Of a network whose last layer reads more, as a perceptron's may, no distances are kept: they take its square."""


def calibrate(inputs: Preprocessor, net: Network, batches: BatchLoader, train: BatchLoader) -> dict[str, Tensor]:
    """``temperature`` (), and what it was learned from: ``logits`` (n, K) and ``target`` (n,), on the CPU.

    The logits are as the network gives them; conformal sets and thresholds need no more than these. ``means``,
    ``precision`` and the ``distances`` (n,) of the calibration part: see `overcast.statistics.mahalanobis`, on what the
    last linear layer reads; ``train``: some rows that were trained on.

    Raises: DivergedError if the network answers with what is no finite number.
    """
    network = TrainedNetwork(inputs, net).cpu().eval()
    network.watch_features()
    logits, features, target = _answers(network, batches)
    if not logits.isfinite().all():
        raise DivergedError("the network has no finite answer to some samples of the calibration part: lower the lr")
    temperature = learn_temperature(logits.numpy(), target.numpy())
    state = {"temperature": torch.tensor(temperature, dtype=torch.float64), "logits": logits, "target": target}
    if features.shape[1] <= MAX_FEATURES:
        _, known, labels = _answers(network, train)
        gaussians = fit_class_gaussians(known.double().numpy(), labels.numpy())
        distances = gaussians.distances(features.double().numpy())
        arrays = {**gaussians._asdict(), "distances": distances}
        state |= {name: torch.from_numpy(array.astype(np.float32)) for name, array in arrays.items()}
    return state


def _answers(network: TrainedNetwork, batches: BatchLoader) -> tuple[Tensor, Tensor, Tensor]:
    """Logits (n, K), features (n, F) and class indices (n,)."""
    logits, features, targets = [], [], []
    with torch.inference_mode():
        for x, y, length in batches:
            logits.append(network(x, length))
            assert network.features is not None
            features.append(network.features.flatten(1))
            targets.append(y)
    return torch.cat(logits), torch.cat(features), torch.cat(targets)
