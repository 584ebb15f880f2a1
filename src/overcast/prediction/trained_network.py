"""A trained network, restored from its run's folder alone: torch is all it needs."""

from __future__ import annotations

import io
import pickle
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from overcast.config.run_config import RunConfig
from overcast.core.errors import DamagedError, DivergedError, UserError
from overcast.core.paths import project_path
from overcast.model import Network, last_linear
from overcast.prediction.build import build
from overcast.prediction.preprocessor import Preprocessor, build_preprocessor
from overcast.prepare.pack import Pack, open_pack
from overcast.tracking.run_folder import Run

PARTS = ("preprocessor", "net")
"""What model.pt holds the state of."""

CALIBRATION = "calibration"
"""What else it holds where the run has a calibration part: see `overcast.training.calibrate.calibrate`."""


class TrainedNetwork(nn.Module):
    """A preprocessor and a network that were trained together, and how its probabilities were calibrated.

    temperature: what the logits are divided by; 1 without a calibration part.
    """

    def __init__(self, preprocessor: Preprocessor, net: Network, temperature: float = 1.0) -> None:
        super().__init__()
        self.preprocessor, self.net, self.temperature = preprocessor, net, temperature
        self.features: Tensor | None = None

    def watch_features(self) -> None:
        """From now on let ``features`` (B, F) be what the last linear layer has read of the last batch."""

        def keep(_: nn.Module, given: tuple[Tensor, ...]) -> None:
            self.features = given[0]

        last_linear(self.net).register_forward_pre_hook(keep)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        """Logits (B, K) of raw values, over the temperature: all probabilities are made of these."""
        logits: Tensor = self.net(self.preprocessor(x, length), length).float()
        return logits / self.temperature

    def answer(self, x: Tensor, length: Tensor) -> Tensor:
        """The same on whatever device the network is on, from the CPU and back."""
        device = next(self.parameters()).device
        logits: Tensor = self(x.to(device), length.to(device))
        return logits.cpu()


def restore(run: Run) -> TrainedNetwork:
    """A stored run's network with its weights, in eval mode on the CPU: built from its folder alone.

    Raises: DivergedError if the weights are not finite numbers; DamagedError if they are not those of this run.
    """
    config, spec = run.config, run.spec
    net, _ = build(config, spec)
    preprocessor = build_preprocessor(spec, net.input_stats, config.shuffle_pixels)
    state = load_state(run)
    if not all(value.isfinite().all() for part in state.values() for value in part.values()):
        raise DivergedError(
            f"the training of the run in {run.folder} diverged: its weights are not finite numbers. Train again with "
            f"a lower lr (it was {config.lr:g})"
        )
    try:
        preprocessor.load_state_dict(state["preprocessor"])
        net.load_state_dict(state["net"])
    except RuntimeError as error:
        raise _other_weights(run, error) from None
    temperature = float(state[CALIBRATION]["temperature"]) if CALIBRATION in state else 1.0
    return TrainedNetwork(preprocessor, net, temperature).eval()


def load_state(run: Run) -> dict[str, dict[str, Tensor]]:
    """What training stored of its ``preprocessor``, its ``net`` and of `CALIBRATION` if it has any, on the CPU.

    Tensors alone, whatever the file asks.

    Raises: DamagedError if there is anything else in model.pt, or training wrote another.
    """
    content = io.BytesIO(run.weights())
    try:
        with warnings.catch_warnings(action="ignore"):  # of what no training of ours wrote, the error tells
            state: Any = torch.load(content, map_location="cpu", weights_only=True)
        parts = [*PARTS, *([CALIBRATION] if CALIBRATION in state else [])]
        return {part: {name: value.detach() for name, value in state[part].items()} for part in parts}
    except (RuntimeError, pickle.PickleError, EOFError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise _other_weights(run, error) from None


def _other_weights(run: Run, error: Exception) -> DamagedError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return DamagedError(
        f"the run in {run.folder} is damaged: its model.pt holds no weights of its network ({reason}): train it again"
    )


def data_folder(config: RunConfig) -> Path:
    """The folder of a config's data set."""
    return project_path(config.data_dir) / config.data.name


def open_config_pack(config: RunConfig) -> Pack:
    """The pack that a config's data stands for."""
    return open_pack(project_path(config.data_dir), config.data.name, config.data.values)


def open_run_pack(run: Run) -> Pack:
    """The pack that a run was trained on. Raises: UserError if the data has changed since."""
    pack = open_config_pack(run.config)
    if pack.info["fingerprint"] != run.facts["pack"]:
        raise UserError(
            f"the data has changed since {run.folder} was trained: its pack has another fingerprint. "
            "Train again, or pack the data with the options it was trained with"
        )
    return pack
