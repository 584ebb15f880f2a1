"""Is a study what its author means? Every mistake in it shows before the first run, and before it is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from overcast.config.compose import override_key
from overcast.config.metric_options import NEEDED, metric_options
from overcast.config.run_config import RunConfig
from overcast.config.schema import StudyConfig
from overcast.core.devices import Machine
from overcast.core.errors import IncompatibleError, UserError
from overcast.study.outcomes import SHIFT, families

if TYPE_CHECKING:
    from overcast.training.plan import Plan


def refuse_contradiction(overrides: Sequence[str], cells: Sequence[str], repeats: Sequence[str]) -> None:
    """Raises: UserError where the command line sets what the study's cells or repeats vary: theirs would win."""
    varied = {override_key(word) for line in [*cells, *repeats] for word in line.split()}
    by_repeats = {override_key(word) for line in repeats for word in line.split()}
    for key in map(override_key, overrides):
        if key in by_repeats:
            raise UserError(
                f"{key} is what the repeats of this study vary, seeds of its own for each fold. Leave it out; "
                "study.folds=3 takes three of them, study.seeds=3 as many seeds for each"
            )
        if key in varied:
            raise UserError(f"{key} is what the cells of this study vary. Leave it out, or write a study of your own")


def refuse_blind_budget(study: StudyConfig, recorded: bool) -> None:
    """Raises: UserError if a study with a budget has no folds to stop between, or no record to look at."""
    if study.budget and study.folds is None:
        raise UserError(f"study.budget={study.budget} stops between folds: set study.folds too")
    if study.budget and not recorded:
        raise UserError(f"study.budget={study.budget} looks at what is recorded: leave tracking=off out")


def refuse_unknown_claim(name: str) -> None:
    """Raises: UserError if there is no claim of this name. Nothing is imported for it: a study has yet to begin."""
    known = sorted(path.stem for path in (Path(__file__).parents[1] / "claims").glob("[!_]*.py"))
    if name not in known:
        raise UserError(f"claim={name}: there is no such claim. Choices: {', '.join(known)}")


def refuse_more_folds(cells: Sequence[RunConfig], folds: int | None) -> None:
    """Raises: UserError if the data of a cell is split into fewer folds than the study is to use."""
    for cell in cells:
        if folds and folds > cell.folds:
            raise UserError(
                f"study.folds={folds}: {cell.data.name} is split into {cell.folds} folds. Set study.folds={cell.folds} "
                f"or fewer, or split it into more (split.folds={folds})"
            )


def refuse_unmeasurable(cells: Sequence[RunConfig]) -> None:
    """Raises: UserError if the study judges what there is not, or what the data of a cell cannot be measured by."""
    study = cells[0].study
    judged = families(study.outcomes, study.margins)
    names = {outcome.column.removeprefix("test/") for outcome in judged.better}
    if others := [option for name, option in metric_options().items() if name in names - {*NEEDED}]:
        from overcast.training.metrics import build_metric  # imports torchmetrics

        for option in others:
            build_metric(option, classes=2)
    if SHIFT.column.removeprefix("test/") in names:
        from overcast.evaluation.shift import refuse_unshiftable  # imports torch

        for cell in cells:
            refuse_unshiftable(cell.data.name, cell.data.target_class("data").kind)


def cell_plans(cells: Sequence[RunConfig], machine: Machine | None = None) -> list[Plan | IncompatibleError]:
    """The plan of each cell, or why one of things that do not go together is left out.

    machine: on which "auto" means what it does; this one by default.

    Raises: UserError for anything else that `overcast.training.train.train` would refuse, or if none is left.
    """
    plans: dict[str, Plan | IncompatibleError] = {}
    planned: list[Plan | IncompatibleError] = []
    for config in cells:
        same = repr(replace(config, seed=0))  # whether it can be trained does not hang on the seed
        plan = plans[same] = plans.get(same) or _plan(config, machine)
        planned.append(plan if isinstance(plan, IncompatibleError) else replace(plan, config=config))
    if planned and all(isinstance(each, IncompatibleError) for each in planned):
        raise UserError(str(planned[0]))
    return planned


def _plan(config: RunConfig, machine: Machine | None) -> Plan | IncompatibleError:
    """The plan of a run of this config, or why it cannot be.

    Raises: UserError for anything else that `overcast.training.train.train` would refuse.
    """
    from overcast.training.plan import make_plan

    if config.run:
        raise UserError(f"run={config.run}: each run of a study has a folder of its own, so leave it out")
    if config.trainer.max_time:
        raise UserError(
            f"trainer.max_time={config.trainer.max_time}: the runs of a study train equally long, in epochs, or by "
            "study.equal=compute in time, so leave it out; study.budget=30min limits the study"
        )
    if config.init_from == "latest":
        raise UserError("init_from=latest is another run as soon as one of the study is trained: name its folder")
    try:
        return make_plan(config, 1, machine)
    except IncompatibleError as error:
        return error
