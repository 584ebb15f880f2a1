"""Mean and spread against numpy, whatever the size of the blocks; padding stays zero."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from overcast import inputs
from overcast.errors import UserError
from overcast.inputs import Lookup, Standardise, input_layer
from overcast.prepare.pack import Pack, open_pack
from overcast.spec import Spec


def constant(spec_of: Pack, values: np.ndarray) -> Pack:
    return Pack(spec_of.spec, spec_of.index, spec_of.labels, values, spec_of.offsets, spec_of.info)


@pytest.mark.parametrize("block", [7, 4096])
@pytest.mark.parametrize("rows", [np.arange(100), np.arange(3, 90, 4)])
def test_pictures_against_numpy(data: Path, rows: np.ndarray, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "BLOCK", block)
    pack = open_pack(data, "skies")
    learned = Standardise(pack.spec).learn(pack, rows)
    pixels = pack.values[rows].astype(np.float64)
    assert learned.mean.flatten().numpy() == pytest.approx(pixels.mean((0, 2, 3)), rel=1e-6)
    assert learned.spread.flatten().numpy() == pytest.approx(pixels.std((0, 2, 3)), rel=1e-6)
    x, length = pack.gather(rows)
    z = learned(torch.from_numpy(x), torch.from_numpy(length))
    assert z.dtype == torch.float32
    assert z.mean((0, 2, 3)).numpy() == pytest.approx(np.zeros(3), abs=1e-4)
    assert z.std((0, 2, 3), correction=0).numpy() == pytest.approx(np.ones(3), abs=1e-4)


@pytest.mark.parametrize("block", [7, 4096])
def test_sequences_against_numpy_without_their_padding(data: Path, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "BLOCK", block)
    pack, rows = open_pack(data, "waves"), np.arange(0, 75, 2)
    assert pack.offsets is not None
    steps = np.concatenate([pack.values[pack.offsets[r] : pack.offsets[r + 1]] for r in rows]).astype(np.float64)
    learned = Standardise(pack.spec).learn(pack, rows)
    assert learned.mean.numpy() == pytest.approx(steps.mean(0), rel=1e-6)
    assert learned.spread.numpy() == pytest.approx(steps.std(0), rel=1e-6)
    x, length = (torch.from_numpy(array) for array in pack.gather(rows))
    z = learned(x, length)
    outside = torch.arange(x.shape[1]) >= length[:, None]
    assert outside.any()
    assert (z[outside] == 0).all()
    assert z[~outside].mean(0).numpy() == pytest.approx(np.zeros(2), abs=1e-4)


def test_a_constant_channel_keeps_spread_one(data: Path) -> None:
    pack = open_pack(data, "skies")
    flat = np.array(pack.values)
    flat[:, 1] = 77
    learned = Standardise(pack.spec).learn(constant(pack, flat), np.arange(100))
    assert learned.spread[1].item() == 1.0
    x = torch.from_numpy(flat[:2])
    assert (learned(x, torch.full((2,), 16))[:, 1] == 0).all()


def test_travels_with_the_weights(data: Path) -> None:
    pack = open_pack(data, "skies")
    learned = Standardise(pack.spec).learn(pack, np.arange(50))
    other = Standardise(pack.spec)
    other.load_state_dict(learned.state_dict())
    assert other.mean.equal(learned.mean)
    assert other.spread.equal(learned.spread)


def test_words_that_the_train_part_hardly_has_are_unknown() -> None:
    spec = Spec("tokens", (3,), ("a", "b"), vocabulary=("often", "once", "elsewhere"))
    values = np.array([2, 2, 3, 2, 4, 4], np.int32)  # three texts of three, one and two words
    pack = Pack(spec, {}, np.zeros(3, np.int64), values, np.array([0, 3, 4, 6]), {})
    lookup = Lookup(spec).learn(pack, np.array([0, 1]))
    x, length = (torch.from_numpy(array) for array in pack.gather(np.arange(3)))
    assert lookup(x, length).tolist() == [[2, 2, 1], [2, 0, 0], [1, 1, 0]]


def test_a_shuffle_moves_the_pixels_of_all_pictures_alike(data: Path) -> None:
    pack, rows = open_pack(data, "skies"), np.arange(100)
    plain, shuffled = (input_layer(pack.spec, on).learn(pack, rows) for on in (False, True))
    assert {name for name in shuffled.state_dict() if name not in plain.state_dict()} == {"order"}
    assert all(plain.state_dict()[name].equal(shuffled.state_dict()[name]) for name in plain.state_dict())
    x, length = (torch.from_numpy(array) for array in pack.gather(rows[:3]))
    before, after = plain(x, length).flatten(2), shuffled(x, length).flatten(2)
    order = input_layer(pack.spec, True).state_dict()["order"]  # made anew: the same
    assert sorted(order.tolist()) == list(range(256))
    assert after.equal(before[..., order])
    assert (order != torch.arange(256)).sum() > 240


@pytest.mark.parametrize("spec", [Spec("sequence", (9, 2), ("a", "b")), Spec("tokens", (9,), ("a", "b"))])
def test_only_pictures_are_shuffled(spec: Spec) -> None:
    with pytest.raises(UserError, match=f"shuffle=true .* kind {spec.kind}"):
        input_layer(spec, True)
