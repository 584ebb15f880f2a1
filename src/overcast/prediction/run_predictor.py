"""A trained run, or several as one, as what labels samples: torch is all it needs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch

from overcast.config.options import Option
from overcast.core.spec import Spec
from overcast.prediction.ensemble import AnyNetwork, restore_together
from overcast.prediction.predictor import Predictor
from overcast.prediction.trained_network import TrainedNetwork
from overcast.tracking.run_folder import FILES, Run


class RunPredictor(Predictor):
    """See `Predictor`. flip: the mean of the answers to each picture and its mirror image.

    Raises: UserError, DivergedError and DamagedError as `restore_together` does.
    """

    def __init__(self, runs: Sequence[Run], flip: bool = False) -> None:
        self.runs, self.network = runs, restore_together(runs, flip)
        self.files = [run.path(name) for run in runs for name in FILES]

    @cached_property
    def spec(self) -> Spec:
        return self.runs[0].spec

    @cached_property
    def data(self) -> Option:
        return self.runs[0].config.data

    def watch_features(self) -> None:
        """From now on let ``features`` be there. A network for which that is no use has none."""
        if isinstance(self.network, TrainedNetwork):
            self.network.watch_features()

    def logits(self, x: np.ndarray, length: np.ndarray) -> np.ndarray:
        found = network_logits(self.network, x, length)
        if isinstance(self.network, TrainedNetwork) and self.network.features is not None:
            self.features = self.network.features.flatten(1).double().numpy()
        return found


def network_logits(network: AnyNetwork, x: np.ndarray, length: np.ndarray) -> np.ndarray:
    """(B, K) of raw values, over the temperature."""
    with torch.inference_mode():
        logits: np.ndarray = network(torch.from_numpy(x), torch.from_numpy(length)).numpy()
    return logits
