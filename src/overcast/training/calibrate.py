"""What a finished network is calibrated by: its answers on the calibration part, which nothing else has seen."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from overcast.core.errors import DivergedError
from overcast.statistics.temperature import learn_temperature
from overcast.training.batch_loader import BatchLoader


def calibrate(inputs: nn.Module, net: nn.Module, batches: BatchLoader) -> dict[str, Tensor]:
    """``temperature`` (), and what it was learned from: ``logits`` (N, K) and ``target`` (N,), on the CPU.

    The logits are as the network gives them; conformal sets and thresholds need no more than these.

    Raises: DivergedError if the network answers with what is no finite number.
    """
    inputs.cpu().eval()
    net.cpu().eval()
    logits, targets = [], []
    with torch.inference_mode():
        for x, y, length in batches:
            logits.append(net(inputs(x, length), length).float())
            targets.append(y)
    found, target = torch.cat(logits), torch.cat(targets)
    if not found.isfinite().all():
        raise DivergedError("the network has no finite answer to some samples of the calibration part: lower the lr")
    temperature = learn_temperature(found.numpy(), target.numpy())
    return {"temperature": torch.tensor(temperature, dtype=torch.float64), "logits": found, "target": target}
