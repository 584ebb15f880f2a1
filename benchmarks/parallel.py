"""How near a study of quick runs comes to what its pure training time over the cores would allow.

    python benchmarks/parallel.py                   40 runs of about 2 s, in a temporary folder; minutes on two cores
    python benchmarks/parallel.py jobs=6 epochs=2

Expected: 90 % or more once the workers are up. Start-up (Python, Hydra, the plan and a new tracking database, and at
the same time the imports of the process that workers are forked from) is the same for 4 runs and 400, so it is
reported apart: from the command to the first run.
The time of a run is taken inside it, at work beside the others, with one thread a run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from overcast.config.script import plain_script
from overcast.core.cores import cores
from overcast.core.errors import UserError
from overcast.core.paths import HOME, ROOT
from overcast.tracking.finished_run import load_run

DATA = ["data=skies", "data.n_samples=400", "data.size=32"]
AIM = 0.9


@dataclass
class Arguments:
    """jobs: how many runs. epochs: of each. model: the network. workers: at once, the cores there are without it."""

    jobs: str = "40"
    epochs: str = "20"
    model: str = "cnn"
    workers: str = ""


def run(script: str, *words: str, folder: Path) -> None:
    """One script, quiet unless it fails."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW")} | {HOME: str(folder)}
    line = [sys.executable, str(ROOT / "pipelines" / f"{script}.py"), *words]
    done = subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"{script} failed:\n{done.stderr}")


@plain_script
def main(arguments: Arguments) -> None:
    workers = int(arguments.workers or cores())
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for stage in ("download", "pack", "split"):
            run(stage, *DATA, folder=folder)
        began = time.time()
        grid = [f"model={arguments.model}", f"seed=range({arguments.jobs})", f"epochs={arguments.epochs}"]
        bare = ["mitigation=none", "trainer=cpu", "trainer.threads=1", f"hydra.launcher.n_jobs={workers}"]
        run("train", "-m", *DATA, *grid, *bare, folder=folder)
        ended = time.time()
        run_files = list(folder.glob("runs/*/run.json"))
        train_seconds = [load_run(path.parent).facts["seconds"] for path in run_files]
        # a run's folder is made just before it trains
        first = min(path.parent.joinpath("config.yaml").stat().st_mtime for path in run_files) - began
        tail = ended - max(path.stat().st_mtime for path in run_files)
    wall, ideal = ended - began, sum(train_seconds) / workers
    at_work = wall - first - tail
    print(f"{len(train_seconds)} runs of {fmean(train_seconds):.2f} s (pure training), {workers} at once")
    print(f"ideal      {ideal:7.1f} s   pure training over {workers} cores")
    print(f"at work    {at_work:7.1f} s   {ideal / at_work:6.1%} of ideal speed (aim: {AIM:.0%})")
    print(f"start-up   {first:7.1f} s   from the command to the first run")
    print(f"end        {tail:7.1f} s   from the last run's end to the command's")
    print(f"in all     {wall:7.1f} s   {ideal / wall:6.1%} of ideal speed with start-up and end")


if __name__ == "__main__":
    main()
