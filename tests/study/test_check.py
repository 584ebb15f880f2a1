"""What a study would do is known before it does anything."""

from __future__ import annotations

from typing import Any

import pytest

from overcast.devices import Machine
from overcast.errors import UserError
from overcast.study.check import asked, refuse_overlap


def test_what_the_study_varies_is_not_set_beside_it() -> None:
    refuse_overlap(
        ["-m", "+study=x", "lr=0.1", "hydra.sweeper.repeats=[]"], ["mitigation=none lr_x=3", "seed=0 split.fold=1"]
    )
    for word in ("mitigation=dropout", "seed=0,1", "split.fold=2"):
        with pytest.raises(UserError, match="is what this study varies"):
            refuse_overlap(["-m", word], ["mitigation=none", "seed=0 split.fold=1"])


def test_cells_are_known_by_their_runs(config: Any) -> None:
    changed = (["trainer.threads=2"], ["lr=0.02"], ["trainer=ddp", "trainer.precision=32-true"])
    one, same, *others = asked([config(), *(config(*words) for words in changed)])
    assert one == same
    assert len({one, *others}) == 3


def test_auto_is_what_it_means_on_the_machine_that_the_study_begins_on(config: Any) -> None:
    cells = [
        config("trainer.precision=auto"),
        config("trainer.precision=32-true"),
        config("trainer.precision=bf16-mixed"),
    ]
    auto, full, half = asked(cells, Machine(0, ()))
    assert auto == full != half
    auto, full, half = asked(cells, Machine(0, ("cpu",)))
    assert full != auto == half


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["epochs=0"], "epochs=0"),
        (["trainer.accelerator=tpu"], "choices are auto, cpu and gpu"),
        (["mitigation=[none,noise]"], "pick it alone"),
        (["mitigation=noise", "mitigation.noise.strength=much"], "mitigation.noise.strength=much"),
        (["data=waves", "model=lstm", "mitigation=augmentation"], "mitigation=augmentation works on image data"),
        (["data=waves", "shuffle=true"], "shuffle=true moves the pixels of pictures"),
        (["split.fold=10"], "split.fold=10"),
        (["split.seed=3"], "made with seed=0"),
    ],
)
def test_a_mistake_in_one_cell_is_found(config: Any, words: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        asked([config(), config(*words)])
