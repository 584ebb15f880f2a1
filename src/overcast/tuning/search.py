"""A whole search: from the command to the recipe and the report. The same command again goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from optuna.storages import BaseStorage

from overcast.config.compose import override_key
from overcast.core.console import show
from overcast.core.devices import Machine, this_machine
from overcast.core.durations import seconds
from overcast.core.errors import IncompatibleError, UserError
from overcast.core.launchers import launched_devices
from overcast.core.locks import lock
from overcast.core.paths import ROOT, project_path
from overcast.core.secrets import without_password
from overcast.core.words import use_language
from overcast.html.writer import check_report_folder
from overcast.prediction.build import refuse_unfit
from overcast.prepare.missing_steps import prepare_missing
from overcast.tracking.heartbeat import heartbeat
from overcast.tracking.orphans import mark_orphaned_runs
from overcast.tracking.run import RunRecorder, run_status
from overcast.tracking.store import open_store, relative
from overcast.tracking.study_info import StudyInfo
from overcast.training.plan import Plan, make_plan
from overcast.tuning.definition import Search
from overcast.tuning.objective import drop_unfinished, trial_folder
from overcast.tuning.outcome import FoldOutcome, difference, fold_outcome
from overcast.tuning.pool import slots_for, train_fold
from overcast.tuning.recipe import check_recipe, write_recipe
from overcast.tuning.report import summary_lines, write_report
from overcast.tuning.settings import Settings
from overcast.tuning.space import Space, read_space
from overcast.tuning.storage import STOOD, answering, check_address, open_storage, retry_unfinished
from overcast.tuning.worker import open_study


@dataclass(frozen=True)
class SearchResult:
    """What a search left: its outcomes, the files it wrote, and what to say of them."""

    outcomes: Sequence[FoldOutcome]
    recipe: Path
    report: Path
    text: str


def tune(overrides: Sequence[str], settings: Settings, command: str) -> SearchResult:
    """Search, or go on with a search, until its budget is used; then write the recipe and the report.

    overrides: the user's; what they set is not searched. command: what was typed.

    Raises: UserError for anything that the user can put right, before any training where possible.
    """
    with use_language(settings.language):
        search, plan = plan_search(overrides, settings)
        folder = project_path("reports") / "tuning" / search.id
        check_report_folder(folder)
        search.folder.mkdir(parents=True, exist_ok=True)
        storage = open_storage(search.storage, search.folder)
        store = open_store(plan.config.tracking)
        record = RunRecorder()
        with ExitStack() as stack:
            if store:
                mark_orphaned_runs(store, plan.config.runs_dir)
                tags = {"folder": relative(search.folder), "command": without_password(command)}
                record = store.study(search.id, search.name, tags, role="search")
                search = replace(search, info=replace(search.info, parent=record.id))
            stack.enter_context(run_status(record))
            stack.enter_context(heartbeat(record))
            stack.enter_context(answering(search.storage))
            for fold in search.folds:
                begin_fold(search, fold, storage, plan)
                train_fold(search, fold, storage)
            with lock(search.folder):
                studies = [open_study(search, fold, storage) for fold in search.folds]
                outcomes = [fold_outcome(search, *each) for each in zip(search.folds, studies, strict=True)]
                changed = difference(outcomes)
                recipe = write_recipe(search.name, search.id, command, outcomes[0].values)
                report = write_report(folder, search, plan, studies, outcomes, changed, command)
            record.metrics(figures(outcomes))
            record.artifact(recipe, "recipe")
            record.artifact(folder, "report")
        lines = summary_lines(search, outcomes, changed)
        return SearchResult(outcomes, recipe, report, "\n".join([*lines, *next_steps(search, overrides, report)]))


def plan_search(overrides: Sequence[str], settings: Settings) -> tuple[Search, Plan]:
    """The search, and a plan of a training in it; nothing is written but data that is asked for by ``prepare=true``.

    Raises: UserError for what is wrong.
    """
    budget = seconds("budget", settings.budget) if settings.budget else None
    trials = _count("trials", settings.trials) if settings.trials else None
    if budget == 0:
        raise UserError(f"budget={settings.budget}: must be above 0")
    if budget is None and trials is None:
        raise UserError("budget=… is missing: how long to search, such as budget=20min; or trials=30")
    if refused := [w for w in overrides if override_key(w) in ("recipe", "run", "study", "role")]:
        raise UserError(f"{refused[0]}: a search has none: it begins without, and its winner is a recipe")
    n_folds, address = _count("folds", settings.folds), check_address(settings.storage)
    machine = this_machine()
    space, plan = plan_space(overrides, settings.search, machine)
    config = plan.config
    if n_folds > config.folds:
        raise UserError(f"folds={n_folds}: the split has {config.folds} folds")
    folds = tuple((config.split.fold + number) % config.folds for number in range(n_folds))
    name = settings.name or f"{config.data.name}-{config.model.name}"
    workers = _count("workers", settings.workers) if settings.workers else 0
    jobs, slots = slots_for(config.trainer, workers, machine)
    key = f"{name}-{_question(plan, space, folds)}"
    check_recipe(name, key)
    place = project_path(config.runs_dir) / "searches" / key
    info = StudyInfo(key, name, "", jobs, str(place), machine, slots)
    share = budget / n_folds if budget is not None else None
    return Search(key, name, tuple(overrides), space, folds, share, trials, address, info), plan


def plan_space(overrides: Sequence[str], name: str, machine: Machine) -> tuple[Space, Plan]:
    """The space without what the user has set and what makes no sense here, which is said; and a plan of a point in it.

    Raises: UserError if nothing is left to search, or something in it is wrong.
    """
    blank = Space("", {}, {}).without(overrides)
    config = _search(overrides, blank).config({})  # which network, on which data
    refuse_unfit(config)
    if config.init_from == "latest":
        raise UserError("init_from=latest is another run as soon as one of the search is trained: name its folder")
    if config.prepare:
        launched_devices(config.trainer, 1, machine)
        prepare_missing([config])
    space = read_space(ROOT / "conf", name, config.model.name).without(overrides)
    left_out: dict[str, str] = {}
    plan = make_plan(config, 1, machine)
    if plan.devices.ranks > 1:
        raise UserError("a search trains each trial on one device: use trainer=cpu or trainer=gpu")
    for params in space.examples():
        config = _search(overrides, space).config(params)
        plan = make_plan(replace(config, mitigation=()), 1, machine)
        for option in config.mitigation if space.mitigations else ():
            try:
                make_plan(replace(config, mitigation=(option,)), 1, machine)
            except IncompatibleError as error:
                left_out.setdefault(option.name, str(error))
    if space.mitigations is not None:
        kept = {key: own for key, own in space.mitigations.items() if key not in left_out}
        space = replace(space, mitigations=kept)
    for mitigation, why in left_out.items():
        show(f"not searched: {mitigation}: {why}")
    if space.is_empty:
        raise UserError(
            f"conf/search/{space.name}.yaml: nothing in it is left to search: what the command sets stays as it is set"
        )
    return space, plan


def _search(overrides: Sequence[str], space: Space) -> Search:
    """One to compose configs with."""
    return Search("", "", tuple(overrides), space, (), None, None, "", StudyInfo("", "", "", 1, ""))


def _question(plan: Plan, space: Space, folds: Sequence[int]) -> str:
    """The same for the same question: data, split, folds, what is fixed and what is searched."""
    text = json.dumps([plan.identity, space.to_dict(), list(folds)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _count(option: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise UserError(f"{option}={text}: give a whole number, 1 or more")
    return int(text)


def begin_fold(search: Search, fold: int, storage: BaseStorage, plan: Plan) -> None:
    """Begin again what a killed process left in the middle; a new search begins with the options as they stand."""
    with lock(search.folder):
        study = open_study(search, fold, storage)
        for number in retry_unfinished(study):
            drop_unfinished(trial_folder(search, fold, number))
        if not study.get_trials(deepcopy=False):
            try:
                study.enqueue_trial(stood_params(search, fold), user_attrs={STOOD: True})
            except UserError as error:
                show(f"nothing is compared with the options as they stand: {error}")


def stood_params(search: Search, fold: int) -> dict[str, Any]:
    """The point at which a trial is what would be trained without the search.

    Raises: UserError if there is none, or that cannot be trained.
    """
    stood = search.config(None, fold)
    make_plan(stood, search.info.jobs, search.info.machine)
    params = search.space.params_of(stood)
    # what is not searched may stand otherwise too, as in a recipe of params.yaml, which no trial has
    if params is None or search.config(params, fold) != stood:
        raise UserError("they lie outside of what is searched")
    return params


def figures(outcomes: Sequence[FoldOutcome]) -> dict[str, float]:
    """Of the search's own MLflow run: means over its folds."""
    test = [each.test for each in outcomes]
    found = {
        "validation/nll": sum(each.validation for each in outcomes) / len(outcomes),
        "test/nll": sum(each["nll"] for each in test) / len(test),
        "test/accuracy": sum(each["accuracy"] for each in test) / len(test),
        "search/trials": float(sum(len(each.trials) for each in outcomes)),
    }
    return found | {"search/optimism": found["test/nll"] - found["validation/nll"]}


def next_steps(search: Search, overrides: Sequence[str], report: Path) -> list[str]:
    """What was written, and the commands that use it."""
    words = " ".join([*overrides, f"recipe={search.name}"])
    clean = "study.folds=1 study.seeds=10" if search.folds[0] == 0 else ""
    return [
        f"recipe: conf/recipe/{search.name}.yaml    report: {report}",
        f"train it: python pipelines/train.py {words}",
        f"confirm it: python pipelines/train.py +study=repeats {words} {clean}".rstrip(),
    ]
