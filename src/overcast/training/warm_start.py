"""A warm start: a run begins with the weights of another run, as ``init_from`` names it.

What was trained on a sample cannot tell how well such samples are recognised unseen: a run whose train part holds
validation, test or calibration samples of this one is refused, where the data are the same.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from overcast.config.run_config import RunConfig
from overcast.core.errors import IncompatibleError, UserError
from overcast.core.paths import project_path
from overcast.core.spec import Spec
from overcast.mitigation import Mitigation
from overcast.prediction.build import build_network
from overcast.prediction.trained_network import load_state
from overcast.prepare.folds import CALIBRATION, TEST, TRAIN, VALIDATION
from overcast.prepare.pack import Pack
from overcast.tracking.find_run import find_run
from overcast.tracking.finished_run import load_run
from overcast.tracking.run_folder import Run
from overcast.training.first_weights import kept_state, requested_first_run

UNSEEN = (VALIDATION, TEST, CALIBRATION)
"""The parts whose samples nothing may have been trained on."""


def open_start(config: RunConfig, pack: Pack, parts: np.ndarray, mitigations: dict[str, Mitigation]) -> Run | None:
    """The run that ``init_from`` names, None without one.

    Raises: UserError if there is no such run, or it was trained on what this one is measured on; IncompatibleError if
    its weights do not fit, or a mitigation brings other first weights.
    """
    if config.init_from is None:
        return None
    asked = f"init_from={config.init_from}"
    if first := requested_first_run(mitigations, config.data):
        raise IncompatibleError(
            f"{asked} and mitigation={first[0]} both say which weights to start from: leave one out"
        )
    start = load_run(find_run(config.init_from, project_path(config.runs_dir), config.tracking).folder)
    if config.run and Path(config.run).resolve() == start.folder.resolve():
        raise UserError(f"{asked} is the folder to train into, too: name another one by run=…")
    if start.facts["pack"] == pack.info["fingerprint"]:
        trained = parts[start.parts == TRAIN]
        if seen := {part: number for part in UNSEEN if (number := int((trained == part).sum()))}:
            raise UserError(
                f"{asked}: that run was trained on {sum(seen.values()):,} of this run's {' and '.join(seen)} samples, "
                "so that this one would be measured on what it has seen. Start from a run of the same split.seed, "
                "split.fold and split.calibration"
            )
    _check_layers(config, pack.spec, mitigations, start)
    return start


def takes_last_layer(start: Run, spec: Spec) -> bool:
    """Whether the last layer starts from the other run's, too: it is about the same classes."""
    return start.spec.classes == spec.classes


def describe_start(start: Run, spec: Spec) -> str:
    """What a run starts from, in one line."""
    what = "all weights" if takes_last_layer(start, spec) else "all but the last layer, which is about other classes,"
    return f"warm start: {what} from {start.folder}"


def _check_layers(config: RunConfig, spec: Spec, mitigations: dict[str, Mitigation], start: Run) -> None:
    with torch.device("meta"):
        net = build_network(config.model, spec, mitigations)
    ours, theirs = net.state_dict(), load_state(start)["net"]
    if not takes_last_layer(start, spec):
        ours, theirs = (kept_state(net, state) for state in (ours, theirs))
    shapes, others = ({name: tuple(value.shape) for name, value in state.items()} for state in (ours, theirs))
    differing = [name for name in {**shapes, **others} if shapes.get(name) != others.get(name)]
    if differing or not shapes:
        name = next(iter(differing), "")
        told = f": {name} is {shapes.get(name, 'not there')}, and {others.get(name, 'not there')} there" if name else ""
        raise IncompatibleError(
            f"init_from={config.init_from} has no weights for model={config.model.name} as it is set{told}. Choose the "
            "same network, sizes and mitigations that change its layers"
        )
    if spec.vocabulary != start.spec.vocabulary:
        raise IncompatibleError(f"init_from={config.init_from} knows other words than {config.data.name} has")
