"""Weight decay: what weighs inputs loses its share a step, apart from the gradient; nothing else does."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import yaml
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from overcast.config.messages import option_names
from overcast.config.options import Option
from overcast.core.errors import UserError
from overcast.core.paths import ROOT
from overcast.core.spec import Kind, Spec
from overcast.mitigation.sam import SAM
from overcast.mitigation.weight_decay import DECAYED, WeightDecay, decayed_weights
from overcast.model import Network
from overcast.model._convolution import Residual
from overcast.model.cnn import CNN
from overcast.model.lstm import LSTM
from overcast.prediction.build import build_network

SPEC = Spec("image", (3, 16, 16), ("a", "b"))
SPECS: dict[Kind, Spec] = {
    "image": SPEC,
    "sequence": Spec("sequence", (12, 4), ("a", "b")),
    "tokens": Spec("tokens", (12,), ("a", "b"), vocabulary=tuple("abcdefghij")),
}
SPARED = (_BatchNorm, nn.Embedding, Residual)


def network(name: str, kind: Kind, **sizes: Any) -> Network:
    """A shipped network with batch norm; skips where it needs what is not installed, or reads no such data."""
    if name == "transfer":
        pytest.importorskip("efficientnet_lite_pytorch")
    shipped = yaml.safe_load((ROOT / "conf" / "model" / f"{name}.yaml").read_text())
    option = Option.from_dict(shipped | {"norm": "batch"} | sizes)
    if kind not in option.target_class("model").kinds or (name == "transfer" and kind != "image"):
        pytest.skip("it reads no such data")
    net: Network = build_network(option, SPECS[kind], {})
    return net


@pytest.mark.parametrize("kind", SPECS)
@pytest.mark.parametrize("name", option_names(ROOT / "conf", "model"))
def test_the_layer_that_owns_a_weight_decides(name: str, kind: Kind) -> None:
    net = network(name, kind)
    decayed = {id(weight) for weight in decayed_weights(net)}
    assert decayed
    for module in net.modules():
        for name, weight in module.named_parameters(recurse=False):
            assert isinstance(module, DECAYED + SPARED), f"{type(module).__name__}: does {name} decay?"
            assert (id(weight) in decayed) == (isinstance(module, DECAYED) and "bias" not in name), name


def test_an_embedding_does_not_decay() -> None:
    net = network("ann", "tokens")
    optimizer = WeightDecay(0.2).optimizer(net, net.optimizer(0.1))
    words = net.get_parameter("vector.words.weight")
    before = words.detach().clone()
    for weight in net.parameters():
        weight.grad = torch.zeros_like(weight)
    optimizer.step()
    assert words.equal(before)
    assert words.ndim == 2


def test_pretrained_layers_that_learn_on_decay_by_their_own_rate() -> None:
    net = network("transfer", "image", frozen=False, backbone_lr=0.1)
    optimizer = WeightDecay(0.2).optimizer(net, net.optimizer(0.1))
    rates = [(g["lr"], len(g["params"])) for g in optimizer.param_groups if g["weight_decay"]]
    assert [rate for rate, _ in rates] == pytest.approx([0.1, 0.01])
    assert sum(many for _, many in rates) == len(decayed_weights(net)) == 50


@pytest.mark.parametrize("net", [CNN(SPEC, width=4, norm="batch"), LSTM(SPEC, hidden=8)])
def test_a_step_without_gradient_shrinks_matrices_alone(net: nn.Module) -> None:
    optimizer = WeightDecay(0.2).optimizer(net, torch.optim.AdamW(net.parameters(), lr=0.1, weight_decay=0.0))
    before = {name: weight.detach().clone() for name, weight in net.named_parameters()}
    for weight in net.parameters():
        weight.grad = torch.zeros_like(weight)
    optimizer.step()
    for name, weight in net.named_parameters():
        assert weight.allclose(before[name] * (0.98 if weight.ndim > 1 else 1.0), rtol=1e-6), name
    grouped = [id(weight) for group in optimizer.param_groups for weight in group["params"]]
    assert sorted(grouped) == sorted(map(id, net.parameters()))


def test_works_with_an_optimiser_that_is_wrapped() -> None:
    net = CNN(SPEC, width=4)
    wrapped = SAM(0.05).optimizer(net, net.optimizer(0.1))
    decayed = [g["weight_decay"] for g in WeightDecay(0.2).optimizer(net, wrapped).built.param_groups]  # type: ignore
    assert decayed == [0.0, 0.2]


def test_weights_end_smaller(trained: Any) -> None:
    def length(*overrides: str) -> float:
        trainer, _ = trained("epochs=5", *overrides)
        return sum(w.detach().square().sum().item() for w in trainer.lightning_module.net.parameters()) ** 0.5

    lengths = [length("mitigation=weight_decay", f"mitigation.weight_decay.strength={s}") for s in (0.0, 2.0, 10.0)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[2] < 0.8 * lengths[0]


def test_zero_is_none(same_as_none: Any) -> None:
    assert same_as_none("mitigation=weight_decay", "mitigation.weight_decay.strength=0.0")


def test_out_of_range_is_refused(built: Any) -> None:
    with pytest.raises(UserError, match=r"mitigation\.weight_decay\.strength=-1: must be at least 0$"):
        built(WeightDecay, strength=-1)
