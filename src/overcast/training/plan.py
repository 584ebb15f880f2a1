"""Can a run be what its config says? All that can be known before anything is written or trained.

Networks are built on the meta device: shapes without numbers, in milliseconds, whatever their size.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from overcast.config.options import Option
from overcast.config.run_config import RunConfig
from overcast.core.devices import Devices, Machine
from overcast.core.errors import IncompatibleError, UserError
from overcast.core.launchers import launched_devices
from overcast.core.paths import project_path
from overcast.core.seeding import generator
from overcast.core.spec import Spec
from overcast.mitigation import Mitigation
from overcast.model import Network
from overcast.prediction.build import build_mitigations, build_network, network_size
from overcast.prediction.preprocessor import refuse_pixel_shuffle
from overcast.prediction.trained_network import open_config_pack
from overcast.prepare.folds import TEST, TRAIN, UNUSED
from overcast.prepare.pack import Pack
from overcast.prepare.split import read_parts, read_split_info
from overcast.tracking.create_run import check_folder
from overcast.tracking.identity import identity, run_name
from overcast.tracking.run_folder import Run
from overcast.tracking.tensorboard import refuse_without_tensorboard
from overcast.training.first_weights import check_first_weights
from overcast.training.imbalance import check_balance, thin_classes
from overcast.training.warm_start import open_start

TRAINING_BYTES = 16
"""What a weight takes in training: itself, its gradient and the optimiser's two moments, in single precision."""


def check_plan(config: RunConfig, spec: Spec, samples: int, ranks: int) -> None:
    """Refuse what cannot be trained, and what would change nothing.

    samples: of the train part, that are used. ranks: processes.

    Raises: IncompatibleError for what does not go together; UserError for options that are wrong or too large.
    """
    refuse_pixel_shuffle(config.shuffle_pixels, spec)
    mitigations: dict[str, Mitigation] = build_mitigations(config.mitigation, spec.kind)
    net = _on_meta(config.model, spec, mitigations)
    _check_effects(config.model, spec, mitigations, net)
    check_first_weights(config, spec, net, mitigations)
    _check_size(config.model.name, net)
    _check_batches(net, samples, config.batch_size, config.trainer.accumulate_grad_batches, ranks)


