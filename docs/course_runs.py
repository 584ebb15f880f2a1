"""Measure what the course shows, and write docs/tables: make docs-runs, or make docs-runs TABLES="depth memory"

Each table is a study of the project's own scripts, made from nothing in a folder of its own, and holds its command, the
commit, the machine, the seconds that it took and what it found, in both languages. Less than an hour on two cores.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from course_tables import write_table
from overcast.claims import table as trial_table
from overcast.claims.vanishing_gradient import gradients
from overcast.comparison.measured_study import measure_study
from overcast.comparison.study_record import recorded_study
from overcast.core.paths import ROOT, project_home
from overcast.tracking.run_folder import Run

OWN_HOME = ROOT / "build" / "docs-runs"
STRENGTH = {"dropout": "p", "weight_decay": "strength", "label_smoothing": "epsilon", "noise": "strength"}
"""The number of each mitigation that `+study=strengths` changes."""
Name = Callable[[pd.Series], str]
"""What a trial's bar, or the group of its bar, is called."""


def main(names: Sequence[str]) -> None:
    if project_home() != OWN_HOME:
        raise SystemExit("It deletes what OVERCAST_HOME has: start it as make docs-runs, which names a folder")
    if unknown := set(names) - set(TABLES):
        raise SystemExit(f"There is no table {', '.join(sorted(unknown))}, only {', '.join(TABLES)}")
    if len(names) != 1:  # a process each: MLflow keeps an open database, which the next table's runs are not in
        for name in names or TABLES:
            subprocess.run([sys.executable, __file__, name], check=True)
        return
    (name,) = names
    words, rows = TABLES[name]
    print(f"{name}: python pipelines/train.py {' '.join(words)}", flush=True)
    about = run(words)
    write_table(name, {"about": about, **rows()})


def run(words: Sequence[str]) -> dict[str, Any]:
    """Run one study from nothing, and tell how. Raises: SystemExit if it fails."""
    shutil.rmtree(OWN_HOME, ignore_errors=True)
    OWN_HOME.mkdir(parents=True)
    started = time.monotonic()
    command = ["pipelines/train.py", *words]
    if code := subprocess.run([sys.executable, *command], cwd=ROOT, stdout=subprocess.DEVNULL).returncode:
        raise SystemExit(f"python {' '.join(command)} ended with {code}")
    return {
        "command": " ".join(["python", *command]),
        "commit": subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True).strip(),
        "machine": machine(),
        "seconds": time.monotonic() - started,
        "output": {language: findings(language) for language in ("en", "ko")},
    }


def machine() -> str:
    """The processor and how many of its cores there are."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf8").splitlines() if info.exists() else []
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())
    return f"{os.cpu_count()} cores, {model or platform.machine()}"


def findings(language: str) -> str:
    """What the study that ran last found, as it is printed: the first lines of its comparison."""
    command = [sys.executable, "pipelines/compare.py", f"language={language}"]
    done = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True)
    return done.stdout.partition("\n\n")[0]


def trials(study: str) -> pd.DataFrame:
    """A row a trial of this study: its options, its run, and its figures of the test part."""
    record = recorded_study(study, (), OWN_HOME)[1]
    return trial_table(measure_study(record).runs)


def interval(values: Sequence[float], least: float = 0.0) -> dict[str, float]:
    """The mean of repeats and its 95 % interval (Student's t), within what a share can be: ``least`` to 1."""
    x = np.asarray(values, float)
    half = stats.t.ppf(0.975, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))
    return {"mean": x.mean(), "low": max(x.mean() - half, least), "high": min(x.mean() + half, 1.0)}


def bars(study: str, name: Name, group: Name = lambda row: "") -> dict[str, Any]:
    """Of each cell: accuracy on the train and the test part with its interval, and each repeat's."""
    rows = trials(study)
    rows["name"], rows["group"] = rows.apply(name, axis=1), rows.apply(group, axis=1)
    cells = rows.sort_values("name", key=_in_order, kind="stable").groupby(["group", "name"], sort=False)
    return {
        "rows": [
            {
                "group": key[0],
                "name": key[1],
                "test": interval(cell["accuracy"]),
                "train": interval(cell["train_accuracy"]),
                "repeats": sorted(cell["accuracy"].tolist()),
                "parameters": int(cell["parameters"].iloc[0]),
            }
            for key, cell in cells
        ]
    }


