"""Hydra's grid sweeper, grown by what a study needs: ragged cells, paired repeats, and failures that don't stop it.

Hydra finds plugins only in this namespace.
"""

from __future__ import annotations

from itertools import compress
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser

from overcast.core.errors import UserError


class CellsSweeper(BasicSweeper):  # type: ignore[misc] # hydra has no types
    """Every point of the grid × every cell × every repeat is a job.

    cells, repeats: lists of overrides separated by blanks, such as ``mitigation=dropout lr=0.01`` and
    ``split.fold=3 seed=3``. The repeats vary slowest, so that a study cut short still has whole pairs.
    tuned: lists of cells that compete; before the repeats each is tried in the repeats of ``tuning``, and the one
    with the best validation part becomes a cell. Cells of things that do not go together are left out, and said.
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

    def setup(self, *, hydra_context: Any, task_function: Any, config: Any) -> None:
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        self.session = task_function.session

    def sweep(self, arguments: list[str]) -> Any:
        from overcast.claims import load as load_claim
        from overcast.config.compose import resolved
        from overcast.core.devices import this_machine
        from overcast.prepare.missing_steps import prepare_missing
        from overcast.study.callback import StudyCallback
        from overcast.study.checks import cell_identities, refuse_contradiction, refuse_more_folds, study_repeats
        from overcast.study.progress import watched
        from overcast.study.workers import give_resources, plan_workers

        assert self.hydra_context is not None
        candidates = [cell for group in self.tuned for cell in group]
        folds = self.folds()
        self.repeats = study_repeats(self.repeats, folds)
        varied = [*self.cells, *candidates]
        refuse_contradiction(self.session.user_overrides, varied, [*self.repeats, *self.tuning])
        points = self.points(arguments)
        own = self.cells if self.cells or candidates else [""]
        every = [*own, *candidates]
        # a mistake in any cell shows here, before anything is recorded; repeats differ in numbers only
        load = self.hydra_context.config_loader.load_sweep_config
        first = jobs(points, [every] * len(points), self.repeats[:1])
        cells = [resolved(load(self.config, job)) for job in first]
        refuse_more_folds(cells, folds)
        if cells[0].claim:
            load_claim(cells[0].claim)  # there is one
        if cells[0].prepare:
            prepare_missing(cells)
        (callback,) = (c for c in self.hydra_context.callbacks.callbacks if isinstance(c, StudyCallback))
        machine = this_machine()  # once, for every run: what "auto" means here
        found = cell_identities(cells, machine)
        fits = [isinstance(each, str) for each in found]
        left = possible(every, fits)
        kept = [[cell for cell in own if cell in each] for each in left]
        rivals = [[some for group in self.tuned if (some := [c for c in group if c in each])] for each in left]
        final = sum(len(some) + len(groups) for some, groups in zip(kept, rivals, strict=True))
        final *= max(1, len(self.repeats))
        identities = [each for each in found if isinstance(each, str)]
        workers = plan_workers(self.config.hydra.launcher, [cell.trainer for cell in cells], machine)
        study = callback.open(self.config, self.session, identities, [*self.repeats, *self.tuning], final, workers)
        callback.leave_out([(cell, each) for cell, each in zip(cells, found, strict=True) if not isinstance(each, str)])
        give_resources(self.launcher, workers)
        tried = [[cell for group in groups for cell in group] for groups in rivals]
        trying = [[*job, "role=tuning"] for job in jobs(points, tried, self.tuning)]
        with watched(study, list(compress(cells, fits)), len(trying) + final) as watch:
            chosen = self._tune(rivals, trying, callback) if trying else [[] for _ in points]
            ready = [[*some, *winners] for some, winners in zip(kept, chosen, strict=True)]
            self._launch(jobs(points, ready, self.repeats), callback, len(trying))
            watch.finish(self.session)

    def folds(self) -> int | None:
        """``study.folds``, of the command line or of the study; Hydra keeps the former for the jobs alone."""
        from overcast.config.compose import override_key

        given = [word.partition("=")[2] for word in self.session.user_overrides if override_key(word) == "study.folds"]
        if not given:
            return self.config.study.folds  # type: ignore[no-any-return]
        if given[-1] == "null":
            return None
        if not given[-1].isdigit():
            raise UserError(f"study.folds={given[-1]}: give a whole number")
        return int(given[-1])

    def points(self, arguments: list[str]) -> list[list[str]]:
        """The grid of the command line and of ``params``: the overrides of each point."""
        assert self.hydra_context is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        parsed = parser.parse_overrides([*self._parse_config(), *arguments])
        (grid,) = self.split_arguments(parsed, None)
        return [list(point) for point in grid]

    def _tune(self, rivals: list[list[list[str]]], trying: list[list[str]], callback: Any) -> list[list[str]]:
        """The winning cell of each group of rivals, for each point of the grid."""
        from overcast.study.tuning import best

        results = self._launch(trying, callback)
        many = len(trying) // max(1, len(self.tuning))
        runs = iter([results[number::many] for number in range(many)])  # of each candidate, in order
        chosen = []
        for groups in rivals:
            winners = [best({cell: next(runs) for cell in group}) for group in groups]
            chosen.append([winner for winner in winners if winner])
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
                callback.end_dead_runs()
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


def possible(cells: list[str], fits: list[bool]) -> list[list[str]]:
    """Of each point of the grid, the cells that can be run. fits: whether each can, one point after the other."""
    return [list(compress(cells, fits[start : start + len(cells)])) for start in range(0, len(fits), len(cells))]


def jobs(points: list[list[str]], cells: list[list[str]], repeats: list[str]) -> list[list[str]]:
    """The overrides of each job; ``cells``: those of each point, [""] for none of its own."""
    return [
        [*point, *cell.split(), *repeat.split()]
        for repeat in repeats or [""]
        for point, own in zip(points, cells, strict=True)
        for cell in own
    ]
