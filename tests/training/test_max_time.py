"""A run that is cut short by its time: whole epochs, the last of them measured, and said."""

from __future__ import annotations

from typing import Any

import pytest

from overcast.core.errors import UserError
from overcast.training.train import train


def test_a_run_ends_with_an_epoch_and_says_so(config: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(config("epochs=500", "measure_every=2", "trainer.max_time=0.3s"))
    run_epochs = run.facts["epochs_run"]
    assert 0 < run_epochs < 500
    assert run_epochs % 2 == 0
    assert run.history["epoch"][-1] == run_epochs
    assert run.facts["ended_by"] == "trainer.max_time"
    said = f"trainer.max_time=0.3s is over: ended after epoch {run_epochs} of 500"
    assert said in capsys.readouterr().out


def test_time_enough_is_no_end(config: Any) -> None:
    timed, plain = train(config("trainer.max_time=1h")), train(config())
    assert "ended_by" not in timed.facts
    assert timed.facts["weights"] == plain.facts["weights"]
    assert timed.facts["identity"] != plain.facts["identity"]


def test_dvc_keeps_no_run_that_depends_on_the_machine(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_STAGE", "train")
    with pytest.raises(UserError, match=r"^trainer\.max_time=1h: how far a run comes .* Set epochs instead"):
        train(config("trainer.max_time=1h"))
    train(config("epochs=1"))
