"""Features of a frozen network: found once, for the pack they are of, whole or not at all, the same as found anew."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from overcast.core import atomic
from overcast.core.errors import UserError
from overcast.model import Frozen, Network
from overcast.model.ann import ANN
from overcast.model.handmade import Handmade
from overcast.prediction.build import build_mitigations
from overcast.prediction.preprocessor import Preprocessor, Standardizer, build_preprocessor, cached_fit
from overcast.prepare.pack import Pack, open_pack
from overcast.training import feature_cache
from overcast.training.feature_cache import cached_features, leave_batches_unchanged


class Mean(torch.nn.Module):
    """Stands for a pretrained network: each channel's mean (B, C)."""

    calls = 0

    def forward(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        Mean.calls += 1
        return x.mean((2, 3))


class Half(Network):
    """Its body stays as it is; its head learns. It sees all pictures standardised by the same figures."""

    input_stats = (127.0, 64.0)

    def __init__(self, pack: Pack) -> None:
        super().__init__()
        self.body = Frozen(Mean(), "mean")
        self.head = ANN(replace(pack.spec, shape=(3, 1, 1)), hidden=4)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        return self.head(self.body(x, length), length)

    def backbone_and_head(self) -> tuple[Frozen, Network]:
        return self.body, self.head


@pytest.fixture
def place(data: Path, tmp_path: Path) -> Path:
    """A data set's folder of its own."""
    Mean.calls = 0
    shutil.copytree(data / "skies", tmp_path / "skies", ignore=shutil.ignore_patterns("features"))
    return tmp_path / "skies"


@pytest.fixture
def pack(place: Path) -> Pack:
    return open_pack(place.parent, "skies")


@pytest.fixture
def preprocessor(pack: Pack) -> Preprocessor:
    return Standardizer(pack.spec, (127.0, 64.0))


def stored(place: Path) -> list[str]:
    return sorted(path.name for path in (place / "features").iterdir() if path.suffix == ".npy")


def test_the_same_logits_from_features_as_from_pictures(place: Path, pack: Pack, preprocessor: Preprocessor) -> None:
    net, rows = Half(pack), np.array([7, 3, 99])
    seen, first, rest = cached_features(pack, preprocessor, net, place, shown=False)
    (x, length), (z, one) = ((torch.from_numpy(a) for a in p.gather(rows)) for p in (pack, seen))
    assert z.shape == (3, 3)
    assert rest(first(z, one), one).allclose(net(preprocessor(x, length), length), atol=1e-6)


def test_found_once_and_kept_for_all_that_ask(place: Path, pack: Pack, preprocessor: Preprocessor) -> None:
    first, *_ = cached_features(pack, preprocessor, Half(pack), place, shown=False)
    calls = Mean.calls
    again, *_ = cached_features(pack, preprocessor, Half(pack), place, shown=False)
    assert Mean.calls == calls > 0
    assert np.array_equal(first.values, again.values)


def test_another_pack_has_others_and_the_old_ones_go(place: Path, pack: Pack, preprocessor: Preprocessor) -> None:
    cached_features(pack, preprocessor, Half(pack), place, shown=False)
    before = stored(place)
    other = replace(pack, info=pack.info | {"fingerprint": "f" * 64})
    cached_features(other, preprocessor, Half(pack), place, shown=False)
    assert len(before) == len(stored(place)) == 1
    assert stored(place) == ["mean-ffffffffffffffff.npy"] != before


def test_interrupted_nothing_is_left(
    place: Path, pack: Pack, preprocessor: Preprocessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Mean, "forward", stop)
        with pytest.raises(KeyboardInterrupt):
            cached_features(pack, preprocessor, Half(pack), place, shown=False)
    assert stored(place) == []
    cached_features(pack, preprocessor, Half(pack), place, shown=False)
    assert len(stored(place)) == 1


def test_a_full_disk_is_one_message(
    place: Path, pack: Pack, preprocessor: Preprocessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.Path, "write_bytes", full)
    with pytest.raises(UserError, match="No space left"):
        cached_features(pack, preprocessor, Half(pack), place, shown=False)
    assert stored(place) == []


def test_a_network_that_learns_as_a_whole_is_left_alone(place: Path, pack: Pack, preprocessor: Preprocessor) -> None:
    net = ANN(pack.spec, hidden=4)
    assert cached_features(pack, preprocessor, net, place) == (pack, preprocessor, net)
    assert not (place / "features").exists()


def test_features_made_by_hand_are_found_once_for_the_train_rows_that_standardise(place: Path, pack: Pack) -> None:
    net, rows = Handmade(pack.spec, cells=2), np.array([7, 3, 99])
    learned = [cached_fit(Standardizer(pack.spec), pack, np.arange(n), place) for n in (50, 60, 50)]
    for preprocessor in learned:
        seen, first, rest = cached_features(pack, preprocessor, net, place, shown=False)
        (x, length), (z, one) = ((torch.from_numpy(a) for a in p.gather(rows)) for p in (pack, seen))
        assert rest(first(z, one), one).allclose(net(preprocessor(x, length), length), atol=1e-6)
    assert len(stored(place)) == 2
    assert {id(p) for p in rest.parameters()} == {id(p) for p in net.parameters()}  # what it learns, the whole has


@pytest.mark.parametrize("name", ["waves", "verses"])
def test_so_are_those_of_sequences_and_texts(name: str, data: Path, tmp_path: Path) -> None:
    pack = open_pack(data, name)
    net, rows = Handmade(pack.spec), np.arange(4)
    preprocessor = build_preprocessor(pack.spec).fit(pack, np.arange(len(pack.labels)))
    seen, first, rest = cached_features(pack, preprocessor, net, tmp_path, shown=False)
    assert seen is not pack
    (x, length), (z, one) = ((torch.from_numpy(a) for a in p.gather(rows)) for p in (pack, seen))
    assert rest(first(z, one), one).allclose(net(preprocessor(x, length), length), atol=1e-6)


def test_what_would_fill_the_disk_is_found_anew(place: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_cache, "MAX_BYTES", 1000)
    net, preprocessor = Handmade(pack.spec), Standardizer(pack.spec).fit(pack, np.arange(9))
    assert cached_features(pack, preprocessor, net, place) == (pack, preprocessor, net)
    assert not (place / "features").exists()


@pytest.mark.parametrize(("picked", "nothing"), [("dropout,l1,sam", True), ("dropout,noise", False), ("", True)])
def test_which_mitigations_change_what_is_seen(config: Any, picked: str, nothing: bool) -> None:
    built = build_mitigations(config(f"mitigation=[{picked}]").mitigation, "image")
    assert leave_batches_unchanged(built) is nothing
