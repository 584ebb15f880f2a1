"""The figures of each epoch reach the record in few calls, and all of them, however a run ends."""

from collections.abc import Callable
from typing import Any

import pytest

from overcast.tracking.run import Epoch, RunRecorder
from overcast.training import fit, history, recording, train
from overcast.training.history import History


class Calls(RunRecorder):
    """What was recorded, call by call."""

    def __init__(self) -> None:
        self.calls: list[list[Epoch]] = []

    def epochs(self, rows: Any) -> None:
        self.calls.append(list(rows))


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What any run records from now on."""
    calls = Calls()
    monkeypatch.setattr(recording, "RunRecorder", lambda: calls)
    return calls


def test_short_epochs_are_recorded_together(config: Any, record: Calls) -> None:
    run = train.train(config("epochs=3"))
    (call,) = (call for call in record.calls if call)
    assert [row.number for row in call] == [1, 2, 3]
    assert [row.metrics["validation/nll"] for row in call] == pytest.approx(list(run.history["validation/nll"]))
    assert call[0].time < call[1].time < call[2].time


def test_long_epochs_are_recorded_each(config: Any, record: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "SECONDS_BETWEEN_RECORDS", 0.0)
    train.train(config("epochs=3"))
    assert [[row.number for row in call] for call in record.calls if call] == [[1], [2], [3]]


@pytest.mark.parametrize(("every", "looked_at"), [(1, [1, 2, 3, 4]), (2, [2, 4]), (3, [1, 2, 3, 4]), (8, [4])])
def test_every_few_epochs_are_looked_at_and_the_last(config: Any, record: Calls, every: int, looked_at: Any) -> None:
    """No run ends unmeasured: three does not divide four."""
    run = train.train(config("epochs=4", f"measure_every={every}"))
    assert list(run.history["epoch"]) == looked_at
    assert [row.number for call in record.calls for row in call] == looked_at
    assert run.facts["epochs_run"] == 4
    assert run.facts["samples_per_second"] > 0


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, ValueError])
def test_nothing_is_lost_however_a_run_ends(
    config: Any, record: Calls, monkeypatch: pytest.MonkeyPatch, end: type[BaseException]
) -> None:
    measured: Callable[..., None] = History.on_validation_end

    def second_is_the_last(self: History, *args: Any) -> None:
        measured(self, *args)
        if len(self.rows) == 2:
            raise end

    monkeypatch.setattr(fit.History, "on_validation_end", second_is_the_last)
    with pytest.raises(end):
        train.train(config("epochs=5"))
    assert [row.number for call in record.calls for row in call] == [1, 2]
