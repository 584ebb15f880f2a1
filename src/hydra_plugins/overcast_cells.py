"""Hydra's grid sweeper, grown by what a study needs: ragged cells, paired repeats, and failures that don't stop it.

Hydra finds plugins only in this namespace.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import compress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

if TYPE_CHECKING:  # a plugin is loaded for every `--help`
    from overcast.config.run_config import RunConfig
    from overcast.config.schema import StudyConfig
    from overcast.core.devices import Machine
    from overcast.study.callback import StudyCallback
    from overcast.tracking.study_info import StudyInfo

NONE: Mapping[tuple[int, str], str] = MappingProxyType({})


class CellsSweeper(BasicSweeper):  # type: ignore[misc] # hydra has no types
    """Every point of the grid × every cell × every repeat is a job.

    cells, repeats: lists of overrides separated by blanks, such as ``mitigation=dropout lr=0.01`` and
    ``split.fold=3 seed=3``. The repeats vary slowest, so that a study cut short still has whole pairs. ``study.folds``
    and ``study.mitigations`` make them too.
    tuned: groups of cells that differ in strengths alone; of each group the one with the best validation part is the
    trial in a fold (`overcast.study.tuning`). Cells of things that do not go together are left out, and said.
    """

    def __init__(
        self,
        cells: list[str],
        repeats: list[str],
        tuned: list[list[str]] | None = None,
        max_batch_size: int | None = None,
        params: dict[str, str] | None = None,
    ) -> None:
        super().__init__(max_batch_size, params)
        self.cells, self.repeats = list(cells), list(repeats)
        self.tuned = list(tuned or [])
        self.own: dict[tuple[int, str], str] = {}
        """An override of a cell at a point of the grid, by its number."""

    def setup(self, *, hydra_context: Any, task_function: Any, config: Any) -> None:
        from overcast.config.sweep_loader import SweepLoader
        from overcast.study.fork_server import start_fork_server
        from overcast.study.workers import asked_jobs

        hydra_context.config_loader = SweepLoader(hydra_context.config_loader)
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        self.session = task_function.session
        if asked_jobs(config.hydra.launcher) > 1:
            start_fork_server()

    def sweep(self, arguments: list[str]) -> Any:
        from overcast.config.compose import override_key
        from overcast.core.collection import collection_paused
        from overcast.core.devices import this_machine
        from overcast.study.checks import cell_identities, refuse_contradiction
        from overcast.study.designs import refuse_incomplete
        from overcast.study.progress import watched
        from overcast.study.tuning import refuse_twice

        with collection_paused():
            self.settings = self.study_settings()
            self._lay_out(self.settings)
            varied = [*self.cells, *self.candidates]
            refuse_contradiction(self.session.user_overrides, varied, self.repeats)
            # what is left of params.yaml's own mitigation and epochs: the cells of a design each name theirs
            own = (("mitigation=", self.settings.mitigations), ("epochs=", self.settings.epochs))
            named = tuple(word for word, given in own if given)
            plain = [word for word in arguments if not word.startswith(named)]
            points = self.points(plain)
            configs = self._compose(points)
            machine = this_machine()  # once, for every run: what "auto" means here
            identities = cell_identities(configs, machine)
            refuse_incomplete(self.settings.design, identities)
            refuse_twice(self.every * len(points), identities, self.candidates)
            feasible = possible(self.every, [isinstance(each, str) for each in identities])
            trials = sum(len(self._trials(cells)) for cells in feasible) * max(1, len(self.repeats))
            callback, study = self._open(configs, identities, trials, machine)
            if self.settings.equal == "compute":
                points = [[word for word in point if override_key(word) != "epochs"] for point in points]
                configs, identities = self._equalise(points, configs, identities, callback)
            known = dict(zip(self._places(points), identities, strict=True))
            trained = [config for config, each in zip(configs, identities, strict=True) if isinstance(each, str)]
            asked = jobs(points, feasible, self.repeats, self.own)
        with watched(study, trained, len(asked)) as watch:
            if self.settings.budget_seconds:
                self._launch_in_looks(points, feasible, known, callback)
            else:
                results = self._launch(asked, callback)
                if self.candidates:
                    self._choose(feasible, results, known, callback)
            watch.finish(self.session)
        if callback.store:  # with tracking=off a study finds no run of its own
            self._tell_verdict(callback)

    def _tell_verdict(self, callback: StudyCallback) -> None:
        """What `compare` would say first; a study of a claim judges that."""
        from overcast.claims import judge_claim
        from overcast.comparison.compare import describe

        callback.tell_verdict(partial(describe, judge=judge_claim))

    def _composed(self, points: list[list[str]]) -> list[RunConfig]:
        """The config of each cell at each point, in the first repeat."""
        from overcast.config.compose import resolved

        assert self.hydra_context is not None
        load = self.hydra_context.config_loader.load_sweep_config
        first = jobs(points, [self.every] * len(points), self.repeats[:1], self.own)
        return [resolved(load(self.config, job)) for job in first]

    def _compose(self, points: list[list[str]]) -> list[RunConfig]:
        """The configs of `_composed`: the other repeats differ in numbers only.

        A mistake in any shows here, before anything is recorded.
        """
        from overcast.prepare.missing_steps import prepare_missing
        from overcast.study.checks import refuse_more_folds, refuse_unknown_claim, refuse_unmeasurable
        from overcast.study.equal_compute import refuse_unequal

        configs = self._composed(points)
        refuse_more_folds(configs, self.settings.folds)
        refuse_unmeasurable(configs)
        if self.settings.equal == "compute":
            refuse_unequal(configs)
        if configs[0].claim:
            refuse_unknown_claim(configs[0].claim)
        if configs[0].prepare:
            prepare_missing(configs)
        return configs

    def _open(
        self, configs: list[RunConfig], identities: list[Any], trials: int, machine: Machine
    ) -> tuple[StudyCallback, StudyInfo]:
        """The study, its record open, and its callback; the launcher is told of the workers that the study takes."""
        from overcast.study.callback import StudyCallback
        from overcast.study.workers import give_resources, plan_workers

        assert self.hydra_context is not None
        (callback,) = (c for c in self.hydra_context.callbacks.callbacks if isinstance(c, StudyCallback))
        workers = plan_workers(self.config.hydra.launcher, [config.trainer for config in configs], machine)
        known = [each for each in identities if isinstance(each, str)]
        study = callback.open(configs, self.session, known, self.repeats, trials, workers)
        pairs = zip(configs, identities, strict=True)
        callback.leave_out([(config, each) for config, each in pairs if not isinstance(each, str)])
        give_resources(self.launcher, workers)
        return callback, study

    def _equalise(
        self, points: list[list[str]], configs: list[RunConfig], identities: list[Any], callback: StudyCallback
    ) -> tuple[list[RunConfig], list[Any]]:
        """The configs of `_compose`, and their identities, each with epochs of its own in the baseline's time."""
        from overcast.study.callback import plan_cells
        from overcast.study.checks import cell_identities

        assert callback.study
        cells = list(zip(self._places(points), configs, identities, strict=True))
        contexts = [
            {each: config for (number, _), config, each in cells if number == point and isinstance(each, str)}
            for point in range(len(points))
        ]
        epochs = callback.equalise([each for each in contexts if each])
        self.own = {place: f"epochs={epochs[each]}" for place, _, each in cells if isinstance(each, str)}
        configs = self._composed(points)
        identities = cell_identities(configs, callback.study.machine)
        callback.record.tags({"cells": plan_cells([each for each in identities if isinstance(each, str)])})
        return configs, identities

    def study_settings(self) -> StudyConfig:
        """``study.…``, of the command line or of the study; Hydra keeps the former for the jobs alone."""
        from overcast.config.compose import override_key
        from overcast.config.schema import StudyConfig

        settings: Any = OmegaConf.to_container(self.config.study)
        words = [word for word in self.session.user_overrides if override_key(word).startswith("study.")]
        for override in OverridesParser.create().parse_overrides(words):
            name = override.key_or_group.removeprefix("study.")
            if name in settings:  # of another, Hydra says that there is no such option
                settings[name] = override.get_value_string() if override.is_sweep_override() else override.value()
        return StudyConfig(**settings)

    def _lay_out(self, study: StudyConfig) -> None:
        """Cells and repeats, where the study says in fewer words what they are."""
        from overcast.study.checks import study_repeats
        from overcast.study.designs import study_cells
        from overcast.study.tuning import read_groups

        self.groups = read_groups(self.tuned, study)
        self.candidates = [cell for group in self.groups for cell in group]
        self.repeats = study_repeats(self.repeats, study.folds, study.seeds)
        swept = [f"mitigation={self.params['mitigation']}"] if "mitigation" in (self.params or {}) else []
        self.cells = study_cells(study, [*self.cells, *self.candidates, *swept]) or self.cells
        self.fixed = self.cells if self.cells or self.candidates else [""]
        self.every = [*self.fixed, *self.candidates]

    def points(self, arguments: list[str]) -> list[list[str]]:
        """The grid of the command line and of ``params``: the overrides of each point."""
        assert self.hydra_context is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        parsed = parser.parse_overrides([*self._parse_config(), *arguments])
        (grid,) = self.split_arguments(parsed, None)
        return [list(point) for point in grid]

    def _places(self, points: list[list[str]]) -> list[tuple[int, str]]:
        """Point and cell of each config of `_compose`."""
        return [(number, cell) for number in range(len(points)) for cell in self.every]

    def _launch_in_looks(
        self, points: list[list[str]], cells: list[list[str]], identities: dict[tuple[int, str], Any], callback: Any
    ) -> None:
        """Block after block of folds, each without the cells that a look at those before has stopped.

        Ends where a look leaves nothing to do, or the next block would take longer than what is left of the budget.
        """
        from overcast.comparison.sequential import look_at
        from overcast.study.looks import Looks

        looks = Looks(self.settings, callback, look_at)
        for folds, repeats in looks.blocks(self.repeats):
            going = [
                [cell for cell in own if identities[number, cell] not in looks.stopped]
                for number, own in enumerate(cells)
            ]
            asked = jobs(points, going, repeats, self.own)
            if not looks.allows(len(asked), folds):
                break
            self._launch(asked, callback, looks.launched)
            looks.look(len(asked), folds)

    def _trials(self, cells: list[str]) -> list[str]:
        """What is compared of the cells of a point: a candidate stands for its group."""
        groups = [next((cell for cell in group if cell in cells), None) for group in self.groups]
        return [cell for cell in cells if cell not in self.candidates or cell in groups]

    def _choose(
        self, cells: list[list[str]], results: list[Any], identities: dict[tuple[int, str], Any], callback: Any
    ) -> None:
        """Make the best candidate of each group a trial, in each fold and at each point of the grid.

        cells: those of each point. results: of all the jobs.
        """
        from overcast.study.checks import repeat_fold
        from overcast.study.tuning import choose

        tried: dict[tuple[int, int, str], list[Any]] = {}
        for (repeat, point, cell), result in zip(places(cells, self.repeats), results, strict=True):
            tried.setdefault((point, repeat_fold(repeat), cell), []).append(result)
        winners = {(identities[won.point, won.cell], won.fold): won for won in choose(self.groups, tried)}
        callback.chose(winners, {identities[point, cell] for point, _, cell in tried if cell in self.candidates})

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


def jobs(
    points: list[list[str]], cells: list[list[str]], repeats: list[str], own: Mapping[tuple[int, str], str] = NONE
) -> list[list[str]]:
    """The overrides of each job; ``cells``: those of each point, [""] for none of its own.

    own: one more, of a cell at a point of this number.
    """
    return [
        [*points[at], *cell.split(), *own.get((at, cell), "").split(), *repeat.split()]
        for repeat, at, cell in places(cells, repeats)
    ]


def places(cells: list[list[str]], repeats: list[str]) -> list[tuple[str, int, str]]:
    """Repeat, point and cell of each job, in order."""
    return [(repeat, at, cell) for repeat in repeats or [""] for at, own in enumerate(cells) for cell in own]
