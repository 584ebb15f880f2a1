"""What the recurrent networks share: layers that read step by step, in one direction or both, past any padding."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from overcast.config.options import Rate
from overcast.core.errors import IncompatibleError
from overcast.core.spec import Spec
from overcast.model import Depth, Network, Norm, Scale, norm_layer, scaled_width
from overcast.model._encoders import StepEncoder, mean_over_time, sequence_mask
from overcast.model._spectrogram import SpectrogramEncoder

Cell = type[nn.LSTM] | type[nn.RNN]

CHANNELS = 32
"""Of the first stage of convolution, where there is one; each of the next has twice as many."""


class Recurrent(Network):
    """Layers of recurrent cells over the steps of a sample, and one linear layer on what they make of it.

    hidden: units a layer and direction. layers: how many, each reading the states of the one before.
    bidirectional: each layer also reads from the last true step to the first (Schuster & Paliwal 1997).
    pool: the states at the end of reading ("last"), or the mean of those at all true steps ("mean").
    convolutions: of a spectrogram, how many stages of convolution over bands and time come before, each but the first
    of which halves the steps (Sainath et al. 2015, "Convolutional, Long Short-Term Memory, Fully Connected Networks").
    patch: of a picture, pixels a side of the squares that it is read by; 0: by its rows.

    Raises: IncompatibleError for convolutions of what is no spectrogram, and patches of what is no picture.
    """

    cell: ClassVar[Cell]

    def __init__(
        self,
        spec: Spec,
        hidden: PositiveInt = 128,
        layers: Depth = 1,
        bidirectional: bool = False,
        pool: Literal["last", "mean"] = "last",
        convolutions: Annotated[int, Field(ge=0, le=100)] = 0,
        patch: NonNegativeInt = 0,
        embedding: PositiveInt = 64,
        dropout: Rate = 0.0,
        norm: Norm = "none",
        scale: Scale = 1.0,
    ) -> None:
        super().__init__()
        if convolutions and spec.kind != "spectrogram":
            raise IncompatibleError(
                f"model.convolutions={convolutions} read a spectrogram; this data set is of kind {spec.kind}: set 0"
            )
        if patch and spec.kind != "image":
            raise IncompatibleError(
                f"model.patch={patch} cuts pictures; this data set is of kind {spec.kind}: set model.patch=0"
            )
        self.pool = pool
        widths = [scaled_width(CHANNELS * 2**stage, scale) for stage in range(convolutions)]
        self.steps: SpectrogramEncoder | StepEncoder = (
            SpectrogramEncoder(spec.shape[-1], widths, norm) if widths else StepEncoder(spec, embedding, patch)
        )
        width, self.sides = scaled_width(hidden, scale), 1 + bidirectional
        features = [self.steps.features, *[width * self.sides] * (layers - 1)]
        max_steps = self.steps.max_steps if isinstance(self.steps, StepEncoder) else spec.shape[0]
        self.layers = nn.ModuleList(Layer(self.cell, before, width, self.sides, max_steps) for before in features)
        self.norm = norm_layer(norm, width * self.sides)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width * self.sides, len(spec.classes))

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        if isinstance(self.steps, SpectrogramEncoder):
            x, length = self.steps(x, length)  # (B, T, F) -> (B, t, features)
        else:
            x = self.steps(x)  # (B, T, features)
            length = torch.full_like(length, x.shape[1]) if self.steps.patch else length
        length = length.clamp(1, x.shape[1])
        for number, layer in enumerate(self.layers):
            x = layer(self.dropout(x) if number else x, length)  # (B, T, sides · hidden)
        logits: Tensor = self.head(self.dropout(self.norm(self.pooled(x, length))))  # (B, K)
        return logits

    def pooled(self, x: Tensor, length: Tensor) -> Tensor:
        """(B, sides · hidden) of the last layer's states (B, T, sides · hidden)."""
        if self.pool == "mean":
            return mean_over_time(x, length)
        forward, *backward = x.chunk(self.sides, -1)
        last = forward[torch.arange(x.shape[0], device=x.device), length - 1]
        return torch.cat([last, *(states[:, 0] for states in backward)], -1)


class Layer(nn.Module):
    """Cells that read the same steps, the second from the last true one to the first."""

    def __init__(self, cell_type: Cell, features: int, width: int, sides: int, max_length: int) -> None:
        super().__init__()
        self.cells = nn.ModuleList(cell_type(features, width, batch_first=True) for _ in range(sides))
        for cell in self.cells:
            init_weights(cell, max_length)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        forward, *backward = self.cells
        states = [forward(x)[0], *(reverse_steps(cell(reverse_steps(x, length))[0], length) for cell in backward)]
        return torch.cat(states, -1)  # (B, T, F) -> (B, T, sides · width)


def reverse_steps(x: Tensor, length: Tensor) -> Tensor:
    """Steps (B, T, F) with the true ones in reverse order; padding stays where it is.

    On a CPU, reading these is two to three times as fast in training as torch's packed sequences.
    """
    step = torch.arange(x.shape[1], device=x.device)
    order = torch.where(sequence_mask(length, x.shape[1]), length[:, None] - 1 - step, step)  # (B, T)
    return x[torch.arange(x.shape[0], device=x.device)[:, None], order]


def init_weights(cell: nn.Module, max_length: int) -> None:
    """First weights that carry signals far: recurrent ones orthogonal, by gate (Saxe, McClelland & Ganguli 2014).

    Gates of an LSTM begin so that its units forget after 1 to ``max_length`` steps (Tallec & Ollivier 2018); a forget
    bias of 1 (Gers et al. 2000) would lose within 20 steps what the last one needs.
    """
    for name, weights in cell.named_parameters():
        if "bias" in name:
            nn.init.zeros_(weights)
            continue
        for gate in weights.detach().split(cell.hidden_size):  # type: ignore[no-untyped-call]
            (nn.init.orthogonal_ if "hh" in name else nn.init.xavier_uniform_)(gate)
    if isinstance(cell, nn.LSTM):
        put_in, forget, *_ = cell.get_parameter("bias_ih_l0").detach().view(4, -1)
        forget.copy_(torch.linspace(1, max(2, max_length - 1), len(forget)).log())
        put_in.copy_(-forget)
