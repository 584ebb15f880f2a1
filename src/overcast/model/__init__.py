"""One file a network, each a plain ``nn.Module`` built from the spec, and what they share.

A network takes the spec, its own sizes, and the shared regularisers by the same names everywhere: ``dropout``
(probability) and ``norm`` ("none" or "batch"), both off by default; and ``scale``, which multiplies its widths, where
it has any.

One to copy, as ``model/tiny.py``; ``conf/model/tiny.yaml`` holds ``_target_: overcast.model.tiny.Tiny`` and its
numbers, ``width: 8``, and ``tests/model/test_tiny.py`` is its test:

    >>> class Tiny(Network):
    ...     "A hidden layer on the mean of each channel."
    ...
    ...     kinds = ("image",)
    ...
    ...     def __init__(
    ...         self, spec: Spec, width: int = 8, dropout: float = 0.0, norm: Norm = "none", scale: float = 1.0
    ...     ) -> None:
    ...         super().__init__()
    ...         width = scaled_width(width, scale)
    ...         self.layer, self.norm = nn.Linear(spec.shape[0], width), norm_layer(norm, width)
    ...         self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, len(spec.classes)))
    ...
    ...     def forward(self, x: Tensor, length: Tensor) -> Tensor:
    ...         h = self.norm(self.layer(x.mean((2, 3)))).relu()  # (B, C, H, W) -> (B, width)
    ...         return self.head(h)  # (B, K)
    >>> Tiny(Spec("image", (3, 16, 16), ("sun", "rain")))(torch.zeros(5, 3, 16, 16), torch.full((5,), 16)).shape
    torch.Size([5, 2])
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from overcast.core.spec import Kind, Spec

Norm = Literal["none", "batch"]
Scale = Annotated[float, Field(gt=0)]
Depth = Annotated[int, Field(ge=1, le=100)]
"""How many layers: a network of more takes minutes to build, whatever its width."""


class Network(nn.Module, ABC):
    """The contract. ``kinds`` names the kinds of data a network can read.

    input_stats: fixed mean and std by which all inputs are standardised, and of tokens all are known; None: what the
    train part has.
    refuses: mitigations that make no sense for this network, and why.
    """

    kinds: ClassVar[tuple[Kind, ...]] = ("image", "sequence", "spectrogram", "tokens")
    input_stats: tuple[float, float] | None = None
    refuses: ClassVar[dict[str, str]] = {}

    @abstractmethod
    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        """Logits (B, K) of standardised inputs: image (B, C, H, W), sequence or spectrogram (B, T, F), tokens (B, T).

        length: (B,) the true length of each sequence; what lies beyond it is zero padding.
        """

    def pretrained(self) -> nn.Module | None:
        """The part that starts from weights learned elsewhere, and learns on; None: all of it starts fresh."""
        return None

    def backbone_and_head(self) -> tuple[Frozen, Network] | None:
        """What has nothing to learn, and what learns from its result and is all that learns; None: the whole learns."""
        return None

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of each sample (B,), for class indices (B,) or probabilities (B, K): cross-entropy in nats."""
        return F.cross_entropy(logits, target, reduction="none")

    def optimizer(self, lr: float) -> torch.optim.Optimizer:
        """AdamW without weight decay, which is a mitigation of its own (Loshchilov & Hutter 2019)."""
        return torch.optim.AdamW(self.parameters(), lr=lr, weight_decay=0.0)


class Frozen:
    """A part of a network that stays as it is: no submodule, so neither trained nor stored with a run.

    key: names its weights and all else that its result depends on.
    """

    def __init__(self, module: nn.Module, key: str) -> None:
        self.module, self.key = module.eval().requires_grad_(False), key

    def __call__(self, x: Tensor, length: Tensor) -> Tensor:
        """Features (B, F) of standardised inputs, as `Network.forward` takes them."""
        with torch.no_grad():
            features: Tensor = self.module.to(x.device)(x, length)
        return features


def trainable_view(net: Network) -> Network:
    """The same network, with its frozen parts as parts like any other, for hooks and gradients to go through."""
    frozen = {name: part.module for name, part in vars(net).items() if isinstance(part, Frozen)}
    for name, module in (frozen | dict(net.named_children())).items():  # those that stay as they are come first
        delattr(net, name)
        setattr(net, name, module)
    return net


def last_linear(net: nn.Module) -> nn.Linear:
    """The last linear layer, which turns features into logits."""
    return [module for module in net.modules() if isinstance(module, nn.Linear)][-1]


def scaled_width(width: int, scale: float) -> int:
    """A layer's width times ``scale``, at least one unit."""
    return max(1, round(width * scale))


def norm_layer(norm: Norm, features: int, dims: int = 1) -> nn.Module:
    """Batch normalisation (Ioffe & Szegedy 2015) over vectors (1) or feature maps (2 dims), or nothing."""
    if norm == "none":
        return nn.Identity()
    return nn.BatchNorm2d(features) if dims == 2 else nn.BatchNorm1d(features)


def example_input(spec: Spec, device: str = "cpu") -> tuple[Tensor, Tensor]:
    """One sample of zeros, as a network sees it: x (1, …) and length (1,)."""
    dtype = torch.long if spec.kind == "tokens" else torch.float32
    x = torch.zeros(1, *spec.shape, dtype=dtype, device=device)
    return x, torch.full((1,), spec.shape[0 if spec.kind != "image" else 1], device=device)
