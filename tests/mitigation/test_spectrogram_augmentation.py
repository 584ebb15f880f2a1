"""Spectrogram augmentation: each change does what it says, zero is nothing at all, and padding stays zero."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.interpolate import interp1d
from torch import Tensor

from overcast.config.options import Option
from overcast.core.errors import IncompatibleError, UserError
from overcast.core.seeding import generator
from overcast.mitigation import Batch
from overcast.mitigation.spectrogram_augmentation import (
    SpectrogramAugmentation,
    equalize,
    mask_bands,
    raise_floor,
    stretch_time,
    warp_bands,
)
from overcast.prediction.build import build_mitigations

TARGET = "overcast.mitigation.spectrogram_augmentation.SpectrogramAugmentation"
NOTHING = dict.fromkeys(("tempo", "stretch", "shift", "tilt", "gain", "floor", "noise", "mask"), 0.0)


def recordings(number: int = 16, bands: int = 10) -> Batch:
    """Spectrograms of 5 to 20 steps, padded with zeros."""
    length = torch.arange(number) % 16 + 5
    x = torch.randn(number, int(length.max()), bands, generator=generator("recordings"))
    return Batch(x * (torch.arange(x.shape[1]) < length[:, None])[..., None], torch.arange(number), length, number)


def changed(batch: Batch, *key: int | str, **options: float) -> Batch:
    after = SpectrogramAugmentation(**{**NOTHING, **options}).batch(batch, generator(*key))
    assert after.y.equal(batch.y)
    assert after.x.dtype == batch.x.dtype
    assert after.x.shape == (len(batch.x), max(after.length), batch.x.shape[2])
    beyond = torch.arange(after.x.shape[1]) >= after.length[:, None]
    assert not after.x[beyond].any()
    return after


def test_zero_is_nothing_bit_for_bit() -> None:
    after = changed(recordings())
    assert after.x.equal(recordings().x)
    assert after.length.equal(recordings().length)


@pytest.mark.parametrize("option", NOTHING)
def test_each_option_changes_recordings_as_its_key_says(option: str) -> None:
    once, again, other = (changed(recordings(), key, **{option: 0.5}).x for key in ("a", "a", "b"))
    assert once.equal(again)
    assert once.shape != other.shape or not once.equal(other)
    assert once.shape != recordings().x.shape or not once.equal(recordings().x)


def lasting(factor: float, x: Tensor, length: int) -> tuple[Tensor, Tensor]:
    return stretch_time(x, torch.tensor([length]), torch.tensor([factor]))


@pytest.mark.parametrize(("factor", "steps"), [(0.5, 5), (0.75, 8), (1.0, 10), (1.25, 12), (2.0, 20)])
def test_time_is_stretched_as_scipy_interpolates(factor: float, steps: int) -> None:
    x = recordings(1).x.new_zeros(1, 14, 3)
    x[:, :10] = torch.randn(1, 10, 3, generator=generator("x"))
    x[:, 10:] = 9.0  # which is none of it
    stretched, length = lasting(factor, x, 10)
    assert length.tolist() == [steps]
    place = np.clip((np.arange(steps) + 0.5) * 10 / steps - 0.5, 0, 9)
    assert stretched[0].numpy() == pytest.approx(interp1d(np.arange(10), x[0, :10].numpy(), axis=0)(place), abs=1e-5)


def test_a_single_step_stays_one() -> None:
    x = torch.randn(1, 1, 4)
    assert lasting(0.5, x, 1)[0].equal(x)


def test_bands_are_stretched_about_the_middle_and_moved() -> None:
    x = torch.linspace(-1, 1, 9).repeat(2, 3, 1)  # (B, T, F)
    x[1] = torch.randn(3, 9, generator=generator("x"))
    wide = warp_bands(x, torch.tensor([2.0, 1.0]), torch.tensor([0.0, 1 / 9]))
    assert wide[0].allclose(x[0] / 2, atol=1e-6)
    assert wide[1, :, 1:].allclose(x[1, :, :-1], atol=1e-6)  # one band up
    assert wide[1, :, 0].allclose(x[1, :, 0], atol=1e-6)


def test_bands_get_louder_towards_one_end_and_each_on_its_own() -> None:
    x, gains = torch.zeros(1, 2, 5), torch.tensor([[0.0, 1.0, 0.0, 0.0, 0.0]])
    assert equalize(x, torch.tensor([2.0]), gains)[0].tolist() == [[-2.0, 0.0, 0.0, 1.0, 2.0]] * 2


def test_the_floor_is_raised_above_the_lowest_true_value_of_each_band() -> None:
    x = torch.tensor([[[-2.0, 0.0], [1.0, 0.5], [-9.0, -9.0]]])
    raised = raise_floor(x, torch.tensor([2]), torch.tensor([1.0]))
    assert raised[0, :2].tolist() == [[-1.0, 1.0], [1.0, 1.0]]


def test_masked_bands_are_at_the_mean() -> None:
    masked = mask_bands(torch.ones(2, 3, 5), 2, torch.tensor([0, 3]))
    assert masked[:, 0].tolist() == [[0.0, 0.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.0, 0.0]]


def test_lengths_stay_within_the_tempo() -> None:
    batch = recordings(200)
    ratio = changed(batch, tempo=0.25).length / batch.length
    assert ratio.min() >= 0.75 - 0.5 / 5
    assert ratio.max() <= 1.25 + 0.5 / 5
    assert ratio.std() > 0.1


@pytest.mark.parametrize("kind", ["image", "sequence", "tokens"])
def test_what_is_no_spectrogram_is_refused(kind: str) -> None:
    with pytest.raises(IncompatibleError, match=f"works on spectrogram data; this data set is of kind {kind}"):
        build_mitigations([Option("spectrogram_augmentation", TARGET, {})], kind)


@pytest.mark.parametrize("option", ["tempo=1", "tempo=2", "stretch=1", "shift=2", "tilt=-1", "floor=-1", "mask=1.5"])
def test_impossible_strengths_are_refused(option: str) -> None:
    name, value = option.split("=")
    with pytest.raises(UserError, match=f"spectrogram_augmentation.{name}="):
        build_mitigations([Option("spectrogram_augmentation", TARGET, {name: float(value)})], "spectrogram")
