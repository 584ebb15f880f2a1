"""Which weights can go, and why the others are kept. Nothing is removed here."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from overcast.core.errors import UserError
from overcast.core.locks import is_locked
from overcast.core.paths import project_path
from overcast.core.progress import progress_bar
from overcast.core.words import translatable, translate
from overcast.retention.dvc_outs import dvc_outs, holds_an_out
from overcast.retention.studies import UNDER_WAY, UNSENT, StudyNeeds, has_figures, in_study, study_needs
from overcast.serving.registry import registered_runs
from overcast.tracking.find_run import find_run
from overcast.tracking.outbox import find_outboxes
from overcast.tracking.run_artifacts import artifact_bytes
from overcast.tracking.run_folder import CHECKPOINT, WEIGHTS, Run, load_run
from overcast.tracking.store import RunInfo, TrackingStore

COPY = f"run/{WEIGHTS}"
"""The weights among the artifacts of an MLflow run."""

TAG = "weights_removed"
"""Of an MLflow run: when its weights were removed. Set last."""

OF_DVC = translatable("DVC keeps it")
LATEST = translatable("it is the latest run")
REGISTERED = translatable("a registered model was made from it")
STARTED_FROM = translatable("another run starts from it (init_from)")
UNREADABLE = translatable("it is not whole, or of another version of overcast")
UNRECORDED = translatable("it is not in this experiment of MLflow (tracking.experiment)")
NOT_FINISHED = translatable("its MLflow run did not end well")
BY_HAND = translatable("it was trained by hand, in no study (by_hand=true)")
UNMEASURED = translatable("it has no current evaluation")
BEST = translatable("its study's best cell or run, which register.py takes")
YOUNG = translatable("it is younger than older_than=…")
RESUMABLE = translatable("an interrupted training goes on from its checkpoint (resume=true)")

MEASURED = translatable("its figures and predictions are kept")
UNCHOSEN = translatable("a candidate that was not chosen")
TRAINED_SINCE = translatable("the checkpoint of a trial that was trained since")
UNFINISHED = translatable("an earlier gc did not come to its end")


@dataclass(frozen=True)
class Weights:
    """The weights of one run that can go, and why: ``here`` files in its folder, ``in_mlflow`` their copy's bytes.

    found: the run's record, None where it has none. whole: whether the run is; else all there is are its checkpoints.
    """

    run: Run
    why: str
    found: RunInfo | None = None
    whole: bool = True
    in_mlflow: int = 0

    @property
    def files(self) -> list[Path]:
        """In the run's folder."""
        return [path for name in (WEIGHTS, CHECKPOINT) if (path := self.run.folder / name).is_file()]

    @property
    def here(self) -> int:
        """Bytes."""
        return sum(path.stat().st_size for path in self.files)

    @property
    def study(self) -> str:
        """Its id, "" for none."""
        return str(self.run.record.get("study", ""))


@dataclass
class Plan:
    """going: what can be removed. kept: how many runs are kept, by why. before: of how many it was removed before."""

    going: list[Weights] = field(default_factory=list)
    kept: Counter[str] = field(default_factory=Counter)
    before: int = 0


class Needs:
    """What of runs is needed, by whoever needs it: each is asked once."""

    def __init__(self, store: TrackingStore, runs: Sequence[Run]) -> None:
        self.store, self.outs = store, dvc_outs()
        self.records = {found.id: found for found in store.search()}
        self.registered = registered_runs(store)
        self.started_from = {str(run.facts.get("init_weights")) for run in runs}
        self.starts = {found.tags["init_from"] for found in self.records.values() if "init_from" in found.tags}
        self.latest = _latest()
        parents = [found for found in self.records.values() if found.tags.get("role") in ("study", "search")]
        self.parents = {found.tags["study"]: found for found in reversed(parents)}
        self.studies: dict[str, StudyNeeds] = {}
        done = [found for found in self.records.values() if found.status == "FINISHED" and "identity" in found.tags]
        self.done = {(found.tags.get("study", ""), found.tags["identity"]) for found in done}

    def study(self, key: str) -> StudyNeeds:
        if key not in self.studies:
            parent = self.parents.get(key)
            self.studies[key] = study_needs(self.store, parent) if parent else StudyNeeds(key, UNRECORDED)
        return self.studies[key]

    def of_others(self, run: Run) -> str:
        """Why others than its study need a run's weights, or it is none of which can be told; "" if nobody does."""
        found = self.records.get(run.facts["id"])
        if holds_an_out(run.folder, self.outs):
            return OF_DVC
        if self.latest == run.folder.resolve():
            return LATEST
        if run.facts["id"] in self.registered:
            return REGISTERED
        if run.facts.get("weights") in self.started_from or run.folder.name in self.starts:
            return STARTED_FROM
        if is_locked(run.folder) or (found and found.status == "RUNNING"):
            return UNDER_WAY
        if find_outboxes(run.folder):
            return UNSENT
        if found is None and (run.facts["id"] or in_study(run)):
            return UNRECORDED
        return NOT_FINISHED if found and found.status != "FINISHED" else ""

    def of_study(self, run: Run) -> str:
        """Why its study needs a trial's weights; "" if it does not."""
        needs, found = self.study(str(run.record["study"])), self.records[run.facts["id"]]
        if needs.kept:
            return needs.kept
        if not needs.measured(run, found):
            return UNMEASURED
        return BEST if run.folder.resolve() in needs.best else ""


