"""Which weights can go, and why the others are kept. Nothing is removed here."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from overcast.core.errors import UserError
from overcast.core.locks import is_locked
from overcast.core.paths import project_path
from overcast.core.progress import progress_bar
from overcast.core.words import translatable, translate
from overcast.retention.needs import UNMEASURED, Needs
from overcast.retention.studies import UNDER_WAY, UNSENT, has_figures, in_study
from overcast.tracking.finished_run import load_run
from overcast.tracking.outbox import find_outboxes
from overcast.tracking.run_artifacts import artifact_bytes
from overcast.tracking.run_folder import CHECKPOINT, WEIGHTS, Run
from overcast.tracking.store import RunInfo, TrackingStore

COPY = f"run/{WEIGHTS}"
"""The weights among the artifacts of an MLflow run."""

TAG = "weights_removed"
"""Of an MLflow run: when its weights were removed. Set last."""

UNREADABLE = translatable("it is not whole, or of another version of overcast")
BY_HAND = translatable("it was trained by hand, in no study (by_hand=true)")
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
    """The run in a folder; None if any of its small files is not sound."""
    try:
        run = load_run(folder)
        run.record, run.removed  # noqa: B018 - they are read here
        return run
    except UserError:
        plan.kept[UNREADABLE] += 1
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
