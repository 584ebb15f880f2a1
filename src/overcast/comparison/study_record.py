"""A study as its record has it: which one, its plan, its trials, what is still to be measured of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from overcast.comparison.trials import Diverged, Tuned, trials
from overcast.config.compose import compose_tracking
from overcast.core.collection import collection_paused
from overcast.core.console import warn
from overcast.core.errors import DamagedError, DivergedError, RemovedError, UserError
from overcast.core.formats import check_format
from overcast.core.progress import progress_bar
from overcast.core.words import translate
from overcast.study.lookup import StudyRecord, planned_trials, whole_runs
from overcast.study.outcomes import SHIFT, Families, families
from overcast.tracking.metadata import run_params
from overcast.tracking.orphans import mark_orphaned_runs
from overcast.tracking.run_folder import REMOVED, Run
from overcast.tracking.store import RunInfo, TrackingStore, open_store
from overcast.tracking.study_info import FORMAT


def recorded_study(study: str, tracking: Sequence[str], fetched: Path) -> tuple[TrackingStore, StudyRecord]:
    """A study as a tracking store has it. fetched: a folder for what lies in MLflow's artifacts alone."""
    with collection_paused():  # MLflow makes a hundred objects a run
        store = open_store(compose_tracking(tracking))
        if store is None:
            raise UserError("tracking=off: a study is found by its records in MLflow. Leave it out, or name another")
        mark_orphaned_runs(store)
        parent = find_study(store, study)
        check_study_format(parent)
        return store, study_record(store, parent, fetched)


def study_record(store: TrackingStore, parent: RunInfo, fetched: Path | None = None) -> StudyRecord:
    """The study of this parent run. fetched: as for `recorded_study`; without one, folders alone count."""
    planned = planned_trials(store, parent.tags["study"])
    return StudyRecord(parent, planned, whole_runs(store, planned, fetched), _asked_before(store, parent))


def find_study(store: TrackingStore, study: str) -> RunInfo:
    """The parent run of a study, by name, id or run id: of several, the one that ran last.

    Raises: UserError if there is none.
    """
    parents = sorted(store.search(role="study"), key=lambda run: run.tags.get("opened", run.created), reverse=True)
    if not parents:
        name = store.client.get_experiment(store.experiment).name
        raise UserError(
            f"there is no study yet in the experiment {name} of {store.uri}: run one first, such as "
            "python pipelines/train.py +study=mitigations, or say where it was recorded (tracking.experiment=…)"
        )
    for parent in parents:
        if study in ("", parent.id, parent.tags["study"], parent.tags["study"].rpartition("-")[0]):
            return parent
    known = ", ".join(dict.fromkeys(parent.tags["study"] for parent in parents[:10]))
    raise UserError(f"study={study}: there is no such study. The latest are: {known}")


def check_study_format(parent: RunInfo) -> None:
    """Raises: UserError if another version of overcast recorded the study."""
    stored = {"format": int(parent.tags.get("format", 0))}
    check_format(f"The study {parent.tags['study']}", stored, FORMAT, "run its command again")


def trial_table(
    parent: RunInfo, planned: Sequence[RunInfo], runs: Sequence[Run], diverged: Sequence[Diverged] = ()
) -> pd.DataFrame:
    """`overcast.comparison.trials.trials` of a study, with its ``design``, ``equal`` and ``lengths``."""
    design = {name: parent.tags.get(name, "") for name in ("design", "equal", "lengths")}
    return trials(runs, diverged, tuned_trials(planned)).assign(**design)


def published_splits(runs: Sequence[Run]) -> list[str]:
    """What to say of each data set whose split was not drawn but published: whether training met its test part."""
    leaked: dict[str, dict[int, int]] = {}
    for run in runs:
        if "leaked_test_rows" in run.facts:
            config = run.config
            leaked.setdefault(config.data.name, {})[config.split.fold] = run.facts["leaked_test_rows"]
    return [
        translate(
            "The split of {data} is a published one. LEAK: {number} of a fold's test rows have a near-duplicate, or a "
            "sample of the same source, in the train or validation part, which flatters every figure on the test part."
            if max(folds.values())
            else "The split of {data} is a published one. No test row has a near-duplicate, or a sample of the same "
            "source, in the train or validation part.",
            data=name,
            number=max(folds.values()),
        )
        for name, folds in leaked.items()
    ]


def finished_trials(record: StudyRecord) -> dict[str, RunInfo]:
    """The planned trials that ended well, by their identity."""
    return {each.tags["identity"]: each for each in reversed(record.planned) if each.status == "FINISHED"}


def check_runs(record: StudyRecord) -> None:
    """Raises: UserError if there is no run to report on."""
    key, finished = record.parent.tags["study"], finished_trials(record)
    if finished and not record.runs:
        folder = next(iter(finished.values())).tags["folder"]
        raise UserError(
            f"the study {key} has {len(finished)} finished runs, but they are not found: neither folders such as "
            f"{folder} nor MLflow's artifacts. Bring these back, or run the study again"
        )
    if not record.runs:
        raise UserError(f"the study {key} has no finished run yet: let it run, or look into its logs")


