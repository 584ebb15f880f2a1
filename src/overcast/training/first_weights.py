"""The weights that a run starts from, where a mitigation wants them from another run: made once, and kept.

``<data_dir>/synthetic/runs/<identity>/``: a run like any other, without a record, and beside it the data that it is
trained on. Of several runs that ask at once the first makes them, and the others wait.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from overcast.config.options import Option
from overcast.config.run_config import RunConfig
from overcast.config.schema import SplitConfig, StudyConfig, TrackingConfig
from overcast.core.errors import IncompatibleError
from overcast.core.paths import project_path
from overcast.core.spec import Spec
from overcast.mitigation import FirstRun, Mitigation
from overcast.model import Network, last_linear
from overcast.prediction.build import build_network
from overcast.prediction.trained_network import load_state
from overcast.tracking.run_folder import Run


def requested_first_run(mitigations: Mapping[str, Mitigation], data: Option) -> tuple[str, FirstRun] | None:
    """The run that one of these wants to start from, and its name. Raises: IncompatibleError if two do.

    data: the data set of the run that is to start from it.
    """
    asked = {name: first for name, mitigation in mitigations.items() if (first := mitigation.first_weights(data))}
    if len(asked) > 1:
        raise IncompatibleError(f"mitigation={'+'.join(asked)}: a run starts from the weights of one other run only")
    return next(iter(asked.items()), None)


def check_first_weights(config: RunConfig, spec: Spec, net: Network, mitigations: Mapping[str, Mitigation]) -> None:
    """Raises: IncompatibleError where the other run's network would have other shapes, or nothing to give.

    net: that of the run, on the meta device.
    """
    asked = requested_first_run(mitigations, config.data)
    if asked is None:
        return
    name, first = asked
    image = spec.kind == "image"
    axis, unit = (0, "pictures of {} channels") if image else (1, "spectrograms of {} bands")
    if spec.shape[axis] != first.shape[axis]:
        raise IncompatibleError(
            f"mitigation={name} gives weights for {unit.format(first.shape[axis])}; these have {spec.shape[axis]}. "
            "Leave it out"
        )
    with torch.device("meta"):
        other = build_network(config.model, replace(spec, shape=first.shape), mitigations)
    ours, theirs = (kept_state(each, each.state_dict()) for each in (net, other))
    if {key: value.shape for key, value in ours.items()} != {key: value.shape for key, value in theirs.items()}:
        why = (
            f"for pictures of {first.shape[1]} pixels than for these: set mitigation.{name}.size={spec.shape[1]}"
            if image
            else "for recordings of another length: choose one that reads them step by step, such as model=cnn"
        )
        raise IncompatibleError(f"mitigation={name}: model={config.model.name} has other shapes {why}")
    if not ours:
        raise IncompatibleError(
            f"mitigation={name} changes nothing in model={config.model.name}: only its last layer has weights, and "
            "that one is always trained anew. Leave it out"
        )


def kept_state(net: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a network takes over of another's state: all but its last layer, which is about other classes."""
    last = last_linear(net)
    own = next(name for name, module in net.named_modules() if module is last)
    return {name: value for name, value in state.items() if not name.startswith(f"{own}.")}


def load_first_weights(net: nn.Module, run: Run, last_layer: bool = False) -> None:
    """Start ``net`` from the weights of this run; ``last_layer``: also that one.

    Raises: DamagedError if they are not those that were trained.
    """
    state = load_state(run)["net"]
    net.load_state_dict(state if last_layer else kept_state(net, state), strict=False)


def first_config(config: RunConfig, first: FirstRun, mitigations: Mapping[str, Mitigation]) -> RunConfig:
    """The run that ``config`` starts from: the same network, with the layers that its mitigations put into it."""
    layers = tuple(option for option in config.mitigation if mitigations[option.name].model_kwargs())
    place = project_path(config.data_dir) / "synthetic"
    trainer = replace(config.trainer, gradient_clip_val=None, accumulate_grad_batches=1, max_time=None)
    drawn = hashlib.sha256(repr(first.data).encode()).hexdigest()[:8]
    return replace(
        config,
        data=first.data, mitigation=(first.mitigation, *layers), epochs=first.epochs, batch_size=first.batch_size,
        lr=first.lr, seed=0, split=SplitConfig(seed=0, fold=0), train_fraction=1.0, imbalance_ratio=1.0,
        measure_every=1, shuffle_pixels=False, init_from=None, data_dir=str(place / drawn),
        runs_dir=str(place / "runs"), prepare=True, tracking=TrackingConfig(enabled=False), study=StudyConfig(),
        claim=None, tags=(), run=None, resume=False, role="first weights", trainer=trainer,
    )  # fmt: skip