def _in_order(names: pd.Series) -> pd.Series:
    """Numbers by size, other names by their letters."""
    numbers = pd.to_numeric(names, errors="coerce")
    return names if numbers.isna().any() else numbers


def curves(runs: Sequence[Run]) -> dict[str, Any]:
    """Accuracy by epoch of every repeat, on the train and the validation part."""
    histories = [pd.read_csv(run.folder / "history.csv") for run in runs]
    return {
        "epochs": histories[0]["epoch"].tolist(),
        "train": [history["train/accuracy"].tolist() for history in histories],
        "validation": [history["validation/accuracy"].tolist() for history in histories],
    }


def depth() -> dict[str, Any]:
    """Of each depth, activation and norm: gradients by layer before training, learning curves, and accuracy."""
    rows = trials("vanishing_gradient")
    rows["depth"] = rows["model.hidden"].map(len)
    found = []
    for (layers, activation, norm), cell in rows.groupby(["depth", "model.activation", "mitigation"]):
        sizes = np.mean([gradients(run) for run in cell["run"]], axis=0)
        one = {"depth": int(layers), "activation": activation, "norm": norm, "gradients": sizes.tolist()}
        found.append(one | curves(cell["run"]) | {"accuracy": interval(cell["accuracy"])})
    return {"runs": found}


def strength() -> dict[str, Any]:
    """Of each mitigation and strength: learning curves, accuracy of the test part, and the gap."""
    rows = trials("strengths")
    control = _strength_cell(rows[rows["mitigation"] == "none"], 0.0)
    found = []
    for name, option in STRENGTH.items():
        column = f"mitigation.{name}.{option}"
        cells = rows[rows["mitigation"] == name].groupby(column)
        found.append(
            {
                "name": name,
                "option": column,
                "control": control,
                "curves": [_strength_cell(cell, float(value)) for value, cell in cells],
            }
        )
    return {"mitigations": found}


def _strength_cell(cell: pd.DataFrame, value: float) -> dict[str, Any]:
    gap = cell["train_accuracy"] - cell["accuracy"]
    return {"value": value} | curves(cell["run"]) | {"test": interval(cell["accuracy"]), "gap": interval(gap, -1.0)}


def _model(row: pd.Series) -> str:
    return str(row["model"])


def _hidden(row: pd.Series) -> str:
    return f"{row['model.hidden']:.0f}"


def _network(row: pd.Series) -> str:
    hidden = row.get("model.hidden")
    return f"{row['model']} {hidden:.0f}" if isinstance(hidden, int | float) and hidden == hidden else str(row["model"])


def _kind(row: pd.Series) -> str:
    return f"dnn {'-'.join(map(str, row['model.hidden']))}" if row["model"] == "dnn" else str(row["model"])


def _shuffled(row: pd.Series) -> str:
    return "shuffled" if row["shuffle_pixels"] else "plain"


def _data(row: pd.Series) -> str:
    return str(row["data"])


def _length(row: pd.Series) -> str:
    return f"recall {row['data.length']:.0f}" if row["data"] == "recall" else str(row["data"])


def archive() -> dict[str, Any]:
    """No rows: the study's archive beside the tables, from which its report can be made."""
    command = [sys.executable, "pipelines/export.py", "out=docs/tables/how_sure.zip"]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return {}


TABLES: dict[str, tuple[list[str], Callable[[], dict[str, Any]]]] = {
    "one_unit": (["+study=one_unit"], lambda: bars("one_unit", _network)),
    "hidden_units": (["+study=hidden_units"], lambda: bars("hidden_units", _hidden)),
    "local_minima": (["+study=local_minima"], lambda: bars("local_minima", _hidden)),
    "depth": (["+study=vanishing_gradient"], depth),
    "locality": (["+study=locality"], lambda: bars("locality", _kind, _shuffled)),
    "strength": (["+study=strengths", "prepare=true"], strength),
    "memory": (["+study=memory"], lambda: bars("memory", _model, _length)),
    "how_sure": (["+study=small", "prepare=true", "study.folds=10", "study.seeds=2"], archive),
    "problem": (["+study=problem", "study.folds=3"], lambda: bars("problem", _model, _data)),
}
"""Of each table the words of its study, and what makes its rows of the study's runs."""


if __name__ == "__main__":
    main(sys.argv[1:])
