"""What a unit sees is found exactly, and its strongest responses are where they are."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from overcast.core.spec import Spec
from overcast.explain import patches
from overcast.explain.patches import TOP, find_receptive_fields, section, strongest
from overcast.explain.stages import stages, zeros
from overcast.html.page import Image, Table
from overcast.model.ann import ANN
from overcast.prediction.trained_network import open_config_pack, restore
from overcast.prepare.pack import Pack
from overcast.tracking.run_folder import Run


class Two(nn.Module):
    """3×3, then pooling by 2, then 3×3: the second sees 3 + (2 - 1) + 2·2 = 8 places at a stride of 2."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.pool, self.b = nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        return self.b(self.pool(self.a(x))).mean((2, 3))


def test_receptive_fields_by_hand() -> None:
    net, x, length = Two(), torch.zeros(1, 1, 16, 20), torch.tensor([16])
    first, second = stages(net, x, length)
    high, wide = find_receptive_fields(net, x, length, first).sides
    assert high.tolist() == [[max(0, i - 1), min(16, i + 2)] for i in range(16)]
    high, wide = find_receptive_fields(net, x, length, second).sides
    assert high.tolist() == [[max(0, 2 * i - 3), min(16, 2 * i + 5)] for i in range(8)]
    assert wide.tolist() == [[max(0, 2 * i - 3), min(20, 2 * i + 5)] for i in range(10)]
    coarse = find_receptive_fields(net, x, length, second, probes=4).sides[0]
    assert (coarse[:, 0] <= high[:, 0]).all()
    assert (coarse[:, 1] >= high[:, 1]).all()
    assert net.a.weight.dtype == torch.float32


class Grams(nn.Module):
    """One filter over three words at a time, which looks for word 3 in their middle."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.conv = nn.Embedding(5, 1, 0), nn.Conv1d(1, 1, 3, bias=False)
        with torch.no_grad():
            self.words.weight.copy_((torch.arange(5) == 3)[:, None])
            self.conv.weight.copy_(torch.tensor([[[0.0, 1.0, 0.0]]]))

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        return self.conv(self.words(x).transpose(1, 2)).amax(2)


def test_receptive_fields_of_words() -> None:
    net, x, length = Grams(), torch.zeros(1, 6, dtype=torch.long), torch.tensor([6])
    (stage,) = stages(net, x, length)
    assert find_receptive_fields(net, x, length, stage).sides[0].tolist() == [[0, 3], [1, 4], [2, 5], [3, 6]]


def test_the_strongest_response_is_where_it_is(trained: Callable[..., Run]) -> None:
    run = trained("model=cnn", "model.width=8", "epochs=1")
    network, pack = restore(run), open_config_pack(run.config)
    rows = np.arange(70)
    raw, length = (torch.from_numpy(a) for a in pack.gather(rows))
    with torch.no_grad():
        x = network.preprocessor(raw, length)
        out = network.net.layers[0](x)
    stage = stages(network.net, x[:1], length[:1])[0]
    (best,) = strongest(network, pack, rows, [stage], [find_receptive_fields(network.net, x[:1], length[:1], stage)])
    assert best.value == pytest.approx(out.amax((2, 3)).numpy(), rel=1e-4)
    top, left = best.place[7, 3]
    assert float(out[7, 3, top, left]) == pytest.approx(float(out[7, 3].max()), rel=1e-4)


def test_an_image_a_stage_or_why_not(trained: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patches, "UNITS", 1)
    run = trained("model=cnn", "model.width=8", "epochs=1")
    page_section = section(restore(run), open_config_pack(run.config), np.arange(TOP + 2))
    images = [part for part in page_section.parts if isinstance(part, Image)]
    assert [part.file for part in images] == ["patches-1.png", "patches-2.png"]
    assert images[0].caption.startswith("Convolution ")
    network = restore(run)
    network.net = ANN(Spec("image", (3, 16, 16), ("a", "b")))
    assert "Left out" in section(network, open_config_pack(run.config), np.arange(9)).text


def test_words_and_steps_are_cut_out_too(trained: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    spec = Spec("tokens", (5,), ("a", "b"), vocabulary=("film", "good", "bad"))
    ids = np.array([[2, 2, 3, 4, 2], [2, 4, 4, 2, 2]] * 4, np.int32)
    ids[1::2][:, 2] = 2  # so class a alone has what the unit looks for
    pack = Pack(spec, {}, np.arange(8) % 2, ids.ravel(), np.arange(0, 41, 5), {})
    reader: Any = SimpleNamespace(net=Grams(), preprocessor=lambda x, length: x.long())
    (table,) = section(reader, pack, np.arange(8)).parts
    assert isinstance(table, Table)
    assert table.head[0] == "convolution 1"
    assert table.rows[0][:2] == ["a", "film good bad"]
    run = trained("data=waves", "model=lstm", "epochs=1")
    network = restore(run)
    network.net = Steps()  # type: ignore[assignment]
    (image,) = section(network, open_config_pack(run.config), np.arange(9)).parts
    assert isinstance(image, Image)
    assert image.caption.endswith("a unit sees 3 of 12 places")


class Steps(nn.Module):
    """A convolution over three steps of a sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 3, 3, padding=1)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        return self.conv(x.transpose(1, 2)).amax(2)


class Bands(nn.Module):
    """A convolution over time and bands of a spectrogram."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3, padding=1)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        return self.conv(x[:, None]).amax((2, 3))


def test_units_over_time_and_bands_are_placed_in_time() -> None:
    spec = Spec("spectrogram", (12, 5), ("a", "b"))
    x = np.random.default_rng(0).normal(size=(80, 5)).astype(np.float32)
    pack = Pack(spec, {"label": np.array(["a", "b"] * 4)}, np.arange(8) % 2, x, np.arange(0, 81, 10), {})
    reader: Any = SimpleNamespace(net=Bands(), preprocessor=lambda x, length: x)
    stage = stages(Bands(), torch.zeros(1, 12, 5), torch.tensor([12]))[0]
    (best,) = strongest(reader, pack, np.arange(8), [stage], [find_receptive_fields(reader.net, *zeros(spec), stage)])
    assert best.place.shape == (8, 3, 1)
    (image,) = section(reader, pack, np.arange(8)).parts
    assert isinstance(image, Image)
    assert image.caption == "Convolution 1: a unit sees 3 of 12 places"
