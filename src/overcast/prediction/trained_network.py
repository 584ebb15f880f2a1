"""A trained network, restored from its run's folder alone: torch is all it needs."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from overcast.config.run_config import RunConfig
from overcast.core.errors import DivergedError, UserError
from overcast.core.paths import project_path
from overcast.model import Network
from overcast.prediction.build import build
from overcast.prediction.preprocessor import Preprocessor, build_preprocessor
from overcast.prepare.pack import Pack, open_pack
from overcast.tracking.run_folder import Run


class TrainedNetwork(nn.Module):
    """A preprocessor and a network that were trained together."""

    def __init__(self, preprocessor: Preprocessor, net: Network) -> None:
        super().__init__()
        self.preprocessor, self.net = preprocessor, net

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        """Logits (B, K) of raw values."""
        logits: Tensor = self.net(self.preprocessor(x, length), length).float()
        return logits


def restore(run: Run) -> TrainedNetwork:
    """A stored run's network with its weights, in eval mode on the CPU: built from its folder alone.

    Raises: DivergedError if the weights are not finite numbers.
    """
    config, spec = run.config, run.spec
    net, _ = build(config, spec)
    preprocessor = build_preprocessor(spec, net.input_stats, config.shuffle_pixels)
    state = torch.load(run.path("model.pt"), map_location="cpu", weights_only=True)
    if not all(value.isfinite().all() for part in state.values() for value in part.values()):
        raise DivergedError(
            f"the training of the run in {run.folder} diverged: its weights are not finite numbers. Train again with "
            f"a lower lr (it was {config.lr:g})"
        )
    preprocessor.load_state_dict(state["preprocessor"])
    net.load_state_dict(state["net"])
    return TrainedNetwork(preprocessor, net).eval()


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