def plan_removal(store: TrackingStore, study: str = "", older_than: float = 0, by_hand: bool = False) -> Plan:
    """What of the weights below ``runs/`` nobody needs.

    study: the id of the only one to look at. older_than: seconds since a run began, before which its weights are kept.
    by_hand: whether those of runs outside of studies may go, too.

    Raises: UnreachableError if MLflow does not tell what is needed.
    """
    plan, runs_dir = Plan(), project_path("runs")
    runs = [run for path in sorted(runs_dir.glob("**/run.json")) if (run := _loaded(path.parent, plan))]
    needs = Needs(store, runs)
    asked = [run for run in runs if study in ("", run.record.get("study"))]
    for run in progress_bar(asked, translate("looking"), translate("run")):
        _place(run, needs, plan, older_than, by_hand)
    for path in sorted(runs_dir.glob("*/" + CHECKPOINT)):
        if not (path.parent / "run.json").exists():
            _place_checkpoint(Run(path.parent), needs, plan, study)
    return plan


def _loaded(folder: Path, plan: Plan) -> Run | None:
    try:
        run = load_run(folder)
        _ = run.record, run.removed
        return run
    except UserError:
        plan.kept[UNREADABLE] += 1
        return None


def _latest() -> Path | None:
    try:
        return find_run("latest").folder.resolve()
    except UserError:
        return None


def _place(run: Run, needs: Needs, plan: Plan, older_than: float, by_hand: bool) -> None:
    """Put a run into the plan."""
    found = needs.records.get(run.facts["id"])
    if run.removed:
        whole = Weights(run, UNFINISHED, found, in_mlflow=_copy(needs.store, found))
        if whole.files or (found and TAG not in found.tags):
            plan.going.append(whole)
        else:
            plan.before += 1
        return
    trial = in_study(run)
    kept = needs.of_others(run)
    if not kept and not trial:
        kept = BY_HAND if not by_hand else "" if has_figures(run) else UNMEASURED
    kept = kept or (needs.of_study(run) if trial else "")
    if not kept and older_than and time.time() - _began(run, found) < older_than:
        kept = YOUNG
    if kept:
        plan.kept[kept] += 1
        return
    why = UNCHOSEN if found and found.tags.get("role") == "tuning" else MEASURED
    plan.going.append(Weights(run, why, found, in_mlflow=_copy(needs.store, found)))


def _place_checkpoint(run: Run, needs: Needs, plan: Plan, study: str) -> None:
    """The same for one that was never whole: what it left to go on from."""
    try:
        record = run.record
    except UserError:
        plan.kept[UNREADABLE] += 1
        return
    if study not in ("", record.get("study")):
        return
    if is_locked(run.folder):
        plan.kept[UNDER_WAY] += 1
    elif find_outboxes(run.folder):
        plan.kept[UNSENT] += 1
    elif record.get("study") and (record["study"], record.get("identity")) in needs.done:
        plan.going.append(Weights(run, TRAINED_SINCE, whole=False))
    else:
        plan.kept[RESUMABLE] += 1


def _copy(store: TrackingStore, found: RunInfo | None) -> int:
    return (artifact_bytes(store, found.id, COPY) or 0) if found else 0


def _began(run: Run, found: RunInfo | None) -> float:
    """When a run began, in seconds since 1970; of one without a record, when it was whole."""
    if found:
        return datetime.fromisoformat(found.created).timestamp()
    return (run.folder / "run.json").stat().st_mtime
