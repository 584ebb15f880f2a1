"""What the figures of a search show of its trials, and what they leave out."""

from __future__ import annotations

import datetime
from typing import Any

from optuna.trial import FrozenTrial, TrialState, create_trial

from overcast.tuning.figures import history
from overcast.tuning.objective import FAILED, STOPPED

START = datetime.datetime(2026, 1, 1)


def trial(number: int, value: float, ended: str = "") -> FrozenTrial:
    """A trial that was over a minute after the one before."""
    state = TrialState.PRUNED if ended else TrialState.COMPLETE
    found = create_trial(state=state, value=value, user_attrs={"ended": ended} if ended else {})
    found.number, found.datetime_start = number, START + datetime.timedelta(minutes=number)
    found.datetime_complete = START + datetime.timedelta(minutes=number + 1)
    return found


def drawn(*trials: FrozenTrial) -> tuple[dict[str, list[float]], Any]:
    """The points by what they are called, and the range of the figure's axis."""
    figure = history(trials).parts[0].figure
    return {trace.name: list(trace.y) for trace in figure.data}, figure.layout.yaxis.range


def test_what_diverged_is_not_shown() -> None:
    shown, _ = drawn(trial(0, 0.5), trial(1, 0.7, STOPPED), trial(2, 1e9, FAILED), trial(3, 0.4))
    assert shown == {"whole": [0.5, 0.4], "stopped early": [0.7], "best so far": [0.5, 0.4]}


def test_one_that_went_far_astray_does_not_stretch_the_axis() -> None:
    some = [trial(number, 0.5 + number / 100) for number in range(12)]
    for trials in (
        [*some, trial(12, 1e9)],
        [trial(0, 0.5), *(trial(n, 0.6, STOPPED) for n in range(1, 20)), trial(20, 1e9, STOPPED)],
    ):
        _, (low, high) = drawn(*trials)
        assert 0.3 < low < 0.5 < high < 1
