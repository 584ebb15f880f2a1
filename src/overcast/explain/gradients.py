"""What captum computes: integrated gradients (Sundararajan et al. 2017) and Grad-CAM (Selvaraju et al. 2017)."""

from __future__ import annotations

import importlib.util

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from overcast.core.errors import UserError
from overcast.core.spec import PADDING
from overcast.explain.stages import find_embedding


def require_captum() -> None:
    """Raises: UserError if captum is not installed."""
    if importlib.util.find_spec("captum") is None:
        raise UserError("looking inside a run needs captum: pip install -e '.[explain]', then run this again")


def integrated_gradients(
    net: nn.Module, x: Tensor, length: Tensor, target: int, steps: int
) -> tuple[np.ndarray, float]:
    """What each value of a sample x (1, …) adds to the class's logit, counted from the mean sample (zeros).

    Words (1, T) are counted from vectors of padding, summed over the vector: (T,). Also how far the sum misses
    the difference of the two logits, which it would equal with infinitely many steps.
    """
    from captum.attr import IntegratedGradients, LayerIntegratedGradients

    layer = find_embedding(net)
    options = {"target": target, "additional_forward_args": (length,), "n_steps": steps}
    if layer is None:
        method = IntegratedGradients(net)
        attributions, miss = method.attribute(x, torch.zeros_like(x), return_convergence_delta=True, **options)
    else:
        method = LayerIntegratedGradients(net, layer)
        attributions, miss = method.attribute(x, torch.full_like(x, PADDING), return_convergence_delta=True, **options)
        attributions = attributions.sum(-1)  # (1, T, E) -> (1, T)
    return attributions[0].detach().double().numpy(), float(miss.abs())


def grad_cam(net: nn.Module, x: Tensor, length: Tensor, target: int, layer: nn.Module) -> np.ndarray:
    """Where a convolution sees something that speaks for the class: (H, W), 0 where nothing does."""
    from captum.attr import LayerGradCam

    coarse = LayerGradCam(net, layer).attribute(
        x, target=target, additional_forward_args=(length,), relu_attributions=True
    )  # (1, 1, h, w)
    large: np.ndarray = F.interpolate(coarse.detach(), x.shape[2:], mode="bilinear")[0, 0].double().numpy()
    return large


def passes_gradient(net: nn.Module, x: Tensor, length: Tensor) -> bool:
    """Whether a gradient comes back to the inputs, or to the vectors of words: not so behind frozen parts."""
    layer, values = find_embedding(net), x.clone()
    starts: list[Tensor] = []

    def start(_: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> Tensor:
        starts.append(out.detach().requires_grad_())
        return starts[-1]

    if layer is None:
        starts.append(values.requires_grad_())
    hook = layer.register_forward_hook(start) if layer is not None else None
    try:
        logits = net(values, length)
    finally:
        if hook is not None:
            hook.remove()
    if not starts or not logits.requires_grad:
        return False
    return torch.autograd.grad(logits.sum(), starts[:1], allow_unused=True)[0] is not None
