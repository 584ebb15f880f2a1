"""What a study writes down before its first trial: which study it is, what it will judge, and by which design."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from overcast.config.run_config import RunConfig
from overcast.config.script import Session
from overcast.study.lookup import CELL_LENGTH, DESIGN
from overcast.tracking.run import MAX_TAG, RunRecorder
from overcast.tracking.store import TrackingStore, open_store, relative


def study_id(name: str | None, cells: Sequence[str], repeats: Sequence[str]) -> str:
    """A study's name and a hash of what makes it this one: asked for again, it goes on.

    One with a name is the same as long as its first cell is, which the others are compared with: more cells, folds or
    seeds extend it. Another option of that cell, or other data, makes another study, which is not compared with what
    came before. A sweep without a name is the same only with the same runs.
    """
    same = cells[:1] if name else [*cells, *repeats]
    return f"{name or 'sweep'}-{hashlib.sha256(repr([*same]).encode()).hexdigest()[:8]}"


def plan_cells(cells: Sequence[str]) -> str:
    """The cells of a plan as a tag, by which `planned_trials` leaves out what was planned once and is no more.

    "" where they are more than a tag holds.
    """
    tag = " ".join(cell[:CELL_LENGTH] for cell in cells)
    return tag if len(tag) <= MAX_TAG else ""


def command(session: Session) -> str:
    """What the user typed, without the defaults put in front."""
    return f"python {Path(sys.argv[0]).parent.name}/{Path(sys.argv[0]).name} {' '.join(session.user_overrides)}"


def open_record(
    configs: Sequence[RunConfig], typed: str, folder: Path, cells: Sequence[str], repeats_a_cell: int, runs: int
) -> tuple[TrackingStore | None, RunRecorder]:
    """The store, if any, and in it the record of the study whose folder this is, with what it plans.

    typed: its command. The rest as for `plan_tags`. Raises: UserError if the store cannot be reached.
    """
    from overcast.tracking.orphans import mark_orphaned_runs  # every job imports this file

    store = open_store(configs[0].tracking)
    if not store:
        return None, RunRecorder()
    mark_orphaned_runs(store, configs[0].runs_dir)
    tags = {"folder": relative(folder), "command": typed}
    tags |= plan_tags(store, folder.name, configs, cells, repeats_a_cell, runs)
    return store, store.study(folder.name, configs[0].study.name or "sweep", tags)


def plan_tags(
    store: TrackingStore, key: str, configs: Sequence[RunConfig], cells: Sequence[str], repeats_a_cell: int, runs: int
) -> dict[str, str]:
    """What will be judged and by which design, and what was planned before the first trial: it may change later.

    A study that has been reported, and grows after that, is said to be extended. key: its id. configs: of a run of each
    of its cells, whose identities ``cells`` are. repeats_a_cell, runs: how many trials each of them, and it, will have.
    """
    config = configs[0]
    judged = json.dumps({"outcomes": list(config.study.outcomes), "margins": dict(config.study.margins)})
    looks = ""
    if config.study.budget and config.study.folds:
        from overcast.statistics.sequential import planned_looks

        looks = " ".join(map(str, planned_looks(config.study.folds)))
    found = store.search(study=key, role="study", limit=1)
    before = found[0].tags if found else {}
    tags = {"runs": str(runs), "repeats": str(repeats_a_cell), "cells": plan_cells(cells)}
    tags |= {"data": ",".join(sorted({each.data.name for each in configs}))}
    tags |= {"claim": config.claim} if config.claim else {}
    tags |= {"judged": judged, "design": config.study.design, "equal": config.study.equal, "looks": looks}
    tags |= {"lengths": " ".join(map(str, config.study.epochs))}
    tags |= {f"planned_{name}": before.get(f"planned_{name}", tags[name]) for name in DESIGN}
    tags |= {"planned": before.get("planned", judged)}
    if "reported" in before and runs > int(before.get("runs", 0)):
        tags["extended"] = before["reported"]
    return tags
