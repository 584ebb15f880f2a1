"""A trained run as what labels samples: torch is all it needs."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch

from overcast.config.options import Option
from overcast.core.spec import Spec
from overcast.prediction.predictor import Predictor
from overcast.prediction.trained_network import TrainedNetwork, restore
from overcast.tracking.run_folder import FILES, Run


class RunPredictor(Predictor):
    """See `Predictor`. Raises: DivergedError if the run diverged; DamagedError as `restore` does."""

    def __init__(self, run: Run) -> None:
        self.run, self.network = run, restore(run)
        self.files = [run.path(name) for name in FILES]

    @cached_property
    def spec(self) -> Spec:
        return self.run.spec

    @cached_property
    def data(self) -> Option:
        return self.run.config.data

    @property
    def temperature(self) -> float:
        return 1.0  # the one place that says it: no training learns one yet

    def logits(self, x: np.ndarray, length: np.ndarray) -> np.ndarray:
        return network_logits(self.network, x, length)


def network_logits(network: TrainedNetwork, x: np.ndarray, length: np.ndarray) -> np.ndarray:
    """(B, K) float32 of raw values."""
    with torch.inference_mode():
        logits: np.ndarray = network(torch.from_numpy(x), torch.from_numpy(length)).numpy()
    return logits
