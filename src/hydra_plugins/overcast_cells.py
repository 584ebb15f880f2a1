"""Hydra's grid sweeper, grown by what a study needs: ragged cells, paired repeats, and failures that don't stop it.

Hydra finds plugins only in this namespace.
"""

from __future__ import annotations

from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser


class CellsSweeper(BasicSweeper):  # type: ignore[misc] # hydra has no types
    """Every point of the grid × every cell × every repeat is a job.

    cells, repeats: lists of overrides separated by blanks, such as ``mitigation=dropout lr=0.01`` and
    ``split.fold=3 seed=3``. The repeats vary slowest, so that a study cut short still has whole pairs.
    tuned: lists of cells that compete; before the repeats each is tried in the repeats of ``tuning``, and the one
    with the best validation part becomes a cell.
    """

    def __init__(
        self,
        cells: list[str],
        repeats: list[str],
        tuned: list[list[str]] | None = None,
        tuning: list[str] | None = None,
        max_batch_size: int | None = None,
        params: dict[str, str] | None = None,
    ) -> None:
        super().__init__(max_batch_size, params)
        self.cells, self.repeats = list(cells), list(repeats)
        self.tuned, self.tuning = [list(group) for group in tuned or []], list(tuning or [])

    def sweep(self, arguments: list[str]) -> Any:
        from overcast.config import plain, typed
        from overcast.devices import this_machine
        from overcast.prepare.ready import prepare
        from overcast.study.callback import StudyCallback
        from overcast.study.check import asked, check_claim, refuse_overlap
        from overcast.study.progress import watched
        from overcast.study.workers import give_resources, plan_workers

        assert self.hydra_context is not None
        candidates = [cell for group in self.tuned for cell in group]
        refuse_overlap(typed(), [*self.cells, *candidates, *self.repeats, *self.tuning])
        points = self.points(arguments)
        # a mistake in any cell shows here, before anything is recorded; repeats differ in numbers only
        load = self.hydra_context.config_loader.load_sweep_config
        first = jobs(points, [[*self.cells, *candidates]] * len(points), self.repeats[:1])
        cells = [plain(load(self.config, job)) for job in first]
        check_claim(cells[0]["claim"])
        if cells[0]["prepare"]:
            prepare(cells)
        (callback,) = (c for c in self.hydra_context.callbacks.callbacks if isinstance(c, StudyCallback))
        final = len(points) * max(1, len(self.cells) + len(self.tuned)) * max(1, len(self.repeats))
        machine = this_machine()  # once, for every run: what "auto" means here
        identities = asked(cells, machine)
        workers = plan_workers(self.config.hydra.launcher, [cell["trainer"] for cell in cells], machine)
        study = callback.open(self.config, identities, [*self.repeats, *self.tuning], final, workers)
        give_resources(self.launcher, workers)
        trying = [[*job, "role=tuning"] for job in jobs(points, [candidates] * len(points), self.tuning) if candidates]
        with watched(study, cells, len(trying) + final) as watch:
            chosen = self._tune(points, trying, callback) if trying else [[] for _ in points]
            self._launch(jobs(points, [[*self.cells, *each] for each in chosen], self.repeats), callback, len(trying))
            watch.finish()

    def points(self, arguments: list[str]) -> list[list[str]]:
        """The grid of the command line and of ``params``: the overrides of each point."""
        assert self.hydra_context is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        parsed = parser.parse_overrides([*self._parse_config(), *arguments])
        (grid,) = self.split_arguments(parsed, None)
        return [list(point) for point in grid]

    def _tune(self, points: list[list[str]], trying: list[list[str]], callback: Any) -> list[list[str]]:
        """The winning cell of each group, for each point of the grid."""
        from overcast.study.tuning import best

        results = self._launch(trying, callback)
        many = sum(map(len, self.tuned))
        chosen = []
        for number in range(len(points)):
            runs = [results[number * many + i :: len(points) * many] for i in range(many)]  # a list a candidate
            groups, start = [], 0
            for group in self.tuned:
                groups.append(dict(zip(group, runs[start : start + len(group)], strict=True)))
                start += len(group)
            chosen.append([winner for group in groups if (winner := best(group))])
        callback.chose(chosen)
        return chosen

    def _launch(self, jobs: list[list[str]], callback: Any, start: int = 0) -> list[Any]:
        """Run them all, numbered from ``start``; what each gave back, None where its process died.

        Where a worker dies, the jobs that were under way run again, each alone, to tell which it was.
        """
        from joblib.externals.loky.process_executor import BrokenProcessPool

        from overcast.study.progress import set_state, unfinished

        given: dict[int, Any] = {}

        def launch(numbers: list[int]) -> bool:
            callback.numbers = numbers
            assert self.launcher is not None
            try:
                done = self.launcher.launch([jobs[number - start] for number in numbers], initial_job_idx=0)
            except BrokenProcessPool:  # joblib has ended the other workers by now
                callback.bury()
                return False
            given.update(zip(numbers, (each._return_value for each in done), strict=True))
            return True

        left, suspects = list(range(start, start + len(jobs))), []
        while left and not launch(left):
            running, left = unfinished(callback.study, left)
            if not running:  # workers that die before their first job will die again
                suspects += left
                break
            suspects += running
        for number in suspects:
            if not launch([number]):
                set_state(callback.study, number, "failed", "its process was killed: by the system for want of memory?")
        return [given.get(number) for number in range(start, start + len(jobs))]


def jobs(points: list[list[str]], cells: list[list[str]], repeats: list[str]) -> list[list[str]]:
    """The overrides of each job; ``cells``: those of each point."""
    return [
        [*point, *cell.split(), *repeat.split()]
        for repeat in repeats or [""]
        for point, own in zip(points, cells, strict=True)
        for cell in own or [""]
    ]
