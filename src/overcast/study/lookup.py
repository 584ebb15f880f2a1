"""Find studies, the runs in them, and what earlier runs tell about the time to come."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from overcast.config.run_config import RunConfig
from overcast.core.errors import DamagedError, UserError
from overcast.core.paths import project_path
from overcast.tracking.finished_run import load_run
from overcast.tracking.outbox import OUTBOX
from overcast.tracking.run_folder import RECORD, Run
from overcast.tracking.store import RunInfo, TrackingStore, places
from overcast.tracking.study_info import StudyInfo


@dataclass(frozen=True)
class StudyRecord:
    """What a comparison knows of a study, be it from a tracking store or from an archive.

    parent: the study's own record, with its plan in the tags. planned: its trials, newest first. runs: the whole ones
    among them, in the order they were started. asked_before: what its data was asked by earlier studies.
    """

    parent: RunInfo
    planned: list[RunInfo]
    runs: Sequence[Run]
    asked_before: str = ""


LIKE = ("epochs", "train_fraction", "batch_size")
"""What a run's duration depends on most, besides its data and network."""


def finished_run(store: TrackingStore | None, study: StudyInfo, role: str, identity: str) -> Run | None:
    """The run of this study that already is what is asked for, or None. Of a candidate, also one that was chosen."""
    if store is None:
        return None
    for found in store.search("FINISHED", study=study.id, identity=identity):
        if found.tags["role"] in (role, "trial") and (run := whole(found, store)):
            return run
    return None  # also where its folder was removed


def finished_folder(config: RunConfig, study: StudyInfo, identity: str, unsent: bool) -> Run | None:
    """As `finished_run`, from the runs' folders: of those with an unsent record alone, or, where the store does not
    answer, of all.
    """
    pattern = OUTBOX.format("*") if unsent else RECORD
    for path in sorted(project_path(config.runs_dir).glob(f"*/{pattern}")):
        with suppress(UserError, OSError, ValueError):
            run = load_run(path.parent, config.tracking)
            ours = run.record.get("study") == study.id and run.facts["identity"] == identity
            if ours and run.record["settings"]["role"] in (config.role, "trial"):
                return run
    return None


DESIGN = ("design", "equal", "lengths", "looks")
"""The tags of a study's design, each also as it was planned before the first trial."""

UNDESCRIBED = "undescribed"
"""A file in a study's folder: it ended while the store did not answer, and its run has no description yet."""

CELL_LENGTH = 8
"""Characters of a cell's identity that tell it from the others of a study."""


def planned_trials(store: TrackingStore, study_id: str) -> list[RunInfo]:
    """The trials of a study, newest first; not those of cells that its plan no longer has."""
    parent = next(iter(store.search(study=study_id, role="study", limit=1)), None)
    cells = set(parent.tags.get("cells", "").split()) if parent else set()
    trials = store.search(study=study_id, role="trial")
    return [each for each in trials if not cells or each.tags.get("cell", "")[:CELL_LENGTH] in {*cells, ""}]


def whole_runs(store: TrackingStore, trials: Sequence[RunInfo], into: Path | None = None) -> list[Run]:
    """The whole runs among these finished trials, newest first, one for each identity, in the order they were started.

    into: a folder for what can only be had from MLflow's artifacts; without one, folders alone count.

    Raises: DamagedError if the folder of one is damaged, and MLflow's artifacts have no other copy.
    """
    records: dict[str, list[RunInfo]] = {}
    for found in reversed([each for each in trials if each.status == "FINISHED"]):
        records.setdefault(found.tags["identity"], []).insert(0, found)  # the newest first
    runs = []
    for same in records.values():
        damaged: list[DamagedError] = []
        kept = (run for found in same if (run := whole(found, store, damaged)))
        fetched = (run for found in same if into and (run := fetch(found, store, into)))
        if run := next(kept, None) or next(fetched, None):
            runs.append(run)
        elif damaged and into:
            raise damaged[0]
    return runs


def whole(found: RunInfo, store: TrackingStore, damaged: list[DamagedError] | None = None) -> Run | None:
    """The run in the folder that this record names, if it is that one and whole.

    damaged: gets what is said of one that is damaged.
    """
    for place in places(found.tags):
        try:
            run = load_run(place, store.settings)
            if run.facts["identity"] == found.tags["identity"]:
                return run
        except DamagedError as error:
            if damaged is not None:
                damaged.append(error)
        except UserError:  # none, or half of one
            continue
    return None


def fetch(found: RunInfo, store: TrackingStore, into: Path) -> Run | None:
    """The run, with what was measured of it, from its record's artifacts; None if they are gone."""
    try:
        (into / found.id).mkdir()
        run = load_run(store.download(found.id, "run", into / found.id), store.settings)
    except UserError:
        return None
    with suppress(UserError):  # not evaluated yet
        store.download(found.id, "evaluation", run.folder)
    return run


def estimated_seconds(store: TrackingStore, config: RunConfig, jobs: int) -> float | None:
    """About how long a run of this network on this data takes with ``jobs`` at once.

    From the last ones like it that were recorded; without any, from a few steps taken now.
    """
    like = {"params.data": config.data.name, "params.model": config.model.name}
    like |= {f"params.{key}": str(getattr(config, key)) for key in LIKE}
    past = [
        run.metrics["cost/seconds"]
        for run in store.search(limit=20, role="trial", status="FINISHED", jobs=str(jobs), **like)
        if "cost/seconds" in run.metrics
    ]
    if past:
        return float(statistics.median(past))
    try:
        return _try_out(config, jobs)
    except Exception:  # a guess is not worth a study: the jobs will say what is wrong
        return None


def _try_out(config: RunConfig, jobs: int) -> float:
    """Seconds of one run, from a few training steps without any mitigation."""
    import numpy as np
    import torch

    from overcast.core.devices import resolve_devices
    from overcast.core.seeding import stratified_sample
    from overcast.prediction.build import build
    from overcast.prediction.preprocessor import build_preprocessor
    from overcast.prediction.trained_network import open_config_pack
    from overcast.training.feature_cache import learns_from_features

    devices = resolve_devices(config.trainer, jobs)
    if devices.gpus:
        raise LookupError("what a GPU takes cannot be tried out here: they are for the runs")
    pack = open_config_pack(config)
    torch.set_num_threads(devices.threads)
    net, _ = build(replace(config, mitigation=()), pack.spec)
    every = np.arange(len(pack.labels))
    rows = stratified_sample(every, pack.labels, config.batch_size, config.seed, "trial steps")
    x, length = (torch.from_numpy(array) for array in pack.gather(rows))
    inputs = build_preprocessor(pack.spec, net.input_stats, config.shuffle_pixels).fit(pack, rows)
    target = torch.from_numpy(pack.labels[rows])
    took = []
    for _ in range(6):
        began = time.perf_counter()
        loss = net.loss(net(inputs(x, length), length), target).mean()
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        took.append(time.perf_counter() - began)
    # what has nothing to learn sees all once
    passes = 1 if learns_from_features(pack, net) else config.epochs * config.train_fraction * 0.8
    steps = passes * len(pack.labels) / len(rows)
    return float(min(took) * steps * 1.2)  # measuring train and validation after each epoch costs about a fifth more
