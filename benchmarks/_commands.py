"""What a command costs beside the imports that it cannot do without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from _timing import in_turns, run, script
from overcast.core.paths import HOME, ROOT


def bare_imports(folder: Path, *packages: str) -> None:
    """A Python that imports these and ends."""
    run([sys.executable, "-c", f"import {', '.join(packages)}"], folder)


TRAINING = ("hydra", "torch", "pytorch_lightning", "torchmetrics", "mlflow", "torch._dynamo")
"""What a training needs: any optimiser's first step imports the last one."""


def debug_train(folder: Path, rounds: int) -> list[float]:
    """`train` with debug=true over the imports that it cannot do without."""
    script(folder, "train", "data=digits", "prepare=true", "debug=true")
    ours = lambda: script(folder, "train", "data=digits", "debug=true")  # noqa: E731
    return in_turns(ours, lambda: bare_imports(folder, *TRAINING), rounds)


def evaluate(folder: Path, rounds: int) -> list[float]:
    """`evaluate` of a run that was evaluated before, over the same imports."""
    script(folder, "train", "data=digits", "prepare=true", "debug=true")
    ours = lambda: script(folder, "evaluate", "run=latest")  # noqa: E731
    return in_turns(ours, lambda: bare_imports(folder, *TRAINING), rounds)


def predict(folder: Path, rounds: int) -> list[float]:
    """`predict` of 20 pictures, over the same imports."""
    script(folder, "train", "data=skies", "data.n_samples=100", "prepare=true", "debug=true", "model=ann")
    pictures, of_one_class = f"files={folder / 'data/skies/raw/cloudy'}", 20
    assert len(list((folder / "data/skies/raw/cloudy").iterdir())) == of_one_class
    ours = lambda: script(folder, "predict", "run=latest", pictures, f"out={folder / 'out.csv'}")  # noqa: E731
    return in_turns(ours, lambda: bare_imports(folder, *TRAINING), rounds)


def no_op_repro(folder: Path, rounds: int) -> list[float]:
    """`dvc repro` with nothing to do in a clone of the project, over `dvc status` in an empty repository."""
    empty, clone = folder / "empty", folder / "clone"
    run(["git", "clone", "--quiet", str(ROOT), str(clone)], folder)
    run(["git", "init", "--quiet", str(empty)], folder)
    run([sys.executable, "-m", "dvc", "init", "--quiet"], empty)
    repro = lambda: run([sys.executable, "-m", "dvc", "repro"], clone)  # noqa: E731
    return in_turns(repro, lambda: run([sys.executable, "-m", "dvc", "status"], empty), rounds)


def side_by_side(folder: Path, rounds: int) -> list[float]:
    """Seconds of the clock of two trainings at once with two threads each, over those of one after the other."""
    script(folder, "train", "data=digits", "prepare=true", "debug=true")
    code = (
        "from overcast import train\n"
        "run = train('data=digits', 'model=ann', 'mitigation=none', 'trainer.threads=2', 'tracking=off')\n"
        "print(run.facts['seconds'])"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"} | {HOME: str(folder)}

    def seconds(at_once: int) -> float:
        command = [sys.executable, "-c", code]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        trainings = [subprocess.Popen(command, env=environment, text=True, **pipes) for _ in range(at_once)]
        return max(float(training.communicate()[0].split()[-1]) for training in trainings)

    return [seconds(2) / (seconds(1) + seconds(1)) for _ in range(rounds)]
