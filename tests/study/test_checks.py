"""What a study would do is known before it does anything."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from overcast.config.run_config import RunConfig
from overcast.config.schema import StudyConfig
from overcast.core.devices import Machine
from overcast.core.errors import IncompatibleError, UserError
from overcast.core.paths import ROOT
from overcast.study.checks import (
    cell_plans,
    refuse_blind_budget,
    refuse_contradiction,
    refuse_more_folds,
    refuse_unmeasurable,
)
from overcast.training.plan import Plan


def test_what_the_study_varies_is_not_set_beside_it() -> None:
    cells, repeats = ["mitigation=none lr_x=3"], ["seed=0 split.fold=1"]
    refuse_contradiction(["-m", "+study=x", "lr=0.1", "hydra.sweeper.repeats=[]"], cells, repeats)
    with pytest.raises(UserError, match="mitigation is what the cells of this study vary"):
        refuse_contradiction(["-m", "mitigation=dropout"], cells, repeats)
    for word in ("seed=0,1", "split.fold=2"):
        with pytest.raises(UserError, match=r"is what the repeats of this study vary.*study.folds=3"):
            refuse_contradiction(["-m", word], cells, repeats)


def test_a_budget_takes_folds_and_a_record() -> None:
    refuse_blind_budget(StudyConfig(folds=4, budget="1h"), recorded=True)
    refuse_blind_budget(StudyConfig(), recorded=False)
    with pytest.raises(UserError, match=r"study\.budget=1h stops between folds: set study\.folds too"):
        refuse_blind_budget(StudyConfig(budget="1h"), recorded=True)
    with pytest.raises(UserError, match=r"study\.budget=1h looks at what is recorded: leave tracking=off out"):
        refuse_blind_budget(StudyConfig(folds=4, budget="1h"), recorded=False)


def test_no_more_folds_than_the_data_has(config: Any) -> None:
    cells = [config(), config("split.folds=4")]
    refuse_more_folds(cells, 4)
    refuse_more_folds(cells, None)
    with pytest.raises(UserError, match=r"study.folds=5: skies is split into 4 folds. Set study.folds=4 or fewer"):
        refuse_more_folds(cells, 5)


def test_what_a_study_judges_must_be_measurable(config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shift = "study.outcomes=[nll,shift_accuracy]"
    refuse_unmeasurable([config(shift)])
    refuse_unmeasurable([config(), config("data=waves", "model=lstm")])
    with pytest.raises(UserError, match=r"data=waves is of kind sequence: leave it out of study\.outcomes"):
        refuse_unmeasurable([config(shift), config(shift, "data=waves", "model=lstm")])
    with pytest.raises(UserError, match="there is no outcome f1"):
        refuse_unmeasurable([config("study.outcomes=[f1]")])
    shutil.copytree(ROOT / "conf" / "metric", tmp_path / "conf" / "metric")
    monkeypatch.setattr("overcast.config.metric_options.ROOT", tmp_path)
    wrong = "_target_: torchmetrics.classification.MulticlassAUROC\naverage: macr\n"
    (tmp_path / "conf/metric/own.yaml").write_text(wrong)
    with pytest.raises(UserError, match="metric=own: Expected argument `average`"):
        refuse_unmeasurable([config("study.outcomes=[own]")])


def identities(cells: list[RunConfig], machine: Machine | None = None) -> list[str]:
    """In any fold and seed."""
    return [plan.cell for plan in cell_plans(cells, machine) if isinstance(plan, Plan)]


def test_cells_are_known_by_their_runs(config: Any) -> None:
    changed = (["trainer.threads=2"], ["lr=0.02"], ["trainer=ddp", "trainer.precision=32-true"])
    one, same, *others = identities([config(), *(config(*words) for words in changed)])
    assert one == same
    assert len({one, *others}) == 3


def test_auto_is_what_it_means_on_the_machine_that_the_study_begins_on(config: Any) -> None:
    cells = [
        config("trainer.precision=auto"),
        config("trainer.precision=32-true"),
        config("trainer.precision=bf16-mixed"),
    ]
    auto, full, half = identities(cells, Machine(0, ()))
    assert auto == full != half
    auto, full, half = identities(cells, Machine(0, ("cpu",)))
    assert full != auto == half


def test_what_does_not_go_together_is_left_out_of_a_study(config: Any) -> None:
    apart = [
        (["data=waves", "model=lstm", "mitigation=augmentation"], "mitigation=augmentation works on image data"),
        (["model=perceptron", "mitigation=shrink"], "mitigation=shrink makes no sense for model=perceptron"),
        (["model=handmade", "mitigation=pretraining"], "mitigation=pretraining makes no sense for model=handmade"),
        (["model.hidden=1", "mitigation=shrink"], "mitigation=shrink changes nothing in model=ann as it is set"),
        (["trainer.precision=16-mixed", "mitigation=sam"], "mitigation=sam looks at the gradients twice"),
    ]
    cells = [config(*words) for words, _ in apart]
    first, *found, last = cell_plans([config(), *cells, config("lr=0.02")])
    assert isinstance(first, Plan)
    assert isinstance(last, Plan)
    assert [isinstance(each, IncompatibleError) for each in found] == [True] * len(apart)
    assert all(str(each).startswith(said) for each, (_, said) in zip(found, apart, strict=True))
    with pytest.raises(UserError, match="mitigation=augmentation works on image data"):
        cell_plans(cells)  # none is left


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["epochs=0"], "epochs=0"),
        (["trainer.accelerator=tpu"], "choices are auto, cpu and gpu"),
        (["mitigation=[none,noise]"], "choose it alone"),
        (["mitigation=noise", "mitigation.noise.strength=much"], "mitigation.noise.strength=much"),
        (["lr=inf"], "lr=inf"),
        (["trainer.threads=-1"], "trainer.threads=-1"),
        (["model.hidden=1000000000000"], "774,000,000,000,005 weights"),
        (["batch_size=2", "mitigation=batch_norm", "trainer.devices=2"], "batch norm needs at least 2"),
        (["data=waves", "shuffle_pixels=true"], "shuffle_pixels=true moves the pixels of pictures"),
        (["split.fold=10"], "split.fold=10"),
        (["split.seed=3"], "made with seed=0"),
    ],
)
def test_a_mistake_in_one_cell_is_found(config: Any, words: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        cell_plans([config(), config(*words)])


def test_the_runs_of_a_study_are_not_cut_short(config: Any) -> None:
    with pytest.raises(UserError, match=r"trainer\.max_time=10min: the runs of a study train equally long"):
        cell_plans([config(), config("trainer.max_time=10min")])
