"""Who still needs the weights of a run: its study, a registered model, another run, DVC, or whoever says "latest"."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from overcast.core.errors import UserError
from overcast.core.locks import is_locked
from overcast.core.words import translatable
from overcast.retention.dvc_outs import dvc_outs, holds_an_out
from overcast.retention.studies import UNDER_WAY, UNSENT, StudyNeeds, in_study, study_needs
from overcast.serving.registry import registered_runs
from overcast.tracking.find_run import find_run
from overcast.tracking.outbox import find_outboxes
from overcast.tracking.run_folder import Run
from overcast.tracking.store import TrackingStore

OF_DVC = translatable("DVC keeps it")
LATEST = translatable("it is the latest run")
REGISTERED = translatable("a registered model was made from it")
STARTED_FROM = translatable("another run starts from it (init_from)")
UNRECORDED = translatable("it is not in this experiment of MLflow (tracking.experiment)")
NOT_FINISHED = translatable("its MLflow run did not end well")
UNMEASURED = translatable("it has no current evaluation")
BEST = translatable("its study's best cell or run, which register.py takes")


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


def _latest() -> Path | None:
    try:
        return find_run("latest").folder.resolve()
    except UserError:
        return None
