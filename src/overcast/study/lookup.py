"""Find studies, the runs in them, and what earlier runs tell about the time to come."""

from __future__ import annotations

import statistics
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from overcast.config import name_of
from overcast.errors import UserError
from overcast.runs import Run, identity, load
from overcast.study import Study
from overcast.study.progress import LIKE
from overcast.tracking import Found, Store, places


def finished(store: Store | None, study: Study, config: dict[str, Any], fingerprint: str) -> Run | None:
    """The run of this study that already is what ``config`` asks for, or None."""
    if store is None:
        return None
    asked = {"study": study.id, "role": config["role"], "identity": identity(config, fingerprint)}
    for found in store.search("FINISHED", **asked):
        if run := whole(found, store):
            return run  # where its folder was removed: train it again
    return None


def children(store: Store, study_id: str, into: Path | None = None) -> list[Run]:
    """The whole runs of a study, one for each identity, in the order they were started.

    into: a folder for what can only be had from MLflow's artifacts; without one, folders alone count.
    """
    records: dict[str, list[Found]] = {}
    for found in reversed(store.search(study=study_id, role="trial", status="FINISHED")):
        records.setdefault(found.tags["identity"], []).insert(0, found)  # the newest first
    runs = []
    for same in records.values():
        kept = (run for found in same if (run := whole(found, store)))
        fetched = (run for found in same if into and (run := fetch(found, store, into)))
        if run := next(kept, None) or next(fetched, None):
            runs.append(run)
    return runs


def whole(found: Found, store: Store) -> Run | None:
    """The run in the folder that this record names, if it is that one and whole."""
    for place in places(found.tags):
        with suppress(UserError):
            if load(place).facts["identity"] == found.tags["identity"]:
                return Run(place, store.settings)
    return None


def fetch(found: Found, store: Store, into: Path) -> Run | None:
    """The run, with what was measured of it, from its record's artifacts; None if they are gone."""
    try:
        (into / found.id).mkdir()
        run = Run(load(store.download(found.id, "run", into / found.id)).folder, store.settings)
    except UserError:
        return None
    with suppress(UserError):  # not evaluated yet
        store.download(found.id, "evaluation", run.folder)
    return run


def seconds_of(store: Store, config: dict[str, Any], jobs: int) -> float | None:
    """About how long a run of this network on this data takes with ``jobs`` at once.

    From the last ones like it that were recorded; without any, from a few steps taken now.
    """
    like = {"params.data": name_of(config["data"]), "params.model": name_of(config["model"])}
    like |= {f"params.{key}": str(config[key]) for key in LIKE}
    past = [run.metrics["cost/seconds"] for run in store.search(limit=20, role="trial", status="FINISHED", **like)
            if "cost/seconds" in run.metrics and run.tags.get("jobs") == str(jobs)]  # fmt: skip
    if past:
        return float(statistics.median(past))
    try:
        return _try_out(config, jobs)
    except Exception:  # a guess is not worth a study: the jobs will say what is wrong
        return None


def _try_out(config: dict[str, Any], jobs: int) -> float:
    """Seconds of one run, from a few training steps without any mitigation."""
    import numpy as np
    import torch

    from overcast.devices import choose
    from overcast.fit import build, pack_of
    from overcast.inputs import input_layer
    from overcast.seeding import stratified_sample

    pack = pack_of(config)
    torch.set_num_threads(choose(config["trainer"], jobs).threads)
    net, _ = build(config | {"mitigation": {}}, pack.spec)
    every = np.arange(len(pack.labels))
    rows = stratified_sample(every, pack.labels, config["batch_size"], config["seed"], "trial steps")
    x, length = (torch.from_numpy(array) for array in pack.gather(rows))
    inputs = input_layer(pack.spec, net.pixels, config["shuffle"]).learn(pack, rows)
    target = torch.from_numpy(pack.labels[rows])
    took = []
    for _ in range(6):
        began = time.perf_counter()
        loss = net.loss(net(inputs(x, length), length), target).mean()
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        took.append(time.perf_counter() - began)
    passes = config["epochs"] * config["share"] * 0.8 if net.halves() is None else 1  # a frozen one sees all once
    steps = passes * len(pack.labels) / len(rows)
    return float(min(took) * steps * 1.2)  # measuring train and validation after each epoch costs about a fifth more
