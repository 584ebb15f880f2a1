"""The temperature is the one that torch's own optimiser finds, and undoes the one that logits were made with."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from overcast.statistics.temperature import RANGE, learn_temperature, negative_log_likelihood


def drawn(temperature: float, n: int = 400, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and classes that they tell as surely as if they were divided by ``temperature``."""
    rng = np.random.default_rng(0)
    logits = 3 * rng.standard_normal((n, classes))
    return logits, (logits / temperature + rng.gumbel(size=logits.shape)).argmax(1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_it_is_the_minimum_that_lbfgs_finds(temperature: float) -> None:
    logits, target = drawn(temperature)
    log_t = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_t], max_iter=100, line_search_fn="strong_wolfe", tolerance_grad=1e-10)
    x, y = torch.from_numpy(logits), torch.from_numpy(target)

    def loss() -> float:
        optimizer.zero_grad()
        value = F.cross_entropy(x / log_t.exp(), y)
        value.backward()  # type: ignore[no-untyped-call]
        return float(value.detach())

    optimizer.step(loss)
    assert learn_temperature(logits, target) == pytest.approx(float(log_t.detach().exp()), rel=1e-4)
    assert learn_temperature(drawn(temperature, 20_000)[0], drawn(temperature, 20_000)[1]) == pytest.approx(
        temperature, rel=0.05
    )
    assert negative_log_likelihood(logits, target) == pytest.approx(float(F.cross_entropy(x, y)))


def test_where_all_is_right_it_stays_in_its_range() -> None:
    logits = 0.5 * np.eye(3)
    assert learn_temperature(logits, np.arange(3)) == pytest.approx(RANGE[0], rel=1e-2)
    assert learn_temperature(logits, np.array([1, 2, 0])) == pytest.approx(RANGE[1], rel=1e-2)
