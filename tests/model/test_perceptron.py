"""The perceptron: its rule by hand, and what it can learn and cannot (Minsky & Papert 1969)."""

from __future__ import annotations

import pytest
import torch

from overcast.config.options import Option
from overcast.core.spec import Spec
from overcast.model import Network
from overcast.model.ann import ANN
from overcast.model.perceptron import Perceptron
from overcast.prediction.build import network_size

GATE = Spec("sequence", (1, 2), ("false", "true"))
CORNERS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])[:, None]
ONE = torch.ones(4, dtype=torch.long)


def most_right(net: Network, truth: list[int], lr: float, steps: int = 200) -> list[int]:
    """How many of the four corners are right after each step."""
    y, optimizer, right = torch.tensor(truth), net.optimizer(lr), []
    for _ in range(steps):
        optimizer.zero_grad()
        net.loss(net(CORNERS, ONE), y).sum().backward()
        optimizer.step()
        right.append(int((net(CORNERS, ONE).argmax(1) == y).sum()))
    return right


@pytest.mark.parametrize("truth", [[0, 0, 0, 1], [0, 1, 1, 1]], ids=["and", "or"])
def test_learns_what_a_line_can_part(truth: list[int]) -> None:
    assert most_right(Perceptron(GATE), truth, lr=0.1)[-20:] == [4] * 20


def test_xor_needs_a_hidden_layer() -> None:
    truth = [0, 1, 1, 0]
    assert max(most_right(Perceptron(GATE), truth, lr=0.1)) <= 3
    torch.manual_seed(0)
    assert most_right(ANN(GATE, hidden=4, activation="tanh"), truth, lr=0.05)[-1] == 4


@pytest.mark.parametrize("truth", [0, 1, 2])
def test_one_step_is_the_rule_by_hand(truth: int) -> None:
    net, x = Perceptron(Spec("sequence", (1, 2), tuple("abc"))), torch.tensor([[[2.0, -1.0]]])
    with torch.no_grad():
        net.head.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]))  # scores 2, -1, -2: the first wins
    expected, bias = net.head.weight.detach().clone(), torch.zeros(3)
    if truth != 0:
        expected[truth] += 0.5 * x[0, 0]
        expected[0] -= 0.5 * x[0, 0]
        bias[truth], bias[0] = 0.5, -0.5
    optimizer = net.optimizer(lr=0.5)
    net.loss(net(x, torch.tensor([1])), torch.tensor([truth])).sum().backward()
    optimizer.step()
    assert net.head.weight.equal(expected)
    assert net.head.bias.equal(bias)


def test_loss_by_hand_for_classes_and_probabilities() -> None:
    net, scores = Perceptron(GATE), torch.tensor([[3.0, 1.0], [3.0, 1.0], [-1.0, 0.5]])
    assert net.loss(scores, torch.tensor([0, 1, 1])).tolist() == [0.0, 2.0, 0.0]
    hot = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    assert net.loss(scores, hot).tolist() == [0.0, 2.0, 0.75]


def test_weights_and_multiply_adds_by_hand() -> None:
    option = Option.from_dict({"_target_": "overcast.model.perceptron.Perceptron"})
    assert network_size(option, (), Spec("image", (3, 4, 5), tuple("ab"))) == {
        "parameters": 61 * 2,
        "multiply_adds": 60 * 2,
    }


def test_a_text_is_the_mean_of_its_words() -> None:
    net = Perceptron(Spec("tokens", (9,), ("a", "b"), vocabulary=tuple("abcdef")), embedding=5)
    torch.nn.init.ones_(net.head.weight)
    words = net.vector.words
    assert words is not None
    logits = net(torch.tensor([[3, 4, 0]]), torch.tensor([2]))
    assert logits.allclose((words.weight[3] + words.weight[4]).sum().expand(1, 2) / 2)
