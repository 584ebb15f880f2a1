"""What a study, or a search, still asks of its trials' weights: all of them, some, or none any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from overcast.comparison.study_plan import read_plan
from overcast.comparison.study_record import (
    check_study_format,
    diverged_trials,
    find_study,
    is_measured,
    study_record,
    trial_table,
)
from overcast.core.errors import DamagedError, UserError
from overcast.core.locks import is_locked
from overcast.core.words import translatable
from overcast.serving.candidates import best_cell, best_trial
from overcast.study.lookup import UNDESCRIBED, StudyRecord
from overcast.study.outcomes import Families, families
from overcast.study.tuning import VALIDATION
from overcast.tracking.outbox import find_outboxes
from overcast.tracking.run_folder import Run
from overcast.tracking.store import RunInfo, TrackingStore, places
from overcast.training.recording import SEARCH

UNDER_WAY = translatable("the run, its study or its search is under way")
UNSENT = translatable("not all of it is in MLflow yet (sync.py)")
UNREPORTED = translatable("its study or search has no report on it yet")
CLAIM = translatable("its study tests a claim, which compare.py may judge by the weights")
OLD = translatable("another version of overcast recorded its study")


@dataclass(frozen=True)
class StudyNeeds:
    """What a study needs of its trials' weights.

    kept: why all of them are kept, "" where they are not. judged: the outcomes that a trial must have been measured by
    before its weights go. best: folders of the runs that registering the study's best would take.
    """

    id: str
    kept: str = ""
    judged: Families | None = None
    best: frozenset[Path] = frozenset()

    def measured(self, run: Run, found: RunInfo) -> bool:
        """Whether all that the study will ask of a run is known without its weights."""
        if ("tuned" in found.tags or found.tags.get("role") == "tuning") and VALIDATION not in run.record:
            return False  # a study that goes on chooses again among its candidates
        return found.tags.get("role") == "tuning" or has_figures(run, self.judged)


def has_figures(run: Run, judged: Families | None = None) -> bool:
    """Whether figures and predictions of these outcomes, or of the usual ones, are there as evaluation wrote them."""
    try:
        return is_measured(run, judged or families())
    except DamagedError:
        return False


def study_needs(store: TrackingStore, parent: RunInfo) -> StudyNeeds:
    """Of the study or search of this parent run."""
    key = parent.tags["study"]
    folders = places(parent.tags)
    if parent.status == "RUNNING" or any(map(is_locked, folders)):
        return StudyNeeds(key, UNDER_WAY)
    if any(find_outboxes(folder) or (folder / UNDESCRIBED).exists() for folder in folders):
        return StudyNeeds(key, UNSENT)
    if parent.tags["role"] == "search":
        return StudyNeeds(key, "" if "search/trials" in parent.metrics else UNREPORTED)
    if parent.tags.get("claim"):
        return StudyNeeds(key, CLAIM)
    try:
        check_study_format(parent)
        return _reported(store, parent)
    except UserError:
        return StudyNeeds(key, OLD)


def _reported(store: TrackingStore, parent: RunInfo) -> StudyNeeds:
    record, judged = study_record(store, parent), read_plan(parent)["families"]
    measured = [run for run in record.runs if has_figures(run, judged)]
    if not measured or int(parent.tags.get("reported", 0)) < len(measured):
        return StudyNeeds(parent.tags["study"], UNREPORTED)
    return StudyNeeds(parent.tags["study"], "", judged, _best(record, measured))


def _best(record: StudyRecord, measured: Sequence[Run]) -> frozenset[Path]:
    """The runs of the best cell, and the best run, as ``register.py`` chooses them."""
    done = {run.facts["identity"] for run in record.runs}
    diverged = diverged_trials(record.planned, done)
    table = trial_table(record.parent, record.planned, measured, diverged)
    trials = table[~table["diverged"]]
    cell = trials[trials["cell"] == best_cell(trials)[0]]
    return frozenset(Path(folder).resolve() for folder in [*cell["run_id"], best_trial(trials)])


def find_parent(store: TrackingStore, text: str) -> RunInfo:
    """The parent run of a study or a search, by name, id or run id. Raises: UserError if there is none."""
    for parent in store.search(role="search"):
        if text in (parent.id, parent.tags["study"], parent.tags["study"].rpartition("-")[0]):
            return parent
    return find_study(store, text)


def in_study(run: Run) -> bool:
    """Whether a run is a trial of a study or a search."""
    return bool(run.record.get("study")) and run.record.get("settings", {}).get("role") in ("trial", "tuning", SEARCH)
