"""Hydra's grid sweeper, grown by what a study needs: ragged cells, paired repeats, and failures that don't stop it.

Hydra finds plugins only in this namespace.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser


class CellsSweeper(BasicSweeper):  # type: ignore[misc] # hydra has no types
    """Every point of the grid × every cell × every repeat is a job.

    cells, repeats: lists of overrides separated by blanks, such as ``mitigation=dropout lr=0.01`` and
    ``split.fold=3 seed=3``. The repeats vary slowest, so that a study cut short still has whole pairs.
    """

    def __init__(
        self,
        cells: list[str],
        repeats: list[str],
        max_batch_size: int | None = None,
        params: dict[str, str] | None = None,
    ) -> None:
        super().__init__(max_batch_size, params)
        self.cells, self.repeats = list(cells), list(repeats)

    def sweep(self, arguments: list[str]) -> Any:
        from overcast.config import plain, typed
        from overcast.study.callback import StudyCallback
        from overcast.study.check import asked, refuse_overlap
        from overcast.study.progress import watched

        assert self.launcher is not None
        assert self.hydra_context is not None
        refuse_overlap(typed(), [*self.cells, *self.repeats])
        jobs = self.jobs(arguments)
        # a mistake in any cell shows here, before anything is recorded; repeats differ in numbers only
        load = self.hydra_context.config_loader.load_sweep_config
        cells = [plain(load(self.config, job)) for job in jobs[: len(jobs) // max(1, len(self.repeats))]]
        (callback,) = (c for c in self.hydra_context.callbacks.callbacks if isinstance(c, StudyCallback))
        study = callback.open(self.config, asked(cells), self.repeats)
        with watched(study, cells, len(jobs)) as watch:
            self._launch(jobs, callback)
            watch.finish()

    def jobs(self, arguments: list[str]) -> list[list[str]]:
        """The overrides of each job."""
        assert self.hydra_context is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        parsed = parser.parse_overrides([*self._parse_config(), *arguments])
        (grid,) = self.split_arguments(parsed, None)
        cells = [cell.split() for cell in self.cells] or [[]]
        repeats = [repeat.split() for repeat in self.repeats] or [[]]
        return [[*point, *cell, *repeat] for repeat, point, cell in product(repeats, grid, cells)]

    def _launch(self, jobs: list[list[str]], callback: Any) -> None:
        """Run them all; where a worker dies, the jobs that were under way again, each alone, to tell which it was."""
        from joblib.externals.loky.process_executor import BrokenProcessPool

        from overcast.study.progress import set_state, unfinished

        def launch(numbers: list[int]) -> bool:
            callback.numbers = numbers
            try:
                self.launcher.launch([jobs[number] for number in numbers], initial_job_idx=0)
            except BrokenProcessPool:  # joblib has ended the other workers by now
                callback.bury()
                return False
            return True

        left, suspects = list(range(len(jobs))), []
        while left and not launch(left):
            running, left = unfinished(callback.study, left)
            if not running:  # workers that die before their first job will die again
                suspects += left
                break
            suspects += running
        for number in suspects:
            if not launch([number]):
                set_state(callback.study, number, "failed", "its process was killed: by the system for want of memory?")
