"""Runs whose tracking store does not answer: what goes on without it, and is recorded later."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from overcast.config.schema import TrackingConfig
from overcast.core.secrets import without_password
from overcast.tracking.failures import listens, unreachable
from overcast.tracking.outbox import Outbox, find_outboxes, portable_uri, read_outbox
from overcast.tracking.run import MlflowRun
from overcast.tracking.run_folder import Run
from overcast.tracking.store import TrackingStore, experiment_name, new_run, open_store, store_address


def reopen_store(tracking: TrackingConfig) -> TrackingStore | None:
    """As `open_store`, for what goes on without it: a server that is not there is not waited for."""
    if tracking.enabled and not listens(uri := without_password(store_address(tracking))):
        raise unreachable(uri, ConnectionError("nothing is listening there"))
    return open_store(tracking)


def kept_recorder(run: Run) -> MlflowRun | None:
    """This run, where its store does not answer: all is kept in its folder, and sent later.

    None where it was never recorded in that store.
    """
    tracking, run_id, record = run.config.tracking, run.facts["id"], run.record
    uri, name = without_password(store_address(tracking)), experiment_name(tracking)
    if record.get("store") != portable_uri(uri):
        return None
    if run_id:
        return MlflowRun(None, run_id, Outbox(str(run.folder), uri, name, run_id))
    for path in find_outboxes(run.folder):
        with suppress(ValueError):  # a damaged file
            if path.name == record.get("outbox"):
                return MlflowRun(None, "", read_outbox(path).outbox)
    return None


def late_run(tracking: TrackingConfig, folder: Path, name: str, tags: dict[str, str], parent: str) -> MlflowRun:
    """A run that begins now, and is created below its ``parent`` when its store answers again."""
    outbox = Outbox(
        str(folder),
        without_password(store_address(tracking)),
        experiment_name(tracking),
        "",
        new_run(name, tags, parent),
    )
    outbox.add()
    return MlflowRun(None, "", outbox)
