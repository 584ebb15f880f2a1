"""Integrated gradients are complete, Grad-CAM finds the place, and what passes no gradient is known to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from overcast.core.errors import UserError
from overcast.core.spec import Spec
from overcast.explain import gradients
from overcast.explain.gradients import passes_gradient
from overcast.model.ann import ANN
from overcast.model.cnn import CNN
from overcast.model.lstm import LSTM
from overcast.tracking.run_folder import Run

IMAGE = Spec("image", (3, 8, 8), ("a", "b"))
TOKENS = Spec("tokens", (6,), ("a", "b"), vocabulary=tuple("abcdefgh"))


@pytest.fixture(autouse=True)
def captum(request: pytest.FixtureRequest) -> None:
    if "without" not in request.node.name:
        pytest.importorskip("captum")


@pytest.mark.parametrize("net", [CNN(IMAGE, width=4, stages=2), ANN(IMAGE), LSTM(IMAGE, hidden=8)])
def test_gradients_add_up_to_the_difference_of_the_outputs(net: nn.Module) -> None:
    x, length = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([8])
    net.eval()
    attributions, miss = gradients.integrated_gradients(net, x, length, 1, steps=200)
    with torch.no_grad():
        difference = float((net(x, length) - net(torch.zeros_like(x), length))[0, 1])
    assert attributions.shape == (3, 8, 8)
    assert attributions.sum() == pytest.approx(difference, abs=0.02)
    assert miss == pytest.approx(abs(attributions.sum() - difference), abs=1e-5)


def test_words_add_up_to_the_difference_too_and_the_one_that_counts_has_it_all(saying: nn.Module) -> None:
    attributions, miss = gradients.integrated_gradients(
        saying, torch.tensor([[2, 5, 3]]), torch.tensor([3]), 1, steps=8
    )
    assert attributions == pytest.approx([0, 3, 0], abs=1e-5)
    assert miss < 1e-4


def test_words_of_a_real_network() -> None:
    net = ANN(TOKENS).eval()
    x, length = torch.tensor([[2, 3, 4, 5]]), torch.tensor([4])
    attributions, _ = gradients.integrated_gradients(net, x, length, 0, steps=100)
    with torch.no_grad():
        difference = float((net(x, length) - net(torch.zeros_like(x), length))[0, 0])
    assert attributions.shape == (4,)
    assert attributions.sum() == pytest.approx(difference, abs=1e-3)


def test_the_class_activation_lies_where_the_picture_has_something() -> None:
    net = nn.ModuleDict({"conv": nn.Conv2d(1, 1, 1, bias=False)})
    nn.init.ones_(net["conv"].weight)

    class Mean(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = net["conv"]

        def forward(self, x: Tensor, length: Tensor) -> Tensor:
            score = self.conv(x).mean((1, 2, 3))
            return torch.stack([-score, score], 1)

    x = torch.zeros(1, 1, 8, 8)
    x[..., :4, :4] = 1
    model = Mean()
    speaks = gradients.grad_cam(model, x, torch.tensor([8]), 1, model.conv)
    assert (speaks > 0).tolist() == (x[0, 0] > 0).tolist()
    assert not gradients.grad_cam(model, x, torch.tensor([8]), 0, model.conv).any()


@pytest.mark.parametrize(("spec", "x"), [(IMAGE, torch.randn(1, 3, 8, 8)), (TOKENS, torch.tensor([[2, 3]]))])
def test_whether_a_gradient_passes(spec: Spec, x: Tensor) -> None:
    class Frozen(ANN):
        def forward(self, x: Tensor, length: Tensor) -> Tensor:
            with torch.no_grad():
                vector = self.vector(x, length)
            return vector.new_ones(len(x), 2) * self.head.weight.sum() if hasattr(self, "head") else vector[:, :2]

    length = torch.tensor([x.shape[-1]])
    assert passes_gradient(ANN(spec), x, length)
    assert not passes_gradient(Frozen(spec), x, length)
    assert not x.requires_grad


def test_without_captum_the_extra_is_named(trained: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    from overcast.explain.explain import explain

    monkeypatch.setattr(gradients.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs captum.*\[explain\]"):
        explain(trained("epochs=1"))
