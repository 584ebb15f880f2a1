"""A network's layers in the order they run, and what comes out of each: for any network, by hooks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from overcast.core.spec import Spec
from overcast.explain.layer_captions import layer_captions

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)
AFTER = ("torch.nn.modules.batchnorm", "torch.nn.modules.activation", "torch.nn.modules.linear")


@dataclass(frozen=True)
class Stage:
    """A layer by its name in the network and on the page, and the number of the step whose output it ends with.

    Norm and activation that follow at once, in the same shape, belong to it. Steps are the modules without parts,
    in the order they run.
    """

    name: str
    caption: str
    layer: nn.Module
    step: int


def stages(net: nn.Module, x: Tensor, length: Tensor, kinds: tuple[type[nn.Module], ...] = CONVOLUTIONS) -> list[Stage]:
    """Every layer of these kinds that this sample goes through, all convolutions if not said otherwise."""
    names = {module: name for name, module in net.named_modules()}
    ran: list[tuple[nn.Module, tuple[int, ...]]] = []
    with _watched(net, lambda module, out: ran.append((module, getattr(out, "shape", ())))), torch.no_grad():
        net(x, length)
    captions = layer_captions([module for module, _ in ran])
    found = []
    for number, (module, shape) in enumerate(ran):
        if not isinstance(module, kinds):
            continue
        end = number
        while end + 1 < len(ran) and _follows(ran[end + 1][0]) and ran[end + 1][1] == shape:
            end += 1
        found.append(Stage(names[module], captions[module], module, end))
    return found


def _follows(module: nn.Module) -> bool:
    return type(module).__module__ in AFTER and not isinstance(module, nn.Linear)


def outputs(net: nn.Module, x: Tensor, length: Tensor, wanted: Sequence[Stage]) -> list[Tensor]:
    """What comes out of these stages: (B, C, H, W) each, or (B, C, T)."""
    steps = {stage.step for stage in wanted}
    by_step: dict[int, Tensor] = {}
    count = iter(range(1_000_000))

    def keep(_: nn.Module, out: Any) -> None:
        if (number := next(count)) in steps:
            by_step[number] = out.clone()  # a later layer may work in place

    with _watched(net, keep), torch.no_grad():
        net(x, length)
    results = [by_step[stage.step] for stage in wanted]
    if len(x) > 1 and any(len(out) != len(x) for out in results):  # batches are cut up: sample by sample
        each = [outputs(net, x[i : i + 1], length[i : i + 1], wanted) for i in range(len(x))]
        return [torch.cat(outs) for outs in zip(*each, strict=True)]
    return results


def zeros(spec: Spec) -> tuple[Tensor, Tensor]:
    """A sample of nothing (1, …) as a network gets it, and its length (1,)."""
    dtype = torch.long if spec.kind == "tokens" else torch.float32
    return torch.zeros(1, *spec.shape, dtype=dtype), torch.tensor([spec.shape[1 if spec.kind == "image" else 0]])


@contextmanager
def _watched(net: nn.Module, look: Any) -> Iterator[None]:
    """Call ``look(module, output)`` after each leaf module."""
    # a convolution may hold its padding as a module of its own
    leaves = [m for m in net.modules() if isinstance(m, CONVOLUTIONS) or not list(m.children())]
    hooks = [leaf.register_forward_hook(lambda module, _, out: look(module, out)) for leaf in leaves]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def find_embedding(net: nn.Module) -> nn.Embedding | None:
    """The layer that turns word ids into vectors, if there is one."""
    return next((m for m in net.modules() if isinstance(m, nn.Embedding)), None)
