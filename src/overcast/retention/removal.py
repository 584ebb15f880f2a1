"""Removing weights so that a kill at any moment leaves either a whole run or one that says that it has none.

First ``removed.json`` is written, into the run's folder and among its MLflow artifacts: from then on all readers say
what has become of the weights, be some of them left or not. The tag `TAG` of the MLflow run comes last: where it is
missing, the next gc goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from overcast.core.errors import UnreachableError, UserError
from overcast.core.locks import try_lock
from overcast.core.paths import project_path
from overcast.core.progress import progress_bar
from overcast.core.words import translate
from overcast.retention.plan import COPY, TAG, Weights
from overcast.tracking.failures import answering
from overcast.tracking.run_artifacts import add_artifact, delete_artifact
from overcast.tracking.run_folder import REMOVED, Run
from overcast.tracking.store import RunInfo, TrackingStore

KEEPS_COPY = ", but for the copy here: this artifact store removes nothing"
"""What the tag adds where the copy in MLflow could not be removed."""


@dataclass
class Removed:
    """What was removed: of how many runs, and how many bytes in their folders and in MLflow.

    copies: of how many runs MLflow keeps its copy. left: why others were left, a line each.
    """

    runs: int = 0
    here: int = 0
    in_mlflow: int = 0
    copies: int = 0
    left: list[str] = field(default_factory=list)


def remove(going: Sequence[Weights], store: TrackingStore) -> Removed:
    """Remove these weights, each with the locks of the run and its study: nobody goes on with them meanwhile.

    Raises: UnreachableError if MLflow does not answer any more: the next gc goes on.
    """
    removed = Removed()
    for weights in progress_bar(going, translate("removing"), translate("run")):
        here = weights.here
        try:
            with _locks(weights):
                copied = _remove(weights, store)
        except UnreachableError:
            raise
        except UserError as error:
            removed.left.append(f"{weights.run.folder}: {error}")
            continue
        removed.runs += 1
        removed.here += here
        removed.in_mlflow += 0 if copied else weights.in_mlflow
        removed.copies += copied
    return removed


@contextmanager
def _locks(weights: Weights) -> Iterator[None]:
    """Raises: UserError if another process has one of them."""
    places = [project_path("runs") / kind / weights.study for kind in ("studies", "searches") if weights.study]
    with ExitStack() as stack:
        for folder in [*(place for place in places if place.is_dir()), weights.run.folder]:
            stack.enter_context(try_lock(folder))
        yield


def _remove(weights: Weights, store: TrackingStore) -> bool:
    """Remove them; whether MLflow keeps its copy, since its store of artifacts cannot remove any."""
    copied = False
    if weights.whole:
        if not weights.run.removed:
            weights.run.mark_removed(weights.why, _now())
        if weights.found:
            copied = _remove_copy(weights.run, weights.found, store)
    for path in weights.files:
        path.unlink(missing_ok=True)
    if weights.whole and weights.found:
        with answering(store.uri):
            store.client.set_tag(weights.found.id, TAG, _now() + KEEPS_COPY * copied)
    return copied


def _remove_copy(run: Run, found: RunInfo, store: TrackingStore) -> bool:
    """Whether it is still there."""
    add_artifact(store, found.id, run.path(REMOVED), "run")
    return not delete_artifact(store, found.id, COPY)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
