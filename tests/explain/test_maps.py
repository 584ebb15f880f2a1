"""Feature maps of convolutions over pictures and over steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from overcast.core.spec import Spec
from overcast.explain import maps
from overcast.explain.maps import SAMPLES, section
from overcast.explain.samples import ExplainedSample, choose_test_samples
from overcast.html.page import Image
from overcast.prediction.trained_network import open_config_pack, restore
from overcast.prepare.pack import Pack
from overcast.tracking.run_folder import Run


def test_an_image_a_sample(trained: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "CHANNELS", 2)
    run = trained("model=cnn", "model.width=8", "epochs=1")
    network, pack = restore(run), open_config_pack(run.config)
    samples = choose_test_samples(run, network, pack)
    page_section = section(network, pack, np.arange(100), samples)
    images = [part for part in page_section.parts if isinstance(part, Image)]
    assert samples[-1].name in images[-1].caption  # not the first ones: they come class by class
    assert [image.file for image in images] == [f"maps-{n + 1}.png" for n in range(SAMPLES)]


class Grams(nn.Module):
    """Convolution over the steps of a sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 9, 3, padding=1)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        return self.conv(x.transpose(1, 2)).amax(2)[:, :3]


def test_over_steps_and_without_convolutions(trained: Callable[..., Run]) -> None:
    run = trained("data=waves", "model=lstm", "epochs=1")
    network = restore(run)
    samples = [ExplainedSample("x", np.ones((7, 2), np.float32), 0, np.array([0.5, 0.3, 0.2]))]
    pack = open_config_pack(run.config)
    assert "no convolutions" in section(network, pack, np.arange(75), samples).text
    with torch.no_grad():
        network.net = Grams()  # type: ignore[assignment]
    (part,) = section(network, pack, np.arange(75), samples).parts
    assert isinstance(part, Image)


@dataclass
class Drawn:
    """What stands above the maps, the words on grey fields, and the units of colour bars."""

    titles: list[str]
    words: list[str]
    bars: list[str]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    noted = Drawn([], [], [])
    monkeypatch.setattr(maps, "draw_nothing", lambda axes, why: noted.words.append(why))
    monkeypatch.setattr(maps, "bar_right", lambda axes, scale: noted.bars.append(scale.unit))

    def keep(file: str, figure: Figure, caption: str) -> Image:
        noted.titles += [
            text for axes in figure.axes for text in (axes.get_title(), *(t.get_text() for t in axes.texts))
        ]
        return Image(file, b"", caption, 1)

    monkeypatch.setattr(Image, "from_figure", keep)
    return noted


class Pyramid(nn.Module):
    """Of pictures of 8×8: one unit that sees bright ones, one that sees dark ones and a dead one; then 2×2 places."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.relu, self.pool = nn.Conv2d(1, 3, 1), nn.ReLU(), nn.MaxPool2d(4)
        self.last = nn.Conv2d(3, 2, 1)
        with torch.no_grad():
            self.first.weight.copy_(torch.tensor([-1.0, 0.0, 1.0]).view(3, 1, 1, 1))
            self.first.bias.copy_(torch.tensor([5.0, -1.0, 0.0]))

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        return self.last(self.pool(self.relu(self.first(x)))).mean((2, 3))


def test_units_are_of_a_class_each_and_what_shows_nothing_is_grey_or_left_out(drawn: Drawn) -> None:
    spec = Spec("image", (1, 8, 8), ("dark", "bright"))
    x = np.random.default_rng(0).integers(0, 5, (20, 1, 8, 8)) + 100 * (np.arange(20) % 2)[:, None, None, None]
    pack = Pack(spec, {}, np.arange(20) % 2, x.astype(np.uint8), None, {})
    network: Any = SimpleNamespace(net=Pyramid(), preprocessor=Reader())
    samples = [ExplainedSample("x", pack.values[1], 1, np.array([0.2, 0.8]))]
    page_section = section(network, pack, np.arange(20), samples)
    assert "fewer than 4 places a side to point at: convolution 2 (2×2)" in page_section.text
    assert [title for title in drawn.titles if title] == ["dark", "convolution 1: 3 units, each a map of 8×8", "bright"]
    assert drawn.words == ["no response"]  # of the unit of dark ones, to a bright one
    assert drawn.bars == ["response"]


class Reader:
    """Gives pictures as they are."""

    kind = "image"

    def __call__(self, x: Tensor, length: Tensor) -> Tensor:
        return x.float()
