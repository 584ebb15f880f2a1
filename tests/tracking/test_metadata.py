"""Where results come from: told of the runs, not of the process that asks."""

from __future__ import annotations

from typing import Any

import pytest

from overcast.tracking.metadata import machine, origins, provenance


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