def n_batches(samples: int, batch_size: int) -> int:
    """How many batches an epoch has: near-equal ones, of which none has one sample alone."""
    return max(1, min(-(-samples // batch_size), samples // 2))


def _on_meta(option: Option, spec: Spec, mitigations: dict[str, Mitigation]) -> Network:
    try:
        with torch.device("meta"):
            net: Network = build_network(option, spec, mitigations)
    except (RuntimeError, OverflowError, TypeError) as error:
        if not isinstance(error, OverflowError) and "verflow" not in str(error):  # as torch says it of a size
            raise
        sizes = ", ".join(f"model.{key}={value}" for key, value in option.values.items())
        raise UserError(
            f"model={option.name} has more weights with these sizes than can be counted ({sizes}): make it smaller"
        ) from None
    return net


def _check_effects(option: Option, spec: Spec, mitigations: dict[str, Mitigation], net: Network) -> None:
    """Raises: IncompatibleError for a mitigation that is to change the network's layers, and does not."""
    for name, mitigation in mitigations.items():
        if not mitigation.model_kwargs():
            continue
        others = {other: each for other, each in mitigations.items() if other != name}
        if _layers(_on_meta(option, spec, others)) == _layers(net):
            model = option.name
            raise IncompatibleError(
                f"mitigation={name} changes nothing in model={model} as it is set: the network has the same layers "
                "without it. Change their sizes or its strength, or leave it out"
            )


def _layers(net: nn.Module) -> tuple[str, list[torch.Size]]:
    """What a network is made of: its layers as torch prints them, and the shapes of its weights."""
    return str(net), [weight.shape for weight in net.parameters()]


def _check_size(model: str, net: nn.Module) -> None:
    """Raises: UserError for a network that this machine's memory could not hold in training."""
    weights = sum(weight.numel() for weight in net.parameters())
    needed, here = weights * TRAINING_BYTES, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > here:
        raise UserError(
            f"model={model} has {weights:,} weights with these sizes. They take {needed / 2**30:,.0f} GiB in training, "
            f"and this machine has {here / 2**30:,.0f} GiB of memory: make it smaller"
        )


def _check_batches(net: nn.Module, samples: int, batch_size: int, accumulate: int, ranks: int) -> None:
    """Raises: UserError where a process would get too few samples of some batch to train on."""
    fewest = samples // n_batches(samples, batch_size * accumulate) // accumulate // ranks
    normed = any(isinstance(module, _BatchNorm) and module.training for module in net.train().modules())
    if fewest < 1 + normed:
        why = "batch norm needs at least 2" if normed else "it has nothing to train on"
        steps = f" and trainer.accumulate_grad_batches={accumulate}" if accumulate > 1 else ""
        raise UserError(
            f"{samples} train samples with batch_size={batch_size}{steps} on {ranks} process{'es' * (ranks > 1)}: a "
            f"process has {fewest} of some batch, and {why}. Give a larger train_fraction or batch_size, or fewer "
            f"trainer.devices{' or trainer.accumulate_grad_batches' * (accumulate > 1)}"
        )


MIN_TRAIN_ROWS = 2
"""Train rows that a run needs: one alone has no spread, which batch norm divides by."""


def check_config(config: RunConfig) -> None:
    """Raises: UserError for what no run can have; IncompatibleError for what cannot go together."""
    if config.trainer.precision == "16-mixed" and any(option.name == "sam" for option in config.mitigation):
        raise IncompatibleError(
            "mitigation=sam looks at the gradients twice a step, which the loss scaling of 16-mixed does not allow: "
            "set trainer.precision to bf16-mixed or 32-true"
        )
    refuse_without_tensorboard(config.tracking.enabled and config.tracking.tensorboard)
    if config.trainer.compile and not any(map(shutil.which, (os.environ.get("CXX", "g++"), "clang++"))):
        raise UserError(f"trainer.compile={config.trainer.compile}: torch.compile needs a C++ compiler, such as g++")
    if config.trainer.max_time and "DVC_STAGE" in os.environ:
        raise UserError(
            f"trainer.max_time={config.trainer.max_time}: how far a run comes in a time depends on the machine, and "
            "`dvc repro` keeps what does not. Set epochs instead, or train by hand (python pipelines/train.py)"
        )
    if config.run:
        check_folder(Path(config.run), project_path(config.data_dir), project_path(config.runs_dir))


def draw_train_fraction(parts: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """The parts (N,) of a run that trains on this fraction of the train rows, drawn by ``seed`` alone.

    The rest become "unused", so that whatever reads a run's parts sees only rows that it was trained on.

    Raises: UserError if fewer than two rows are left.
    """
    train = np.flatnonzero(parts == TRAIN)
    count = round(fraction * len(train))
    if count < MIN_TRAIN_ROWS:
        raise UserError(
            f"train_fraction={fraction} leaves {count} of {len(train)} train rows: at least {MIN_TRAIN_ROWS} are needed"
        )
    order = torch.randperm(len(train), generator=generator(seed, "share", 0)).numpy()
    kept = parts.copy()
    kept[train[order[count:]]] = UNUSED
    return kept


@dataclass(frozen=True)
class Plan:
    """What a run will be: its data, the part (N,) of each row, devices, and the fingerprint of pack and split."""

    config: RunConfig
    pack: Pack
    parts: np.ndarray
    devices: Devices
    fingerprint: str
    leaked_test_rows: int = 0
    """Of a published split: how many have near-duplicates, or samples of their source, that are trained on."""
    start: Run | None = None
    """The run that ``init_from`` names."""

    @property
    def identity(self) -> str:
        return identity(self.config, self.fingerprint, self.devices, self._start_weights)

    @property
    def cell(self) -> str:
        """What this run has in common with those of other folds and seeds: the cell of a study that it belongs to."""
        first = replace(self.config, seed=0, split=replace(self.config.split, fold=0))
        return identity(first, self.fingerprint, self.devices, self._start_weights)

    @property
    def _start_weights(self) -> str:
        return str(self.start.facts["weights"]) if self.start else ""

    def facts(self) -> dict[str, Any]:
        """What ``run.json`` begins with."""
        return {
            "id": "",
            "name": run_name(self.config),
            "identity": self.identity,
            "cell": self.cell,
            "precision": self.devices.precision,
            "processes": self.devices.ranks,
            "fingerprint": self.fingerprint,
            "pack": self.pack.info["fingerprint"],
            "synthetic": self.pack.info["synthetic"],
            "official_test": bool((self.pack.index["part"] == TEST).any()) and not self.config.split.file,
            "by_time": "time" in self.pack.info,
            **({"leaked_test_rows": self.leaked_test_rows} if self.config.split.file else {}),
            **({"init_from": self.start.folder.name, "init_weights": self._start_weights} if self.start else {}),
            **network_size(self.config.model, self.config.mitigation, self.pack.spec),
        }


def make_plan(config: RunConfig, jobs: int | None = None, machine: Machine | None = None) -> Plan:
    """Resolve everything that the config leaves open, and check it; nothing is written.

    jobs, machine: how many runs of a study are at once, and the machine whose meaning of "auto" holds for them all.

    Raises: UserError for anything that the user can put right; IncompatibleError for what does not go together.
    """
    check_config(config)
    pack = open_config_pack(config)
    data_dir, split = project_path(config.data_dir), config.split
    parts = read_parts(
        data_dir,
        config.data.name,
        split.seed,
        split.fold,
        config.folds,
        split.ignore_groups,
        split.file,
        split.calibration,
    )
    parts = thin_classes(parts, pack.labels, pack.spec, config.imbalance_ratio, split.seed)
    parts = draw_train_fraction(parts, config.train_fraction, config.seed)
    devices = launched_devices(config.trainer, jobs, machine)
    check_plan(config, pack.spec, int((parts == TRAIN).sum()), devices.ranks)
    mitigations = build_mitigations(config.mitigation, pack.spec.kind)
    check_balance(config, pack.labels, mitigations)
    start = open_start(config, pack, parts, mitigations)
    about = read_split_info(data_dir, config.data.name)
    leaked = about["leaked_test_rows"][split.fold] if split.file else 0
    return Plan(config, pack, parts, devices, about["fingerprint"], leaked, start)