def _asked_before(store: TrackingStore, parent: RunInfo) -> str:
    """How many studies and comparisons the same data sets have been asked already, as far as they were reported."""
    ours = set(parent.tags.get("data", "").split(",")) - {""}
    others = [run for run in store.search(role="study") if run.id != parent.id and run.created < parent.created]
    same = [run for run in others if ours & set(run.tags.get("data", "").split(","))]
    if not same:
        return ""
    comparisons = sum(int(run.tags.get("comparisons", 0)) for run in same)
    text = (
        "{number} study of {data} with {comparisons} comparisons"
        if len(same) == 1
        else "{number} studies of {data} with {comparisons} comparisons"
    )
    return translate(text, number=len(same), data=", ".join(sorted(ours)), comparisons=comparisons)


def evaluate_missing(runs: Sequence[Run], judged: Families | None = None) -> dict[Run, Diverged]:
    """Measure the runs without the figures that are judged on their test part, all in this process; gives those that
    cannot be.

    Such ones were recorded as finished before training looked whether a loss is finite.
    """
    judged = judged or families()
    missing = [run for run in runs if not _measured(run, judged)]
    if not missing:  # what follows imports torch
        return {}
    _refuse_removed(missing)
    from overcast.evaluation.evaluate import evaluate

    diverged, columns = {}, {outcome.column for outcome in judged.judged}
    for run in progress_bar(missing, translate("evaluating"), translate("run")):
        try:
            # an evaluation that lacks but a figure keeps its plots
            evaluate(run, pictures=(run.folder / "evaluation" / "plots").is_dir(), shift=SHIFT.column in columns)
        except DivergedError as error:
            diverged[run] = Diverged(run_params(run.config), str(error), run.facts["identity"])
    return diverged


def _refuse_removed(missing: Sequence[Run]) -> None:
    """Raises: RemovedError if the weights of one of these runs, which are still to be measured, were removed."""
    removed = [run for run in missing if run.removed]
    if len(removed) > 1:
        raise RemovedError(
            f"{len(removed)} runs have no current evaluation of what the study judges, and gc removed their weights. "
            f"To have them again, remove {REMOVED} from the folders of those runs and give the study's command again: "
            f"{', '.join(str(run.folder) for run in removed[:3])}{', …' if len(removed) > 3 else ''}"
        )
    for run in removed:
        run.refuse_removed()


def is_measured(run: Run, judged: Families) -> bool:
    """Whether it has been evaluated, and has every outcome that is judged. Raises: DamagedError."""
    parts = ((part, name) for part, _, name in (outcome.column.partition("/") for outcome in judged.judged))
    return bool(run.metrics and run.predictions) and all(name in run.metrics[part] for part, name in parts)


def _measured(run: Run, judged: Families) -> bool:
    """As `is_measured`. Says so where its evaluation is damaged."""
    try:
        return is_measured(run, judged)
    except DamagedError:
        what = f"{run.folder / 'evaluation'} was changed or damaged since it was written"
        warn(f"{what}: the run is evaluated again")
        return False


def unfinished_trials(trials: Sequence[RunInfo], done: set[str]) -> list[str]:
    """The names of trials that were killed, or failed but did not diverge, and why; not of those run again since."""
    found = [run for run in trials if run.status in ("FAILED", "KILLED")]
    left = [run for run in found if run.tags["identity"] not in done and "diverged" not in run.tags]
    reasons = [run.tags.get("reason", "") for run in left]
    names = [run.tags["mlflow.runName"] for run in left]
    return sorted({f"{name} ({why})" if why else name for name, why in zip(names, reasons, strict=True)})


def diverged_trials(trials: Sequence[RunInfo], done: set[str]) -> list[Diverged]:
    """The trials that diverged, one of each identity, and were not run again since."""
    gone = [run for run in trials if run.status == "FAILED" and run.tags.get("diverged") == "true"]
    found = {run.tags["identity"]: run for run in gone}
    left = {identity: run for identity, run in found.items() if identity not in done}
    return [Diverged(run.params, run.tags.get("reason", ""), identity) for identity, run in left.items()]


def tuned_trials(trials: Sequence[RunInfo]) -> dict[str, Tuned]:
    """Of the trials that were chosen among candidates, by identity, how."""
    chosen = [run for run in trials if run.tags.get("tuned")]
    return {run.tags["identity"]: Tuned(_strengths(run), int(run.tags["candidates"])) for run in chosen}


def _strengths(run: RunInfo) -> dict[str, str]:
    words = [word.partition("=") for word in run.tags["tuned"].split()]
    return {name: value for name, _, value in words}
