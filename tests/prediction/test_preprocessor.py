"""Mean and std against numpy, whatever the size of the blocks; padding stays zero."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from overcast.core.errors import UserError
from overcast.core.spec import Spec
from overcast.prediction import preprocessor
from overcast.prediction.build import build
from overcast.prediction.preprocessor import (
    Preprocessor,
    Standardizer,
    VocabularyLookup,
    build_preprocessor,
    cached_fit,
)
from overcast.prepare.pack import Pack, open_pack


def constant(spec_of: Pack, values: np.ndarray) -> Pack:
    return Pack(spec_of.spec, spec_of.index, spec_of.labels, values, spec_of.offsets, spec_of.info)


@pytest.mark.parametrize("block", [7, 4096])
@pytest.mark.parametrize("rows", [np.arange(100), np.arange(3, 90, 4)])
def test_pictures_against_numpy(data: Path, rows: np.ndarray, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preprocessor, "BLOCK", block)
    pack = open_pack(data, "skies")
    learned = Standardizer(pack.spec).fit(pack, rows)
    pixels = pack.values[rows].astype(np.float64)
    assert learned.mean.flatten().numpy() == pytest.approx(pixels.mean((0, 2, 3)), rel=1e-6)
    assert learned.std.flatten().numpy() == pytest.approx(pixels.std((0, 2, 3)), rel=1e-6)
    x, length = pack.gather(rows)
    z = learned(torch.from_numpy(x), torch.from_numpy(length))
    assert z.dtype == torch.float32
    assert z.mean((0, 2, 3)).numpy() == pytest.approx(np.zeros(3), abs=1e-4)
    assert z.std((0, 2, 3), correction=0).numpy() == pytest.approx(np.ones(3), abs=1e-4)


@pytest.mark.parametrize("block", [7, 4096])
def test_sequences_against_numpy_without_their_padding(data: Path, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preprocessor, "BLOCK", block)
    pack, rows = open_pack(data, "waves"), np.arange(0, 75, 2)
    assert pack.offsets is not None
    steps = np.concatenate([pack.values[pack.offsets[r] : pack.offsets[r + 1]] for r in rows]).astype(np.float64)
    learned = Standardizer(pack.spec).fit(pack, rows)
    assert learned.mean.numpy() == pytest.approx(steps.mean(0), rel=1e-6)
    assert learned.std.numpy() == pytest.approx(steps.std(0), rel=1e-6)
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
    learned = Standardizer(pack.spec).fit(constant(pack, flat), np.arange(100))
    assert learned.std[1].item() == 1.0
    x = torch.from_numpy(flat[:2])
    assert (learned(x, torch.full((2,), 16))[:, 1] == 0).all()


@pytest.mark.parametrize("unit", [1e-9, 1e-30, 1.0, 1e9, 1e15])
def test_no_unit_is_taken_for_a_constant_and_no_constant_for_a_unit(data: Path, unit: float) -> None:
    pack = open_pack(data, "waves")
    scaled = (np.array(pack.values) * unit).astype(np.float32)
    learned = Standardizer(pack.spec).fit(constant(pack, scaled), np.arange(75))
    assert learned.std.numpy() == pytest.approx(scaled.astype(np.float64).std(0), rel=1e-5)
    same = np.full_like(pack.values, 3.3 * unit)
    assert Standardizer(pack.spec).fit(constant(pack, same), np.arange(75)).std.tolist() == [1.0, 1.0]


def test_fixed_figures_are_not_learned(data: Path) -> None:
    pack = open_pack(data, "skies")
    x, length = (torch.from_numpy(array) for array in pack.gather(np.arange(5)))
    fixed = Standardizer(pack.spec, (127.0, 64.0)).fit(pack, np.arange(50))
    assert fixed(x, length).equal((x.float() - 127) / 64)


def test_travels_with_the_weights(data: Path) -> None:
    pack = open_pack(data, "skies")
    learned = Standardizer(pack.spec).fit(pack, np.arange(50))
    other = Standardizer(pack.spec)
    other.load_state_dict(learned.state_dict())
    assert other.mean.equal(learned.mean)
    assert other.std.equal(learned.std)


@pytest.mark.parametrize(("source", "preprocessor"), [("skies", Standardizer), ("verses", VocabularyLookup)])
def test_what_was_learned_once_is_not_learned_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, preprocessor: type[Preprocessor]
) -> None:
    pack, rows, others = open_pack(data, source), np.arange(50), np.arange(1, 51)
    fit, fitted = preprocessor.fit, []
    monkeypatch.setattr(preprocessor, "fit", lambda self, *asked: fitted.append(asked) or fit(self, *asked))
    learned = [cached_fit(preprocessor(pack.spec), pack, each, tmp_path) for each in (rows, rows, others)]
    assert [asked[1].tolist() for asked in fitted] == [rows.tolist(), others.tolist()]
    for found, each in zip(learned, (rows, rows, others), strict=True):
        expected = fit(preprocessor(pack.spec), pack, each).state_dict()
        assert all(value.equal(expected[name]) for name, value in found.state_dict().items())


def test_words_that_the_train_part_hardly_has_are_unknown() -> None:
    spec = Spec("tokens", (3,), ("a", "b"), vocabulary=("often", "once", "elsewhere"))
    values = np.array([2, 2, 3, 2, 4, 4], np.int32)  # three texts of three, one and two words
    pack = Pack(spec, {}, np.zeros(3, np.int64), values, np.array([0, 3, 4, 6]), {})
    lookup = VocabularyLookup(spec).fit(pack, np.array([0, 1]))
    x, length = (torch.from_numpy(array) for array in pack.gather(np.arange(3)))
    assert lookup(x, length).tolist() == [[2, 2, 1], [2, 0, 0], [1, 1, 0]]


def test_one_fixed_shuffle_of_all_pixels(data: Path) -> None:
    pack = open_pack(data, "skies")
    rows = np.arange(20)
    x, length = (torch.from_numpy(array) for array in pack.gather(rows))
    plain, shuffled, again = (
        Standardizer(pack.spec, shuffle=shuffle).fit(pack, rows) for shuffle in (False, True, True)
    )
    before, after = plain(x, length), shuffled(x, length)
    assert after.shape == before.shape
    assert not torch.equal(after, before)
    assert torch.equal(after.flatten(2).sort(-1).values, before.flatten(2).sort(-1).values)  # the same pixels
    assert torch.equal(after[0].flatten(1)[:, 0], before[0].flatten(1)[:, shuffled.order[0]])  # moved as one
    assert torch.equal(again(x, length), after)
    other = Standardizer(pack.spec, shuffle=True)
    other.load_state_dict(shuffled.state_dict())
    assert torch.equal(other(x, length), after)


def test_only_pictures_are_shuffled(config: Any) -> None:
    with pytest.raises(
        UserError, match="shuffle_pixels=true moves the pixels of pictures; this data set is of kind seq"
    ):
        build(config("shuffle_pixels=true"), Spec("sequence", (5, 2), ("a", "b")))


def test_a_pretrained_network_knows_every_word_whatever_the_train_part_has(data: Path) -> None:
    pack = open_pack(data, "verses")
    lookup = build_preprocessor(pack.spec, (0.0, 1.0)).fit(pack, np.arange(1))
    ids = torch.arange(pack.spec.ids)[None]
    assert lookup(ids, torch.tensor([ids.shape[1]])).equal(ids)
    assert not lookup.learned
