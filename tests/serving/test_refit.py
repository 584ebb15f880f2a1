"""On train + validation, for as long as the run before; the test part stays unseen, and nothing claims a validation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overcast.core.errors import UserError
from overcast.evaluation.evaluate import evaluate
from overcast.serving.refit import plan_refit, refit
from overcast.tracking.find_run import find_run
from overcast.training.classifier import ClassifierModule
from overcast.training.plan import make_plan
from overcast.training.train import train


def test_it_has_the_validation_part_s_rows_too(config: Any) -> None:
    first = make_plan(config())
    run = refit(config(), None)
    assert (run.parts == "train").sum() == np.isin(first.parts, ("train", "validation")).sum()
    assert ((run.parts == "test") == (first.parts == "test")).all()
    assert not (run.parts == "validation").any()
    assert len(run.history["epoch"]) == run.config.epochs
    assert not [name for name in (*run.history, *run.facts) if "validation" in name or name.startswith("best/")]
    assert run.facts["fingerprint"] != first.fingerprint
    with pytest.raises(UserError, match=r"trained on train \+ validation, and has no validation part"):
        evaluate(run)


def test_what_decides_by_the_validation_part(config: Any) -> None:
    with pytest.raises(UserError, match="mitigation=early_stopping decides by the validation part"):
        plan_refit(config("mitigation=early_stopping"))


def test_it_is_never_the_latest_run(config: Any) -> None:
    """Which is evaluated, explained and registered, and can be."""
    run = train(config())
    again = refit(config(), None)
    runs = Path(config().runs_dir)
    assert find_run("latest", runs) == run
    assert find_run(str(again.folder), runs) == again


def test_nobody_is_told_to_resume_what_cannot_be(
    config: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`register` takes no resume=true, and the study's runs may have had it."""
    monkeypatch.setattr("overcast.training.checkpoint.SECONDS_BETWEEN", 0.0)
    step = ClassifierModule.training_step

    def pressed(module: Any, *batch: Any) -> Any:
        if module.current_epoch == 1:
            raise KeyboardInterrupt
        return step(module, *batch)

    monkeypatch.setattr(ClassifierModule, "training_step", pressed)
    with pytest.raises(KeyboardInterrupt):
        refit(replace(config(), resume=True), None)
    said = capsys.readouterr()
    assert "resume=true" not in said.out + said.err
