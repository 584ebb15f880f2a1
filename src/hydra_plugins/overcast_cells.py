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
        from overcast.study.progress import watched

        assert self.launcher is not None
        assert self.hydra_context is not None
        jobs = self.jobs(arguments)
        # a mistake in any cell shows here, before the first job; repeats differ in numbers only
        self.validate_batch_is_legal(jobs[: len(jobs) // max(1, len(self.repeats))])
        first = self.hydra_context.config_loader.load_sweep_config(self.config, jobs[0])
        with watched(first, jobs) as watch:
            results = self.launcher.launch(jobs, initial_job_idx=0)
            watch.finish([result._return_value for result in results])
        return results

    def jobs(self, arguments: list[str]) -> list[list[str]]:
        """The overrides of each job."""
        assert self.hydra_context is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        parsed = parser.parse_overrides([*self._parse_config(), *arguments])
        (grid,) = self.split_arguments(parsed, None)
        cells = [cell.split() for cell in self.cells] or [[]]
        repeats = [repeat.split() for repeat in self.repeats] or [[]]
        return [[*point, *cell, *repeat] for repeat, point, cell in product(repeats, grid, cells)]
