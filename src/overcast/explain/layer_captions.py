"""What a layer is called on the page: by its kind and its number among those, in the order that they run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from torch import nn
from torch.nn.modules.pooling import _AdaptiveAvgPoolNd, _AdaptiveMaxPoolNd, _AvgPoolNd, _MaxPoolNd

from overcast.core.words import translatable, translate

CAPTIONS: tuple[tuple[type[nn.Module] | tuple[type[nn.Module], ...], str], ...] = (
    ((nn.Conv1d, nn.Conv2d), translatable("convolution {number}")),
    ((_AdaptiveAvgPoolNd, _AdaptiveMaxPoolNd, _AvgPoolNd, _MaxPoolNd), translatable("pooling {number}")),
    (nn.Linear, translatable("hidden layer {number}")),
    (nn.LSTM, translatable("LSTM layer {number}")),
    (nn.GRU, translatable("GRU layer {number}")),
    (nn.RNN, translatable("recurrent layer {number}")),
    (nn.Embedding, translatable("word vectors {number}")),
)
"""The kinds of layers, and how one is called."""


def layer_captions(layers: Sequence[nn.Module]) -> dict[nn.Module, str]:
    """As in "convolution 2" for each of these layers that is of a kind in `CAPTIONS`, given in the order they run.

    The last plain layer is the output layer.
    """
    captions: dict[nn.Module, str] = {}
    count: Counter[str] = Counter()
    for layer in layers:
        caption = next((text for kinds, text in CAPTIONS if isinstance(layer, kinds)), None)
        if caption is not None and layer not in captions:
            count[caption] += 1
            captions[layer] = translate(caption, number=count[caption])
    if layers and isinstance(layers[-1], nn.Linear):
        captions[layers[-1]] = translate("output layer")
    return captions


def capitalised(caption: str) -> str:
    """A caption that begins a sentence; the rest of it stays as it is."""
    return caption[:1].upper() + caption[1:]
