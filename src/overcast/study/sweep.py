"""What a sweep will run: its cells composed and checked, then its study opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from overcast.config.compose import override_key
from overcast.config.run_config import RunConfig
from overcast.config.schema import StudyConfig
from overcast.config.script import Session
from overcast.core.devices import Machine, this_machine
from overcast.core.errors import DamagedError, IncompatibleError, UnreachableError
from overcast.core.launchers import launched_devices
from overcast.core.progress import open_bar
from overcast.prepare.missing_steps import prepare_missing
from overcast.study.callback import StudyCallback
from overcast.study.checks import (
    cell_plans,
    refuse_blind_budget,
    refuse_more_folds,
    refuse_unknown_claim,
    refuse_unmeasurable,
)
from overcast.study.designs import refuse_incomplete
from overcast.study.equal_compute import equal_contexts, refuse_unequal
from overcast.study.layout import Layout, Place, repeat_numbers
from overcast.study.lookup import whole
from overcast.study.plan_tags import plan_cells
from overcast.study.tuning import refuse_twice
from overcast.study.workers import give_resources, plan_workers
from overcast.tracking.run_folder import Run
from overcast.tracking.store import TrackingStore
from overcast.tracking.study_info import StudyInfo

if TYPE_CHECKING:
    from overcast.training.plan import Plan

Compose = Callable[[Sequence[str]], RunConfig]
"""Gives the config of a job with these overrides."""


@dataclass(frozen=True)
class Cell:
    """What is run at a place, as it is planned in the first repeat: the others differ in numbers only."""

    place: Place
    plan: Plan

    @property
    def config(self) -> RunConfig:
        return self.plan.config

    @cached_property
    def identity(self) -> str:
        """The same in any fold and seed."""
        return self.plan.cell

    def run_identity(self, numbers: Mapping[str, int]) -> str:
        """That of its run in a repeat with this ``split.fold`` and ``seed``, or one of them."""
        split = replace(self.config.split, fold=numbers.get("split.fold", self.config.split.fold))
        seed = numbers.get("seed", self.config.seed)
        return replace(self.plan, config=replace(self.config, split=split, seed=seed)).identity


@dataclass(frozen=True)
class Sweep:
    """layout: of what can be run. cells: at its places. left_out: the other configs, and why they cannot be run.

    machine: what "auto" means for every run.
    """

    layout: Layout
    cells: list[Cell]
    left_out: list[tuple[RunConfig, IncompatibleError]]
    machine: Machine

    @property
    def configs(self) -> list[RunConfig]:
        return [cell.config for cell in self.cells]

    @property
    def identities(self) -> list[str]:
        return [cell.identity for cell in self.cells]


def plan_sweep(layout: Layout, study: StudyConfig, compose: Compose) -> Sweep:
    """Compose every cell, make its data ready if asked to, and leave out what does not go together.

    Raises: UserError for a mistake in any of them.
    """
    configs = _composed(layout, compose)
    refuse_blind_budget(study, configs[0].tracking.enabled)
    refuse_more_folds(configs, study.folds)
    refuse_unmeasurable(configs)
    if study.equal == "compute":
        refuse_unequal(configs)
    if configs[0].claim:
        refuse_unknown_claim(configs[0].claim)
    machine = this_machine()
    if configs[0].prepare:
        for config in configs:  # before minutes of fetching
            launched_devices(config.trainer, 1, machine)
        prepare_missing(configs)
    sweep = _sweep(layout, configs, machine)
    refuse_incomplete(study.design, [*sweep.identities, *(why for _, why in sweep.left_out)])
    refuse_twice([cell.place.cell for cell in sweep.cells], sweep.identities, layout.candidates)
    return sweep


def _composed(layout: Layout, compose: Compose) -> list[RunConfig]:
    """The config of each place, in the first repeat."""
    return [compose(job) for job in replace(layout, repeats=layout.repeats[:1]).jobs]


def _sweep(layout: Layout, configs: Sequence[RunConfig], machine: Machine) -> Sweep:
    cells, left_out = [], []
    for place, config, plan in zip(layout.places, configs, cell_plans(configs, machine), strict=True):
        if isinstance(plan, IncompatibleError):
            left_out.append((config, plan))
        else:
            cells.append(Cell(place, plan))
    return Sweep(replace(layout, places=[cell.place for cell in cells]), cells, left_out, machine)


def open_study(sweep: Sweep, callback: StudyCallback, session: Session, launcher: Any, settings: DictConfig) -> None:
    """Open the study's record, and tell the launcher of the workers that the study takes. settings: the launcher's.

    Raises: UserError if another process is at the study, or there cannot be such workers.
    """
    configs = [*sweep.configs, *(config for config, _ in sweep.left_out)]
    workers = plan_workers(settings, [config.trainer for config in configs], sweep.machine)
    callback.open(configs, session, sweep.identities, sweep.layout.repeats, sweep.layout.trials, workers)
    callback.leave_out(sweep.left_out)
    give_resources(launcher, workers)


def trained_jobs(sweep: Sweep, store: TrackingStore | None, study: StudyInfo) -> dict[tuple[str, ...], Run]:
    """The whole runs that the study has already, trials measured and all recorded, by the overrides of their jobs.

    Where the store does not answer, or repeats differ in more than a fold and a seed, there are none: each job then
    looks for its own.
    """
    repeats = repeat_numbers(sweep.layout.repeats)
    try:
        found = store.search("FINISHED", study=study.id) if store and repeats is not None else []
    except UnreachableError:
        return {}
    if not (found and store and repeats is not None):
        return {}
    records = {(each.tags.get("identity"), each.tags["role"]): each for each in reversed(found)}  # of two the newest
    cells = {cell.place: cell for cell in sweep.cells}
    trained = {}
    jobs = open_bar(
        sweep.layout.jobs,
        desc="looking for trained runs",
        unit="run",
        delay=3,
        leave=False,
        disable=None,
    )
    for job, (repeat, place) in zip(jobs, sweep.layout.order, strict=True):
        identity = cells[place].run_identity(repeats[repeat])
        record = records.get((identity, "trial")) or records.get((identity, cells[place].config.role))
        run = whole(record, store) if record else None
        if record and run and _has_all(run, measured=record.tags["role"] == "trial"):
            trained[tuple(job)] = run
    return trained


def _has_all(run: Run, measured: bool) -> bool:
    """Whether nothing is left to do for a run: it is recorded, and measured if it has to be, all of it undamaged."""
    with suppress(DamagedError):
        return not run.record.get("refused") and (bool(run.metrics) or not measured)
    return False


def equalise(sweep: Sweep, compose: Compose, callback: StudyCallback) -> Sweep:
    """The sweep with epochs of its own for each cell: as many as take the training time of the baseline's.

    Raises: UserError as `StudyCallback.equalise` does.
    """
    epochs = callback.equalise(equal_contexts({cell.identity: cell.config for cell in sweep.cells}))
    points = [[word for word in point if override_key(word) != "epochs"] for point in sweep.layout.points]
    own = {cell.place: f"epochs={epochs[cell.identity]}" for cell in sweep.cells}
    layout = replace(sweep.layout, points=points, own=own)
    equal = _sweep(layout, _composed(layout, compose), sweep.machine)
    callback.record.tags({"cells": plan_cells(equal.identities)})
    return equal
