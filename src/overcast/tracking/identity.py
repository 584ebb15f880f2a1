"""A run's name, and its identity: the same for two runs that must come out equal."""

from __future__ import annotations

import hashlib
import json

from overcast.config.run_config import RunConfig
from overcast.config.schema import SETTINGS
from overcast.core.devices import Devices

NOT_IN_IDENTITY = ("trainer", *SETTINGS)
"""What a run's identity leaves out: paths, device and display."""

STEPS = ("gradient_clip_val", "accumulate_grad_batches", "max_time", "compile")
"""What of the trainer changes a run's steps, or how they are rounded, and so is in its identity."""

UNLESS_SET = {
    "imbalance_ratio": 1.0,
    "init_from": "",
    "gradient_clip_val": None,
    "accumulate_grad_batches": 1,
    "max_time": None,
    "compile": None,
}
"""What it leaves out at its default, which is what runs did before there was such an option."""

IN_FINGERPRINT = ("file", "calibration")
"""Of ``split``: which parts they make is in the fingerprint of pack and split already."""


def run_name(config: RunConfig) -> str:
    """What the run is, as MLflow shows it: `cnn · dropout · seed 3`."""
    return f"{config.model.name} · {config.mitigation_name} · seed {config.seed}"


def identity(config: RunConfig, fingerprint: str, devices: Devices, start: str = "") -> str:
    """Equal for two runs that must come out equal: the config without display, the data, and what they are run on.

    That is the precision really used, whoever chose it, and the number of processes: each has a part of every batch,
    of which alone batch norm takes its mean and variance. start: the hash of the weights that ``init_from`` names.
    """
    kept = {key: value for key, value in config.to_dict().items() if key not in NOT_IN_IDENTITY}
    kept["split"] = {key: value for key, value in kept["split"].items() if key not in IN_FINGERPRINT}
    kept["init_from"] = start
    kept |= {"precision": devices.precision, "processes": devices.ranks}
    kept |= {name: getattr(config.trainer, name) for name in STEPS}
    kept = {key: value for key, value in kept.items() if key not in UNLESS_SET or value != UNLESS_SET[key]}
    kept["mitigation"] = [[option.name, option.to_dict()] for option in config.mitigation]  # in their order: it counts
    text = json.dumps([kept, fingerprint], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
