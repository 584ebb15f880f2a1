"""Where results come from: told of the runs, not of the process that asks."""

from __future__ import annotations

from typing import Any

import pytest

from overcast.tracking.metadata import flat_params, machine, origins, provenance, recorded_params, run_params


def test_a_machine_is_its_processor_its_cores_and_its_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["Big", "Big", "Small"]
    monkeypatch.setattr("torch.cuda.get_device_name", lambda number: names[number])
    assert machine().endswith(" cores")
    assert machine(3) == f"{machine()}, 2 × Big, 1 × Small"


def test_what_trained_all_runs_is_told_once() -> None:
    told = origins([provenance() | {"machine": "one core", "version.torch": "2.0"}] * 2)
    assert told["trained on"] == "one core"
    assert f"overcast {provenance()['version.overcast']}, torch 2.0, " in told["with"]


def test_what_differs_is_told_with_how_many_runs_have_which() -> None:
    tags: list[dict[str, Any]] = [{"machine": "a", "version.torch": "2.0"}, {"machine": "b"}, {"machine": "b"}]
    told = origins(tags)
    assert told["trained on"] == "b (2 of 3 runs) and a (1 of 3 runs)"
    assert told["with"] == "torch not recorded (2 of 3 runs) and 2.0 (1 of 3 runs)"
    assert "git" not in told
    assert origins([{"host": "x"}]) == {}


@pytest.mark.parametrize(
    ("mitigation", "strengths"),
    [
        ("none", "none: {}"),
        ("[dropout,batch_norm]", "dropout: {p: 0.3}, batch_norm: {}"),
        ("l1", "l1: {strength: 1.0e-05}"),
    ],
)
def test_all_strengths_are_one_short_parameter_of_every_run(config: Any, mitigation: str, strengths: str) -> None:
    recorded = recorded_params(config(f"mitigation={mitigation}"))
    assert recorded["strengths"] == strengths
    assert recorded.keys() == recorded_params(config("mitigation=mixup")).keys()


def test_what_else_changes_a_run_is_a_parameter(config: Any) -> None:
    recorded = recorded_params(config("trainer.max_time=90s", "split.calibration=0.1"))
    assert (recorded["max_time"], recorded["split_calibration"]) == ("90s", 0.1)
    plain = recorded_params(config())
    assert (plain["max_time"], plain["split_calibration"]) == (None, 0.0)


@pytest.mark.parametrize("mitigation", ["none", "cocktail", "synthetic_pretraining", "[augmentation,max_norm]"])
def test_strengths_are_read_again_as_they_were(config: Any, mitigation: str) -> None:
    run = config(f"mitigation={mitigation}")
    recorded = {name: str(value) for name, value in recorded_params(run).items()}  # as MLflow keeps them
    assert len(recorded["strengths"]) <= 250
    flat, read = run_params(run), flat_params(recorded)
    strengths = {name: value for name, value in flat.items() if name.startswith("mitigation.")}
    assert {name: read[name] for name in strengths} == strengths
    assert read.keys() == flat.keys()


def test_an_older_record_has_its_strengths_one_by_one() -> None:
    older = {"mitigation": "dropout", "mitigation.dropout.p": "0.3"}
    assert flat_params(older) == older
