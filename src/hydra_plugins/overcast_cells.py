"""Hydra's grid sweeper, grown by what a study needs: ragged cells, paired repeats, and failures that don't stop it.

Hydra finds plugins only in this namespace, and imports them all for every `--help`: what a sweep needs is imported by
the sweep.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from overcast.config.run_config import RunConfig
    from overcast.config.schema import StudyConfig
    from overcast.config.script import Session
    from overcast.study.callback import StudyCallback
    from overcast.study.sweep import Sweep
    from overcast.tracking.run_folder import Run


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
        self.cells, self.repeats, self.tuned = list(cells), list(repeats), list(tuned or [])
        self.session: Session | None = None

    def setup(self, *, hydra_context: Any, task_function: Any, config: Any) -> None:
        from overcast.config.sweep_loader import SweepLoader
        from overcast.study.fork_server import start_fork_server
        from overcast.study.workers import asked_jobs

        hydra_context.config_loader = SweepLoader(hydra_context.config_loader)
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        self.session = task_function.session
        if asked_jobs(config.hydra.launcher) > 1:
            start_fork_server()

    def sweep(self, arguments: list[str]) -> None:
        from overcast.core.collection import collection_paused
        from overcast.study.progress import watched
        from overcast.study.settings import study_settings
        from overcast.study.sweep import equalise, open_study, trained_jobs

        assert self.session
        with collection_paused():
            study = study_settings(self.config.study, self.session.user_overrides)
            sweep = self._plan(study, arguments)
            callback = self._callback()
            open_study(sweep, callback, self.session, self.launcher, self.config.hydra.launcher)
            if study.equal == "compute":
                sweep = equalise(sweep, self._compose, callback)
        assert callback.study
        trained = trained_jobs(sweep, callback.store, callback.study)
        with watched(callback.study, sweep.configs, len(sweep.layout.jobs), len(trained)) as watch:
            self._launch(sweep, study, callback, trained)
            watch.finish(self.session, callback.failures)
        if callback.store:  # with tracking=off a study finds no run of its own
            self._tell_verdict(callback)

    def _plan(self, study: StudyConfig, arguments: list[str]) -> Sweep:
        from overcast.study.checks import refuse_contradiction
        from overcast.study.designs import outside_design
        from overcast.study.layout import study_layout
        from overcast.study.sweep import plan_sweep

        assert self.session
        points = self.points(outside_design(study, arguments))
        layout = study_layout(study, points, self.cells, self.repeats, self.tuned, self.params)
        refuse_contradiction(self.session.user_overrides, [place.cell for place in layout.places], layout.repeats)
        return plan_sweep(layout, study, self._compose)

    def points(self, arguments: list[str]) -> list[list[str]]:
        """The grid of the command line and of ``params``: the overrides of each point."""
        assert self.hydra_context is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        parsed = parser.parse_overrides([*self._parse_config(), *arguments])
        (grid,) = self.split_arguments(parsed, None)
        return [list(point) for point in grid]

    def _compose(self, job: Sequence[str]) -> RunConfig:
        """The config of a job with these overrides."""
        from overcast.config.compose import resolved

        assert self.hydra_context is not None
        return resolved(self.hydra_context.config_loader.load_sweep_config(self.config, list(job)))

    def _callback(self) -> StudyCallback:
        from overcast.study.callback import StudyCallback

        assert self.hydra_context is not None
        (callback,) = (each for each in self.hydra_context.callbacks.callbacks if isinstance(each, StudyCallback))
        return callback

    def _launch(
        self, sweep: Sweep, study: StudyConfig, callback: StudyCallback, trained: Mapping[tuple[str, ...], Run]
    ) -> None:
        from overcast.study.launch import choose_candidates, launch, launch_in_looks
        from overcast.study.looks import Looks

        start = partial(launch, self.launcher, callback, trained=trained)
        if study.budget_seconds:
            from overcast.comparison.sequential import look_at

            launch_in_looks(sweep, Looks(study, callback, look_at), start)
        else:
            results = start(sweep.layout.jobs)
            if sweep.layout.groups:
                choose_candidates(sweep, results, callback)

    def _tell_verdict(self, callback: StudyCallback) -> None:
        """What `compare` would say first; a study of a claim judges that."""
        from overcast.claims import judge_claim
        from overcast.comparison.compare import describe_study

        callback.tell_verdict(partial(describe_study, judge=judge_claim))
