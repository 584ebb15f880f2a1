"""The first layer before and after training, as pictures where its weights make some."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from overcast.core.spec import Spec
from overcast.explain import filters as module
from overcast.explain.filters import first_layer_filters, section
from overcast.html.page import Image, Paragraph, Part, Section
from overcast.model import Network
from overcast.model.ann import ANN
from overcast.model.cnn import CNN
from overcast.model.lstm import LSTM
from overcast.prepare.pack import Pack

IMAGE = Spec("image", (3, 8, 8), ("a", "b"))
SEQUENCE = Spec("sequence", (6, 4), ("a", "b"))
TOKENS = Spec("tokens", (6,), ("a", "b"), vocabulary=("x", "y"))


def page_section(before: Network, after: Network, spec: Spec) -> Section:
    """The section about networks that were shown 20 samples of two classes, bright and dark ones."""
    after.eval()
    labels = np.arange(20) % 2
    dtype = {"image": np.uint8, "tokens": np.int32}.get(spec.kind, np.float32)
    x = np.random.default_rng(0).integers(0, 2, (20, *spec.shape)) + 4 * labels.reshape(-1, *[1] * len(spec.shape))
    ragged = None if spec.kind == "image" else np.arange(21) * spec.shape[0]
    values = x.astype(dtype)
    pack = Pack(spec, {}, labels, values if ragged is None else values.reshape(-1, *spec.shape[1:]), ragged, {})
    trained: Any = SimpleNamespace(net=after, preprocessor=lambda x, length: x.float())
    return section(before, trained, pack, np.arange(20))


def texts(parts: Sequence[Part]) -> str:
    return " ".join(str(part.text) for part in parts if isinstance(part, Paragraph))


@pytest.mark.parametrize(("kind", "shape"), [(CNN, (3, 3, 3)), (ANN, (3, 8, 8))])
def test_weights_are_those_before_and_after(kind: type[Network], shape: tuple[int, ...]) -> None:
    before, after = kind(IMAGE), kind(IMAGE)
    filters = first_layer_filters(before, after, IMAGE)
    assert filters is not None
    assert filters.before.shape[1:] == shape
    assert filters.after == pytest.approx(
        dict(after.named_parameters())[f"{filters.name}.weight"].detach().numpy().reshape(-1, *shape)
    )
    assert first_layer_filters(before, before, IMAGE).change == pytest.approx(np.zeros(len(filters.before)))  # type: ignore[union-attr]


def test_the_change_is_against_the_size_before() -> None:
    before, after = ANN(IMAGE), ANN(IMAGE)
    after.load_state_dict({name: 1.5 * value for name, value in before.state_dict().items()})
    filters = first_layer_filters(before, after, IMAGE)
    assert filters is not None
    assert filters.change == pytest.approx(0.5)
    parts = page_section(before, after, IMAGE).parts
    assert [part.file for part in parts if isinstance(part, Image)] == ["filters.png"]
    assert "Training has changed these filters: yes (the middle one of 128 by 50%" in texts(parts)
    assert "Training has changed these filters: no" in texts(page_section(before, before, IMAGE).parts)


def test_filters_of_a_sequence_have_their_features_upwards() -> None:
    class Conv(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv1d(4, 5, 3)

    filters = first_layer_filters(Conv(), Conv(), SEQUENCE)
    assert filters is not None
    assert filters.before.shape == (5, 1, 4, 3)


@pytest.mark.parametrize(("kind", "spec"), [(LSTM, IMAGE), (LSTM, SEQUENCE), (ANN, SEQUENCE), (ANN, TOKENS)])
def test_what_makes_no_pictures_is_left_out_with_a_reason(kind: type[Network], spec: Spec) -> None:
    left_out = page_section(kind(spec), kind(spec), spec)
    assert left_out.text.startswith("Left out: ")
    assert not left_out.parts


def drawn(monkeypatch: pytest.MonkeyPatch, net: Network, spec: Spec) -> tuple[list[str], list[str]]:
    """What stands above the filters, and the words on grey fields."""
    figures, words = [], list[str]()
    real, nothing = module._figure, module.draw_nothing
    monkeypatch.setattr(module, "_figure", lambda *given: figures.append(real(*given)) or figures[-1])
    monkeypatch.setattr(module, "draw_nothing", lambda axes, why: words.append(why) or nothing(axes, why))
    page_section(net, net, spec)
    return [axes.get_title() for axes in figures[0].axes if axes.get_title()], words


def test_there_is_a_unit_a_class_and_a_dead_one_is_grey_and_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    net = ANN(IMAGE, hidden=4, activation="relu")
    with torch.no_grad():
        weights = net.layers[0].weight
        weights.copy_(torch.outer(torch.tensor([1.0, -1.0, 0.5, -1.0]), torch.linspace(0.9, 1.1, 192)))
        net.layers[0].bias.copy_(torch.tensor([0.0, 900.0, -9999.0, -1.0]))
    titles, words = drawn(monkeypatch, net, IMAGE)
    assert sorted(titles) == ["a", "b", "unit 2", "unit 3"]  # one answers to bright ones, one to dark ones, two to none
    assert words == ["dead"] * 4
    assert "2 of the 4 units are dead" in texts(page_section(net, net, IMAGE).parts)


def test_weights_as_red_and_blue_have_a_colour_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    bars = list[str]()
    monkeypatch.setattr(module, "bar_below", lambda axes, scale: bars.append(scale.unit))
    grey = Spec("image", (1, 8, 8), ("a", "b"))
    page_section(CNN(grey, width=4, stages=2), CNN(grey, width=4, stages=2), grey)
    assert bars == ["weight ÷ the unit's largest"]
    assert "grey is zero" in page_section(ANN(IMAGE), ANN(IMAGE), IMAGE).text


def test_filters_over_time_and_bands_have_time_to_the_right() -> None:
    class Conv(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(1, 5, (2, 3))

    filters = first_layer_filters(Conv(), Conv(), Spec("spectrogram", (6, 4), ("a", "b")))
    assert filters is not None
    assert filters.before.shape == (5, 1, 3, 2)
