"""A study of many quick trials on a Ray cluster of two local nodes, one core each: share of the ideal time, none lost.

    python benchmarks/ray_trials.py               1,000 trials: a quarter of an hour on two idle cores
    python benchmarks/ray_trials.py trials=100

The ideal time is what the same runs take one after the other in one process that has imported everything, over the two
cores. All are recorded in MLflow's SQLite file.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from _timing import config, quiet, script
from overcast.config.script import plain_script
from overcast.tracking.store import open_store
from overcast.training.train import train

NODES, ALONE = 2, 20
DIGITS = ("data=digits", "model=ann", "mitigation=none", "epochs=5", "trainer=cpu", "trainer.precision=32-true")


@dataclass
class Arguments:
    """trials: of the study."""

    trials: str = "1000"


def seconds_alone(folder: Path) -> float:
    """Of one run, recorded, in a process that has trained before."""
    words = (*DIGITS, "trainer.threads=1")
    with quiet():
        train(config(folder, *words, f"seed={10**6 - 1}"))
        began = time.perf_counter()
        for seed in range(ALONE):
            train(config(folder, *words, f"seed={10**6 + seed}"))
    return (time.perf_counter() - began) / ALONE


def start_nodes(folder: Path) -> None:
    """Two nodes, which the variables of this process name from then on."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_ADDRESS": address}
    start = [str(Path(sys.executable).with_name("ray")), "start", "--num-cpus=1", "--disable-usage-stats"]
    head = ["--head", f"--port={address.rpartition(':')[2]}", "--include-dashboard=false"]
    for words in (head, [f"--address={address}"]):
        subprocess.run([*start, *words], cwd=folder, check=True, capture_output=True)


@plain_script
def main(arguments: Arguments) -> None:
    trials = int(arguments.trials)
    with tempfile.TemporaryDirectory(prefix="overcast-") as place:
        folder = Path(place)
        script(folder, "train", "data=digits", "prepare=true", "debug=true", "tracking=off")
        alone = seconds_alone(folder)
        start_nodes(folder)
        try:
            began = time.perf_counter()
            script(folder, "train", "-m", *DIGITS, f"seed=range({trials})", "hydra/launcher=ray", "study.name=quick")
            seconds = time.perf_counter() - began
        finally:
            subprocess.run([str(Path(sys.executable).with_name("ray")), "stop", "--force"], capture_output=True)
        store = open_store(config(folder, *DIGITS).tracking)
        assert store
        (study,) = store.search(role="study")
        states = Counter(run.status for run in store.search(role="trial", study=study.tags["study"]))
    ideal = alone * trials / NODES
    print(f"{trials:,} trials in {seconds:.0f} s; one alone takes {alone:.2f} s, so ideal are {ideal:.0f} s")
    print(f"share of the ideal: {ideal / seconds:.2f}; recorded: {dict(states)}")


if __name__ == "__main__":
    main()
