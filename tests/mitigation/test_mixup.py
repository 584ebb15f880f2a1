"""Mixup: inputs and labels are the same convex combination, of two samples of the batch, drawn from a Beta."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from scipy import stats

from overcast.core.errors import UserError
from overcast.core.seeding import generator
from overcast.mitigation import Batch
from overcast.mitigation.cutmix import Cutmix
from overcast.mitigation.mixup import Mixup, beta


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_draws_follow_the_beta_distribution(alpha: float) -> None:
    drawn = beta(alpha, torch.rand(5000, 2, generator=generator("beta")))
    assert drawn.isfinite().all()
    assert stats.kstest(drawn.double().numpy(), stats.beta(alpha, alpha).cdf).pvalue > 0.01


def test_edge_draws_are_finite() -> None:
    edges = torch.tensor([[0.0, 0.0], [0.0, 0.5], [1 - 2**-24, 0.25], [2**-24, 0.75], [0.0, 0.25]])
    for alpha in (1e-3, 0.2, 1.0, 50.0):
        assert ((beta(alpha, edges) >= 0) & (beta(alpha, edges) <= 1)).all()


@pytest.mark.parametrize("kind", ["pictures", "sequences"])
def test_inputs_and_labels_are_the_same_combination(kind: str, request: pytest.FixtureRequest) -> None:
    batch: Batch = request.getfixturevalue(kind)
    unique = batch._replace(y=torch.arange(64), classes=64)  # each label tells its sample
    mixed = Mixup(1.0).batch(unique, generator("mixup"))
    assert mixed.y.shape == (64, 64)
    assert mixed.y.sum(1).allclose(torch.ones(64))
    assert mixed.x.allclose(torch.einsum("bn,n...->b...", mixed.y, batch.x), atol=1e-5)
    assert ((mixed.y > 0).sum(1) <= 2).all()
    assert (mixed.y.diagonal() > 0).all()
    parts = (mixed.y > 0) * batch.length  # (B, N)
    assert mixed.length.equal(parts.amax(1))


def test_labels_are_of_the_batchs_classes_and_may_be_mixed_again(pictures: Batch) -> None:
    once = Mixup(0.5).batch(pictures, generator("a"))
    twice = Cutmix().batch(Mixup(0.5).batch(once, generator("b")), generator("c"))
    for batch in (once, twice):
        assert batch.y.shape == (64, 4)
        assert batch.y.sum(1).allclose(torch.ones(64))


def test_draws_are_the_generators(pictures: Batch) -> None:
    once, again, other = (Mixup().batch(pictures, generator(key)).x for key in "aab")
    assert once.equal(again)
    assert not once.equal(other)


@pytest.mark.parametrize("source", [[], ["data=waves", "model=lstm"]])
def test_zero_is_none(same_as_none: Any, source: list[str]) -> None:
    assert same_as_none("mitigation=mixup", "mitigation.mixup.alpha=0.0", *source)


def test_out_of_range_is_refused(built: Any) -> None:
    with pytest.raises(UserError, match=r"mitigation\.mixup\.alpha=-0\.1: must be at least 0$"):
        built(Mixup, alpha=-0.1)
