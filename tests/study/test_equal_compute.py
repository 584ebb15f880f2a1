"""How many epochs of each cell take the baseline's training time: by what short trainings took, found out once."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from overcast.config.run_config import RunConfig
from overcast.core.errors import UserError
from overcast.study import equal_compute
from overcast.study.equal_compute import comparable_looks, equal_contexts, equal_epochs, refuse_unequal
from overcast.tracking.study_info import StudyInfo


def test_what_costs_more_an_epoch_or_beforehand_gets_fewer() -> None:
    fixed, each = np.array([1.0, 1.0, 1.0, 4.0]), np.array([0.5, 1.0, 0.25, 0.5])
    seconds = np.stack([fixed + many * each for many in (1, 3)], 1)
    assert comparable_looks(seconds[None], (1, 3), 16).tolist() == [16, 8, 32, 10]


def test_a_disturbed_round_does_not_count() -> None:
    seconds = np.tile([[1.5, 2.5], [2.0, 4.0]], (3, 1, 1))
    seconds[1, 1] = [2.0, 40.0]
    assert comparable_looks(seconds, (1, 3), 16).tolist() == [16, 8]


def test_noise_makes_no_training_free() -> None:
    assert comparable_looks(np.array([[[1.5, 2.5], [1.5, 1.4]]]), (1, 3), 16)[1] <= 160


class Clock:
    """Trainings that take a third of a second and, by mitigation, so much an epoch; who was timed, and how long."""

    def __init__(self, costs: dict[str, float]) -> None:
        self.costs = costs
        self.timed: list[tuple[str, int]] = []

    def __call__(self, config: RunConfig, study: StudyInfo) -> float:
        self.timed.append((config.mitigation_name, config.epochs))
        return 0.3 + config.epochs * self.costs[config.mitigation_name]


Equal = Callable[..., tuple[dict[str, int], Clock]]


@pytest.fixture
def equal(config: Callable[..., RunConfig], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Equal:
    """The epochs of cells with these costs, the clock that timed them, and ``known`` epochs; by their mitigations."""

    def found(costs: dict[str, float], *words: str, known: dict[str, int]) -> tuple[dict[str, int], Clock]:
        clock = Clock(costs)
        monkeypatch.setattr(equal_compute, "_seconds", clock)
        cells = {name: config(f"mitigation={name}", *words) for name in costs}
        return equal_epochs(cells, known, StudyInfo("x", "x", "", 1, str(tmp_path))), clock

    return found


def test_the_baseline_keeps_its_epochs_and_each_other_cell_gets_its_time(equal: Equal) -> None:
    epochs, clock = equal({"dropout": 1.3, "none": 1.0, "sam": 1.7, "shrink": 0.5}, "epochs=16", known={})
    assert epochs == {"dropout": 12, "none": 16, "sam": 9, "shrink": 32}
    assert max(many for _, many in clock.timed) == 3


def test_what_is_known_is_not_timed_again(equal: Equal) -> None:
    epochs, clock = equal({"none": 1.0, "sam": 2.0, "shrink": 0.5}, "epochs=16", known={"none": 16, "sam": 9})
    assert epochs == {"none": 16, "sam": 9, "shrink": 32}
    assert {name for name, _ in clock.timed} == {"none", "shrink"}
    again, clock = equal({"none": 1.0, "sam": 2.0, "shrink": 0.5}, "epochs=16", known=epochs)
    assert (again, clock.timed) == (epochs, [])


def test_epochs_keep_the_looks_of_the_baseline(equal: Equal) -> None:
    epochs, clock = equal({"none": 1.0, "sam": 1.7}, "epochs=16", "measure_every=4", known={})
    assert epochs == {"none": 16, "sam": 8}
    assert {many for _, many in clock.timed} == {4, 12}


def test_trainings_that_take_no_time_are_timed_at_their_length(equal: Equal) -> None:
    _, clock = equal({"none": 0.001, "sam": 0.002}, "epochs=16", known={})
    assert {many for name, many in clock.timed if name == "sam"} == {1, 16}


def test_one_that_diverges_keeps_its_epochs_and_debugging_times_nothing(equal: Equal) -> None:
    epochs, _ = equal({"none": 1.0, "sam": math.nan}, "epochs=16", known={})
    assert epochs == {"none": 16, "sam": 16}
    epochs, clock = equal({"none": 1.0, "sam": 1.7}, "epochs=16", "debug=true", known={})
    assert (epochs, clock.timed) == ({"none": 16, "sam": 16}, [])


def test_a_training_is_timed_for_real_and_leaves_no_run(config: Callable[..., RunConfig], tmp_path: Path) -> None:
    cells = {name: config(f"mitigation={name}", "epochs=2") for name in ("none", "sam")}
    epochs = equal_epochs(cells, {}, StudyInfo("x", "x", "", 1, str(tmp_path)))
    assert (epochs["none"], set(epochs)) == (2, {"none", "sam"})
    assert not list((tmp_path / "runs").glob("*"))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["mitigation=none", "mitigation=sam", "mitigation=sam mitigation.sam.rho=0.1"], [3]),
        (["mitigation=none model=ann", "mitigation=none model=dnn", "mitigation=sam model=ann"], [2, 1]),
        (["mitigation=none lr=0.1", "mitigation=none lr=0.01", "mitigation=sam lr=0.1"], [2, 1]),
        (["mitigation=none model=ann", "mitigation=none model=dnn"], [2]),
    ],
)
def test_what_is_compared_takes_the_same_time(
    config: Callable[..., RunConfig], cells: list[str], expected: list[int]
) -> None:
    configs = {cell: config(*cell.split()) for cell in cells}
    assert [len(context) for context in equal_contexts(configs)] == expected


def test_a_study_that_varies_epochs_or_looks_too_seldom_is_refused(config: Callable[..., RunConfig]) -> None:
    refuse_unequal([config("epochs=16", "measure_every=4")] * 2)
    with pytest.raises(UserError, match=r"chooses the epochs of each cell, and this study varies them \(8, 16\)"):
        refuse_unequal([config("epochs=16"), config("epochs=8")])
    with pytest.raises(UserError, match=r"every 8: too coarse for 16\. Set measure_every=4 or less"):
        refuse_unequal([config("epochs=16", "measure_every=8")])
