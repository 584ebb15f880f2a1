"""Cutout: a square at a random place of each picture is blanked, so that no one spot may decide.

DeVries & Taylor (2017), "Improved Regularization of Convolutional Neural Networks with Cutout". Expected: a
smaller gap for networks that go by one small sign; little for classes told by the whole picture, as most
weather is. Costs next to nothing.

    python pipelines/train.py mitigation=cutout mitigation.cutout.size=0.3
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from overcast.config.options import Share
from overcast.core.spec import Kind
from overcast.mitigation import Batch, Mitigation


def boxes(height: int, width: int, size: Tensor | float, u: Tensor) -> Tensor:
    """True (B, H, W) inside a box that is ``size`` of each side long, as much of it as lies in the picture.

    size: for each picture (B,), or one for all. u: (B, 2) in [0, 1): the box's centre, down and across.
    """
    half = torch.as_tensor(size, device=u.device).expand(len(u))[:, None] / 2  # (B, 1)
    rows = (torch.arange(height, device=u.device) + 0.5) / height - u[:, :1]  # (B, H): from the centre
    columns = (torch.arange(width, device=u.device) + 0.5) / width - u[:, 1:]  # (B, W)
    return (rows.abs() < half)[:, :, None] & (columns.abs() < half)[:, None, :]


class Cutout(Mitigation):
    """size: the side of the blank, as a share of the picture's; its centre may be anywhere in the picture."""

    kinds: ClassVar[tuple[Kind, ...]] = ("image",)

    def __init__(self, size: Share = 0.5) -> None:
        self.size = size

    def batch(self, batch: Batch, generator: torch.Generator) -> Batch:
        x = batch.x  # (B, C, H, W)
        u = torch.rand(len(x), 2, generator=generator, device=x.device)
        hole = boxes(x.shape[2], x.shape[3], self.size, u)  # (B, H, W)
        return batch._replace(x=x.masked_fill(hole[:, None], 0.0))  # zero is the mean of the train part
