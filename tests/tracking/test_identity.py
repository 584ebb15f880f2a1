"""Runs that must come out equal have one identity, and any others have two."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from overcast.config.run_config import RunConfig
from overcast.config.schema import StudyConfig, TrackingConfig
from overcast.core.devices import Machine, resolve_devices
from overcast.tracking.identity import NOT_IN_IDENTITY, identity, run_name


def same(config: RunConfig, fingerprint: str = "f", machine: Machine | None = None) -> str:
    """The identity of a run of this config on a machine."""
    return identity(config, fingerprint, resolve_devices(config.trainer, machine=machine))


def test_names(config: Any) -> None:
    cfg = config("model=lstm", "mitigation=[batch_norm,augmentation]", "seed=3")
    assert run_name(cfg) == "lstm · batch_norm+augmentation · seed 3"
    assert config("mitigation=[]").mitigation_name == config("mitigation=none").mitigation_name == "none"


def test_identity_is_the_config_without_display_and_the_data(config: Any) -> None:
    base = same(config())
    assert same(config("trainer.threads=2")) == base
    assert same(replace(config(), tracking=TrackingConfig(enabled=False))) == base
    assert same(replace(config(), study=StudyConfig("small", 3))) == base
    for name in set(NOT_IN_IDENTITY) - {"trainer", "tracking", "study"}:
        assert same(replace(config(), **{name: "other"})) == base, name
    assert (
        same(replace(config(), split=replace(config().split, file="published.csv"))) == base
    )  # its parts are the data
    changed = [
        "seed=1",
        "lr=0.5",
        "epochs=9",
        "model=dnn",
        "mitigation=batch_norm",
        "model.hidden=7",
        "split.fold=1",
        "split.ignore_groups=true",
        "train_fraction=0.5",
        "shuffle_pixels=true",
        "trainer.precision=64-true",
        "trainer.devices=2",
    ]
    found = {same(config(override)) for override in changed}
    assert len(found | {base}) == len(changed) + 1
    assert same(config(), "g") != base


def test_identity_holds_what_auto_came_to(config: Any) -> None:
    """One machine's auto is another's full precision, and there they are the same run."""
    auto, full = config("trainer.precision=auto"), config("trainer.precision=32-true")
    half = config("trainer.precision=bf16-mixed")
    slow, fast = Machine(0, ()), Machine(0, ("cpu",))
    assert same(auto, machine=slow) == same(full, machine=slow) == same(full, machine=fast)
    assert same(auto, machine=fast) == same(half, machine=fast) == same(half, machine=slow)
    assert same(auto, machine=slow) != same(auto, machine=fast)


def test_the_order_of_mitigations_counts(config: Any) -> None:
    """They apply in the order chosen: two orders are two experiments."""
    one, other = (
        config(f"mitigation=[{a},{b}]") for a, b in (("augmentation", "batch_norm"), ("batch_norm", "augmentation"))
    )
    assert same(one) != same(other)
