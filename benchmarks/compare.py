"""What `compare` costs where a study is large: its trials are written, not trained.

    python benchmarks/compare.py                 1,000 trials: CPU seconds of the command, and the size of its page
    python benchmarks/compare.py trials=540

Eighteen cells of the shipped study are trained once, on few synthetic skies; all other trials are copies of these with
another fold and seed, and figures that vary, in folders and in MLflow. The second of two comparisons counts: the first
one warms the disk.
"""

from __future__ import annotations

import json
import re
import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from _timing import config, cpu_seconds, script
from overcast.config.script import plain_script
from overcast.tracking.run import Epoch, MlflowRun
from overcast.tracking.run_folder import Run
from overcast.tracking.store import RunInfo, TrackingStore, open_store

FOLDS = 10
SPREAD = 0.02
"""Standard deviation of what is added to each figure of a copy."""


@dataclass
class Arguments:
    """trials: how many the study has, about."""

    trials: str = "1000"


def train_once(folder: Path) -> TrackingStore:
    """The shipped study on one fold; where it is recorded."""
    words = ["+study=mitigations", "data=skies", "data.n_samples=200", "data.size=32", "prepare=true", "study.folds=1"]
    script(folder, "train", *words)
    store = open_store(config(folder, "data=skies").tracking)
    assert store
    return store


def copy_trial(folder: Path, store: TrackingStore, trial: RunInfo, number: int) -> None:
    """Another repeat of a trial, of fold ``number % FOLDS``, in a folder and in the store."""
    source = Run(folder / trial.tags["folder"])
    target = Run(source.folder.with_name(f"{source.folder.name}-{number}"))
    shutil.copytree(source.folder, target.folder)
    text = re.sub(r"(?m)^(  fold|seed): 0$", "", (source.folder / "config.yaml").read_text())
    fold = number % FOLDS
    text = text.replace("split:\n", f"split:\n  fold: {fold}\n") + f"seed: {number}\n"
    (target.folder / "config.yaml").write_text(text)
    identity = f"{source.facts['identity']}-{number}"
    facts = source.facts | {"identity": identity, "name": re.sub("seed 0", f"seed {number}", source.facts["name"])}
    (target.folder / "run.json").write_text(json.dumps(facts))
    metrics = _varied(source.metrics, np.random.default_rng(zlib.crc32(identity.encode())))
    (target.folder / "evaluation" / "metrics.json").write_text(json.dumps(metrics))
    record = store.create(facts["name"], _tags(trial, folder, target, identity))
    record.params({**trial.params, "fold": fold, "seed": number})
    history = source.history
    names = [name for name in history if name != "epoch"]
    record.epochs(
        [Epoch(int(e), {n: float(history[n][i]) for n in names}, 0.0) for i, e in enumerate(history["epoch"])]
    )
    record.metrics({name: value for name, value in trial.metrics.items() if name not in names})
    target.write_record(id=record.id)
    record.end("FINISHED")


def _tags(trial: RunInfo, folder: Path, target: Run, identity: str) -> dict[str, str]:
    own = {name: value for name, value in trial.tags.items() if not name.startswith("mlflow.")}
    parent = {"mlflow.parentRunId": trial.tags["mlflow.parentRunId"]}
    return own | parent | {"folder": target.folder.relative_to(folder).as_posix(), "identity": identity}


def _varied(figures: Any, generator: np.random.Generator) -> Any:
    if isinstance(figures, dict):
        return {name: _varied(value, generator) for name, value in figures.items()}
    return float(np.clip(figures + generator.normal(0, SPREAD), -1, 1)) if isinstance(figures, float) else figures


@plain_script
def main(arguments: Arguments) -> None:
    from tqdm import tqdm

    with TemporaryDirectory(prefix="overcast-") as place:
        folder = Path(place)
        store = train_once(folder)
        trials = store.search(role="trial")
        repeats = round(int(arguments.trials) / len(trials))
        for number in tqdm(range(1, repeats), desc="writing", unit="repeat"):
            for trial in trials:
                copy_trial(folder, store, trial, number)
        (parent,) = store.search(role="study")
        MlflowRun(store.client, parent.id).tags({"runs": str(repeats * len(trials))})
        script(folder, "compare")
        seconds = cpu_seconds(lambda: script(folder, "compare"))
        (page,) = folder.glob("reports/*/report.html")
        print(f"{repeats * len(trials)} trials: {seconds:.1f} s of CPU, a page of {page.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
