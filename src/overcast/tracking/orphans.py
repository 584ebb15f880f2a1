"""Runs that are RUNNING in the record although their process is gone: only they are ended, never one that may live.

A process of this machine is looked up. Of another machine's, or another container's, only the heartbeat can be seen: it
is dead when that has stood still for ten minutes of this machine's own clock, which no setting of the time moves.
Commands are shorter than that, so what each saw is noted in the project's home for the next one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from overcast.core.atomic import whole_file
from overcast.core.errors import UserError
from overcast.core.locks import is_locked
from overcast.core.paths import project_home
from overcast.core.process import ProcessId, is_gone, this_process
from overcast.tracking.heartbeat import ENDED_BECAUSE, HEARTBEAT, STILL
from overcast.tracking.store import RunInfo, TrackingStore, deliver_unsent, has_unsent, places

NOTES = ".heartbeats.json"

FORGOTTEN = 24 * 3600.0
"""Seconds after which a note about a run that is no longer seen is dropped: it may be another store's."""


class Look(NamedTuple):
    """What a run's heartbeat was, and since when, on the observer's clock."""

    beat: str
    since: float


def mark_orphaned_runs(store: TrackingStore, runs_dir: str = "runs") -> None:
    """Mark runs KILLED that died without a word (SIGKILL, power), and say in a tag why.

    What they, or others in ``runs_dir``, could not send while the store was away is delivered first: their last word
    may be in it.
    """
    observer = this_process()
    unsure: dict[str, str] = {}
    running = store.search(status="RUNNING")
    deliver_unsent(store, runs_dir, [place for run in running if "folder" in run.tags for place in places(run.tags)])
    for run in running:
        process = ProcessId.parse(run.tags.get("process", ""))
        gone = _is_gone(run, process, observer)
        if process and gone:
            _end(store, run.id, f"its process ({process.pid} on {process.host}) is gone")
        elif process and gone is None:
            unsure[run.id] = run.tags.get(HEARTBEAT, "")
    for run_id in _without_heartbeat(unsure, observer):
        _end(store, run_id, f"no heartbeat for {STILL / 60:.0f} minutes, as {observer.host} saw it")


def end_trials(store: TrackingStore, study: str) -> None:
    """Mark a study's trials KILLED that its workers left RUNNING; called by whoever has the study's lock.

    Those of other machines, and of other projects that record into the same store, only if they are gone.
    """
    observer = this_process()
    for run in store.search(study=study, status="RUNNING"):
        process = ProcessId.parse(run.tags.get("process", ""))
        here = process and (process.boot, process.namespace) == (observer.boot, observer.namespace)
        own = here and run.tags.get("project") == str(project_home())
        if run.tags.get("role") != "study" and not has_unsent(run) and (own or _is_gone(run, process, observer)):
            _end(store, run.id, "its worker in the study is gone")


def _is_gone(run: RunInfo, process: ProcessId | None, observer: ProcessId) -> bool | None:
    """As `is_gone`; a run whose folder is locked lives, and one that was not delivered yet may have ended well."""
    if process is None:
        return None
    if has_unsent(run):
        return False
    gone = is_gone(process, observer)  # asked before the lock and the state, in which it can no longer change them
    if gone is not False and "folder" in run.tags and any(is_locked(place) for place in places(run.tags)):
        return False
    return gone


def _end(store: TrackingStore, run_id: str, why: str) -> None:
    from mlflow.exceptions import MlflowException

    with suppress(MlflowException):  # of a store that can only be read: a later command will
        if store.status(run_id) == "RUNNING":  # it may have ended since
            store.client.set_tag(run_id, ENDED_BECAUSE, why)
            store.client.set_terminated(run_id, "KILLED")


def _without_heartbeat(beats: Mapping[str, str], observer: ProcessId) -> list[str]:
    """Of these runs, those whose heartbeat has stood still since a command long enough before this one."""
    path = project_home() / NOTES
    if not beats and not path.exists():
        return []
    clock = f"{observer.boot} {observer.namespace}"
    still, looks = standing_still(_read(path, clock), beats, time.monotonic())
    with suppress(UserError, OSError):  # then it takes until one can note it
        if looks:
            whole_file(path, json.dumps({"clock": clock, "runs": looks}, indent=1) + "\n")
        else:
            path.unlink(missing_ok=True)
    return still


def standing_still(
    before: Mapping[str, Look], beats: Mapping[str, str], now: float
) -> tuple[list[str], dict[str, Look]]:
    """Which runs' beats are what they were `STILL` seconds ago, and what to note. now: seconds that only count up."""
    looks = {run: look for run, look in before.items() if run not in beats and now - look.since < FORGOTTEN}
    for run, beat in beats.items():
        known = before.get(run)
        looks[run] = known if known and known.beat == beat and known.since <= now else Look(beat, now)
    still = [run for run in beats if now - looks[run].since >= STILL]
    return still, {run: look for run, look in looks.items() if run not in still}


def _read(path: Path, clock: str) -> dict[str, Look]:
    """What an earlier command noted, if by the same clock: it starts anew with the machine."""
    try:
        noted = json.loads(path.read_text(encoding="utf8"))
        same = noted["clock"] == clock
        return {run: Look(str(beat), float(since)) for run, (beat, since) in noted["runs"].items()} if same else {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
