"""Which jobs a study has, in which order, and how many of them are trials."""

from __future__ import annotations

import pytest

from overcast.config.schema import StudyConfig
from overcast.core.errors import UserError
from overcast.study.layout import Layout, Place, repeat_numbers, study_layout, study_repeats

GRID = [["lr=0.1", "epochs=3"], ["lr=0.2", "epochs=3"]]


def test_repeats_vary_slowest_then_the_grid_then_the_cells() -> None:
    cells, repeats = ["mitigation=none", "mitigation=dropout x=1"], ["seed=0 split.fold=0", "seed=1"]
    layout = study_layout(StudyConfig(), GRID, cells, repeats, [], {})
    assert layout.jobs == [
        [*point, *cell.split(), *repeat.split()] for repeat in repeats for point in GRID for cell in cells
    ]
    assert layout.trials == len(layout.order) == len(layout.jobs)


def test_a_plain_grid_has_one_job_a_point() -> None:
    layout = study_layout(StudyConfig(), GRID, [], [], [], {})
    assert layout.jobs == GRID
    assert layout.trials == 2


def test_a_grid_without_a_point_is_refused() -> None:
    with pytest.raises(UserError, match=r"nothing to run: one of the swept options has no values"):
        study_layout(StudyConfig(), [], ["mitigation=none"], [], [], {})


def test_a_place_may_have_overrides_of_its_own() -> None:
    layout = Layout(GRID, [Place(1, "x=1")], ["seed=0"], own={Place(0, "x=1"): "y=1", Place(1, "x=1"): "y=2"})
    assert layout.jobs == [[*GRID[1], "x=1", "y=2", "seed=0"]]


def test_of_a_group_one_candidate_is_a_trial_wherever_there_is_any() -> None:
    group = [f"mitigation=dropout mitigation.dropout.p={p}" for p in (0.1, 0.5)]
    layout = study_layout(StudyConfig(folds=3), GRID, ["mitigation=none"], [], [group], {})
    assert layout.candidates == {f"{cell} role=tuning" for cell in group}
    assert (len(layout.jobs), layout.trials) == (18, 12)
    first, second, third, *_ = layout.places
    assert Layout(GRID, [first, second], layout.repeats, layout.groups).trials == 6
    assert Layout(GRID, [first], layout.repeats, layout.groups).trials == 3
    assert Layout(GRID, [second, third], layout.repeats, layout.groups).trials == 3


def test_a_design_beside_a_swept_mitigation_is_refused() -> None:
    with pytest.raises(UserError, match="both say what is compared"):
        study_layout(StudyConfig(mitigations=("dropout",)), GRID, [], [], [], {"mitigation": "none,noise"})


def test_the_folds_of_a_study_are_its_repeats() -> None:
    assert study_repeats([], 2) == ["split.fold=0 seed=0", "split.fold=1 seed=1"]
    assert study_repeats(["seed=5"], None) == ["seed=5"]
    with pytest.raises(UserError, match=r"study\.folds=2 and hydra\.sweeper\.repeats both say"):
        study_repeats(["seed=5"], 2)
    with pytest.raises(UserError, match=r"study\.folds=0: must be at least 1"):
        study_repeats([], 0)


def test_more_seeds_are_more_rounds_over_the_folds_and_change_none_there_were() -> None:
    once, thrice = study_repeats([], 2), study_repeats([], 2, 3)
    assert thrice[:2] == once
    assert len(set(thrice)) == 6
    assert [repeat.split()[0] for repeat in thrice] == ["split.fold=0", "split.fold=1"] * 3
    seeds = [repeat.split()[1] for repeat in thrice]
    assert len(set(seeds)) == 6  # fresh ones in each fold
    with pytest.raises(UserError, match=r"study\.seeds=3 is how often each of study\.folds is trained"):
        study_repeats(["seed=5"], None, 3)
    with pytest.raises(UserError, match=r"study\.seeds=0: must be at least 1"):
        study_repeats([], 2, 0)


@pytest.mark.parametrize(
    ("repeats", "numbers"),
    [
        ([], [{}]),
        (["seed=3", "seed=12"], [{"seed": 3}, {"seed": 12}]),
        (["split.fold=0 seed=0", "seed=1 split.fold=1"], [{"split.fold": 0, "seed": 0}, {"split.fold": 1, "seed": 1}]),
        (["seed=3", "split.fold=1"], None),  # the first one's seed is not the second one's
        (["seed=1 lr=0.5"], None),
        (["seed='1'"], None),
        (["+tags=[a]"], None),
    ],
)
def test_repeats_are_numbers_where_they_are_all_alike(repeats: list[str], numbers: list[dict[str, int]] | None) -> None:
    found = repeat_numbers(repeats)
    assert (None if found is None else [*found.values()]) == numbers
