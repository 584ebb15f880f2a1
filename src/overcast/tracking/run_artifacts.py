"""Single files of MLflow runs: how large they are, and their removal, which not every store of artifacts can."""

from __future__ import annotations

from pathlib import Path

from overcast.core.errors import UserError
from overcast.tracking.failures import answering, quiet, reason
from overcast.tracking.store import TrackingStore, store_address

CANNOT = ("Not implemented", "does not support deleting")
"""How MLflow says that a kind of store removes nothing."""


def artifact_bytes(store: TrackingStore, run_id: str, path: str) -> int | None:
    """The size of a run's artifact, None if it has no such one. Raises: UnreachableError."""
    with answering(store.uri):
        for each in store.client.list_artifacts(run_id, path.rpartition("/")[0]):
            if each.path == path:
                return int(each.file_size or 0)
    return None


def add_artifact(store: TrackingStore, run_id: str, file: Path, folder: str) -> None:
    """Copy a file into a run's artifact folder. Raises: UnreachableError."""
    with answering(store.uri):
        store.client.log_artifact(run_id, str(file), folder)


def delete_artifact(store: TrackingStore, run_id: str, path: str) -> bool:
    """Remove a run's artifact; whether it is gone: some kinds of stores remove nothing.

    Raises: UserError if it could not be removed this time; UnreachableError if the tracking store does not answer.
    """
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    with answering(store.uri):
        place = store.client.get_run(run_id).info.artifact_uri
    try:
        with quiet():
            get_artifact_repository(place, tracking_uri=store_address(store.settings)).delete_artifacts(path)
    except Exception as error:  # that of an artifact store may be of any kind
        if not isinstance(error, NotImplementedError) and not any(words in str(error) for words in CANNOT):
            raise UserError(f"cannot remove {path} of the MLflow run {run_id}: {reason(error)}") from None
    return artifact_bytes(store, run_id, path) is None
