"""Max-norm: after every step no unit's incoming weights are longer than the limit; shorter ones are not touched."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from overcast.core.errors import UserError
from overcast.core.spec import Spec
from overcast.mitigation.max_norm import MaxNorm, project
from overcast.model.ann import ANN
from overcast.model.transfer import Transfer


def test_cuts_long_ones_back_and_leaves_short_ones() -> None:
    net = nn.Sequential(nn.Conv2d(2, 4, 3), nn.LSTM(5, 3), nn.Linear(6, 3))
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    project(net, 0.6)
    lengths = []
    for name, weight in net.named_parameters():
        if weight.ndim == 1:
            assert weight.equal(before[name])
            continue
        old = before[name].flatten(1).norm(dim=1)
        new = weight.detach().flatten(1).norm(dim=1)
        lengths += old.tolist()
        assert new.allclose(old.clamp(max=0.6), atol=1e-5)
        assert weight[old <= 0.6].equal(before[name][old <= 0.6])
    assert min(lengths) < 0.6 < max(lengths)


@pytest.mark.parametrize("kind", ["image", "tokens"])
def test_pretrained_filters_and_the_vectors_of_words_are_not_cut(kind: str) -> None:
    if kind == "image":
        pytest.importorskip("efficientnet_lite_pytorch")
        net: nn.Module = Transfer(Spec("image", (3, 16, 16), ("a", "b")), size=32, frozen=False)
    else:
        net = ANN(Spec("tokens", (9,), ("a", "b"), vocabulary=tuple("abcdef")))
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    project(net, 0.1)
    shortened = {name.partition(".")[0] for name, weight in net.named_parameters() if not weight.equal(before[name])}
    assert shortened == {"head" if kind == "image" else "layers"}


def test_bounds_the_weights_of_a_run(trained: Any) -> None:
    trainer, _ = trained("mitigation=max_norm", "mitigation.max_norm.limit=0.5")
    for weight in trainer.lightning_module.net.parameters():
        if weight.ndim > 1:
            assert weight.detach().flatten(1).norm(dim=1).max() <= 0.5 + 1e-5


def test_no_limit_is_none(same_as_none: Any) -> None:
    assert same_as_none("mitigation=max_norm", "mitigation.max_norm.limit=inf")


@pytest.mark.parametrize("limit", [0, -1.5, float("nan"), float("-inf")])
def test_out_of_range_is_refused(built: Any, limit: float) -> None:
    with pytest.raises(UserError, match=rf"mitigation\.max_norm\.limit={limit}: must be above 0$"):
        built(MaxNorm, limit=limit)


def test_project_needs_no_gradient() -> None:
    net = nn.Linear(2, 2)
    project(net, 0.1)
    assert all(p.grad is None and p.requires_grad for p in net.parameters())
    assert torch.isfinite(net.weight).all()
