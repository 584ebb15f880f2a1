"""Sending what MLflow could not take while it was away, and the verdicts of the studies that ended meanwhile."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from overcast.comparison.compare import Judge, describe_study
from overcast.comparison.study_plan import read_plan
from overcast.comparison.study_record import find_study
from overcast.config.compose import compose_tracking
from overcast.config.schema import TrackingConfig
from overcast.core.errors import UnreachableError, UserError
from overcast.core.paths import project_path
from overcast.study.lookup import UNDESCRIBED
from overcast.tracking.delivery import deliver, unsent_files
from overcast.tracking.find_run import find_run
from overcast.tracking.outbox import find_outboxes, read_outbox
from overcast.tracking.store import open_store
from overcast.tracking.ui_views import links


@dataclass
class Synced:
    """lines: what was sent, a line each. left: what was not, and why. refused: what MLflow has not taken of it."""

    lines: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def sync(run: str = "", tracking: Sequence[str] = (), judge: Judge | None = None) -> Synced:
    """Send what this project's runs and studies have kept, or one of them.

    run: its folder, id or "latest". tracking: overrides of ``conf/tracking``, for a store that has another address than
    it had. judge: as for `overcast.comparison.compare.compare`.

    Raises: UserError if there is no such run.
    """
    synced = Synced()
    paths, folders = _kept(run)
    for path in paths:
        _send(path, tracking, synced)
    for folder in folders:
        _describe(folder, tracking, judge, synced)
    return synced


def _kept(run: str) -> tuple[list[Path], list[Path]]:
    """The outboxes, and the folders of studies whose runs lack their description."""
    runs = project_path("runs")
    if not run:
        return unsent_files(runs), [path.parent for path in sorted(runs.glob(f"studies/*/{UNDESCRIBED}"))]
    folder = next((place for place in (Path(run), project_path(run)) if place.is_dir()), None)
    folder = folder or find_run(run).folder
    return find_outboxes(folder), [folder] if (folder / UNDESCRIBED).exists() else []


def _settings(uri: str, experiment: str, tracking: Sequence[str]) -> TrackingConfig:
    """Where to send: where it was to be sent at first, unless the user or MLflow's variables say otherwise."""
    settings = compose_tracking(tracking)
    if tracking or os.environ.get("MLFLOW_TRACKING_URI"):
        return settings
    return replace(settings, uri=uri, experiment=experiment)


def _send(path: Path, tracking: Sequence[str], synced: Synced) -> None:
    folder = path.parent
    try:
        outbox = read_outbox(path).outbox
        store = open_store(_settings(outbox.uri, outbox.experiment, tracking))
        delivery = deliver(path, store.client) if store else None
    except UnreachableError as error:
        synced.left.append(f"{folder}: {error}")
        return
    except (OSError, ValueError) as error:
        synced.left.append(f"{folder}: {path.name} cannot be read ({error})")
        return
    if delivery is None:
        synced.left.append(f"{folder}: {'another process is sending it' if store else 'tracking is off'}")
        return
    synced.refused += delivery.refused
    if delivery.why:
        synced.left.append(f"{folder}: {delivery.left} entries are left: {delivery.why}")
    else:
        synced.lines.append(f"{folder}: {delivery.sent} entries to the MLflow run {delivery.run}")


def _describe(folder: Path, tracking: Sequence[str], judge: Judge | None, synced: Synced) -> None:
    """The description of a study that ended while the store was away."""
    uri, _, experiment = (folder / UNDESCRIBED).read_text(encoding="utf8", errors="replace").partition("\n")
    try:
        store = open_store(_settings(uri, experiment, tracking))
        if store is None:
            raise UserError("tracking is off")
        parent = find_study(store, folder.name)
        synced.lines.append(f"{folder}: {describe_study(store, folder.name, judge)}")
        synced.lines.append(links(store, folder.name, parent.id, read_plan(parent)["families"].larger_is_better))
    except UserError as error:
        synced.left.append(f"{folder}: no verdict yet ({error})")
