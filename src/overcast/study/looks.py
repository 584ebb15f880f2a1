"""A sequential study's budget: which folds come next, whether there is time for them, and what a look stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from overcast.config.schema import StudyConfig
from overcast.core.console import show
from overcast.statistics.sequential import FIRST_LOOK, planned_looks
from overcast.study.layout import repeat_fold


class Looks:
    """The blocks of folds of one study, and how it stands.

    look_at: gives the identities of the cells that stop at a look at the study of this id after so many folds.
    stopped: all that did so far.
    launched: how many jobs.
    """

    def __init__(self, settings: StudyConfig, study: Any, look_at: Callable[[Any, str, int], set[str]]) -> None:
        self.settings, self.study, self.look_at = settings, study, look_at
        self.began = time.monotonic()
        self.stopped: set[str] = set()
        self.launched = 0

    def blocks(self, repeats: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
        """How many folds there are with each block, and its repeats: all seeds of its folds."""
        before = 0
        assert self.settings.folds is not None
        for folds in planned_looks(self.settings.folds):
            block = [repeat for repeat in repeats if before <= repeat_fold(repeat) < folds]
            yield folds, block
            before = folds

    def allows(self, jobs: int, folds: int) -> bool:
        """Whether there are jobs left, and time for them as far as those before tell; says so if not."""
        budget, elapsed = self.settings.budget_seconds or 0.0, time.monotonic() - self.began
        if not jobs:
            show(f"every comparison is decided, or cannot be decided any more: no need for {folds} folds", flush=True)
            return False
        needed = elapsed / self.launched * jobs if self.launched else 0.0
        if elapsed > budget:
            show(
                f"the budget of {self.settings.budget} is over: this look was after {_minutes(elapsed)}, and before "
                f"the first one, after {FIRST_LOOK} folds, nothing can be judged",
                flush=True,
            )
            return False
        if elapsed + needed > budget:
            show(
                f"the budget of {self.settings.budget} ends before {folds} folds: the next {jobs} runs would take "
                f"{_minutes(needed)}",
                flush=True,
            )
            return False
        return True

    def look(self, jobs: int, folds: int) -> None:
        """Look at the study after a block, and say what stops."""
        self.launched += jobs
        before = len(self.stopped)
        self.stopped |= self.look_at(self.study.store, self.study.study.id, folds)
        many = len(self.stopped) - before
        stopping = "1 cell stops" if many == 1 else f"{many} cells stop"
        show(f"look after {folds} folds: {stopping}", flush=True)


def _minutes(seconds: float) -> str:
    return "a minute or less" if seconds < 90 else f"about {seconds / 60:.0f} minutes"
