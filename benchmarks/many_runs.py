"""What a study of many runs costs to begin, to go on with and to compare: its trials are written, not trained.

    python benchmarks/many_runs.py                 1,000 trials: seconds and CPU seconds of each command
    python benchmarks/many_runs.py trials=10000    an hour on two cores, half of it writing; 12 GB of disk

Eighteen cells of the shipped study are trained once, on few synthetic skies; all other trials are copies of these with
another fold and seed, and figures that vary, in folders and in MLflow. keep=FOLDER leaves all that there, and goes on
from what is there already, such as for a look at MLflow's UI.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from _timing import config, cpu_seconds, script
from overcast.config.script import plain_script
from overcast.core.devices import Devices
from overcast.study.layout import fold_repeats
from overcast.tracking.checksums import write_evaluation_hashes
from overcast.tracking.identity import identity
from overcast.tracking.run import Epoch, MlflowRun
from overcast.tracking.run_folder import WEIGHTS, Run
from overcast.tracking.store import RunInfo, TrackingStore, open_store

CELLS, FOLDS = 18, 10
SPREAD = 0.02
"""Standard deviation of what is added to each figure of a copy."""

STUDY = ("+study=mitigations", "data=skies", "data.n_samples=200", "data.size=32", "prepare=true")
RUN = ("data=skies", "data.n_samples=200", "data.size=32", "debug=true")


@dataclass
class Arguments:
    """trials: how many the study has, about. keep: a folder to leave it in."""

    trials: str = "1000"
    keep: str = ""


def train_once(folder: Path) -> TrackingStore:
    """The shipped study on one fold; where it is recorded."""
    script(folder, "train", *STUDY, "study.folds=1")
    store = open_store(config(folder, "data=skies").tracking)
    assert store
    return store


def copy_trial(folder: Path, store: TrackingStore, trial: RunInfo, fold: int, seed: int) -> None:
    """Another repeat of a trial, in a folder and in the store, as if it had been trained by the study."""
    source = Run(folder / trial.tags["folder"])
    target = Run(source.folder.with_name(f"{source.folder.name}-{fold}-{seed}"))
    shutil.copytree(source.folder, target.folder, ignore=shutil.ignore_patterns(WEIGHTS, "run.json"))
    os.link(source.path(WEIGHTS), target.path(WEIGHTS))
    of = replace(source.config, seed=seed, split=replace(source.config.split, fold=fold))
    facts = {**source.facts, "name": source.facts["name"].replace("seed 0", f"seed {seed}")}
    devices = Devices("cpu", facts["processes"], facts["precision"], 1)
    assert identity(source.config, facts["fingerprint"], devices) == facts["identity"]
    facts["identity"] = identity(of, facts["fingerprint"], devices)
    metrics = _varied(source.metrics, np.random.default_rng(zlib.crc32(facts["identity"].encode())))
    (target.folder / "evaluation" / "metrics.json").write_text(json.dumps(metrics))
    write_evaluation_hashes(target.folder / "evaluation", facts["weights"])
    own = {name: value for name, value in trial.tags.items() if not name.startswith("mlflow.")}
    own |= {"folder": target.folder.relative_to(folder).as_posix(), "identity": facts["identity"]}
    record = store.create(facts["name"], {**own, "mlflow.parentRunId": trial.tags["mlflow.parentRunId"]})
    record.params({**trial.params, "fold": fold, "seed": seed})
    history = source.history
    names = [name for name in history if name != "epoch"]
    record.epochs(
        [Epoch(int(e), {n: float(history[n][i]) for n in names}, 0.0) for i, e in enumerate(history["epoch"])]
    )
    record.metrics({name: value for name, value in trial.metrics.items() if name not in names})
    target.write_config(of)
    target.write_facts({**facts, "id": record.id})
    record.end("FINISHED")


def _varied(figures: Any, generator: np.random.Generator) -> Any:
    if isinstance(figures, dict):
        return {name: _varied(value, generator) for name, value in figures.items()}
    return float(np.clip(figures + generator.normal(0, SPREAD), -1, 1)) if isinstance(figures, float) else figures


def write_trials(folder: Path, store: TrackingStore, seeds: int) -> int:
    """The trials of a study with so many seeds in each fold, those that there are not yet; how many it has then."""
    from tqdm import tqdm

    (parent,) = store.search(role="study")
    trials = store.search(role="trial", study=parent.tags["study"])
    first = [trial for trial in trials if (trial.params["fold"], trial.params["seed"]) == ("0", "0")]
    there = {(trial.params["fold"], trial.params["seed"]) for trial in trials}
    for repeat in tqdm(fold_repeats(range(FOLDS), seeds), desc="writing", unit="repeat"):
        fold, seed = (word.partition("=")[2] for word in repeat.split())
        for trial in first if (fold, seed) not in there else ():
            copy_trial(folder, store, trial, int(fold), int(seed))
    many = len(first) * FOLDS * seeds
    MlflowRun(store.client, parent.id).tags({"runs": str(many)})
    return many


def tell(name: str, work: Callable[[], object]) -> None:
    """Print a row of the table: seconds of the clock and of CPU."""
    began = time.perf_counter()
    used = cpu_seconds(work)
    print(f"| {name} | {time.perf_counter() - began:.1f} | {used:.1f} |", flush=True)


@plain_script
def main(arguments: Arguments) -> None:
    with TemporaryDirectory(prefix="overcast-") as place:
        folder = Path(arguments.keep or place).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        store = train_once(folder)
        print("| command | seconds | of CPU |\n|---|---|---|")
        tell("one run, with a fold's trials recorded", lambda: script(folder, "train", *RUN))
        seeds = max(1, round(int(arguments.trials) / CELLS / FOLDS))
        many = write_trials(folder, store, seeds)
        tell(f"one run, with {many:,} trials recorded", lambda: script(folder, "train", *RUN))
        again = ("train", *STUDY, f"study.folds={FOLDS}", f"study.seeds={seeds}")
        tell("the study's command again, nothing left to train", lambda: script(folder, *again))
        tell("compare", lambda: script(folder, "compare"))
        (page,) = folder.glob("reports/*/report.html")
        print(f"\nthe page of the comparison: {page.stat().st_size / 1e6:.2f} MB")
        print(f"mlflow.db: {(folder / 'mlflow.db').stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
