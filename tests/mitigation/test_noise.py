"""Noise: of its strength, on every value but padding, fresh for each key."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from overcast.core.errors import UserError
from overcast.core.seeding import generator
from overcast.mitigation import Batch
from overcast.mitigation.noise import Noise


def test_adds_noise_of_its_strength(pictures: Batch) -> None:
    added = Noise(0.4).batch(pictures, generator("noise")).x - pictures.x
    assert added.std().item() == pytest.approx(0.4, rel=0.02)
    assert added.mean().item() == pytest.approx(0.0, abs=0.01)


def test_padding_stays_zero(sequences: Batch) -> None:
    noisy = Noise(0.4).batch(sequences, generator("noise"))
    padding = torch.arange(10) >= sequences.length[:, None]  # (B, T)
    assert (noisy.x[padding] == 0).all()
    assert (noisy.x[~padding] != sequences.x[~padding]).all()
    assert noisy.length.equal(sequences.length)


def test_draws_are_the_generators(pictures: Batch) -> None:
    once, again, other = (Noise().batch(pictures, generator(key)).x for key in "aab")
    assert once.equal(again)
    assert not once.equal(other)


@pytest.mark.parametrize("source", [[], ["data=waves", "model=lstm"]])
def test_zero_is_none(same_as_none: Any, source: list[str]) -> None:
    assert same_as_none("mitigation=noise", "mitigation.noise.strength=0.0", *source)


def test_out_of_range_is_refused(built: Any) -> None:
    with pytest.raises(UserError, match=r"mitigation\.noise\.strength=-0\.1: must be at least 0$"):
        built(Noise, strength=-0.1)
