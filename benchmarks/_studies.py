"""A study of many small runs beside the bare loops of its runs."""

from __future__ import annotations

import ctypes
import itertools
import os
import sys
from pathlib import Path

from _timing import ALIKE, config, in_turns, run, script

RUNS, EPOCHS = 20, 20
DIGITS = ("data=digits", "model=ann", "mitigation=none", f"epochs={EPOCHS}")

PR_SET_CHILD_SUBREAPER = 36


def digits_study(folder: Path, rounds: int) -> list[float]:
    """A study of small runs, over one Python that trains each of them in bare Lightning: both with their imports."""
    script(folder, "train", "data=digits", "prepare=true", "debug=true")
    numbers = itertools.count()

    def ours() -> None:
        words = [*ALIKE, f"seed=range({RUNS})", f"study.name=round{next(numbers)}"]
        script(folder, "train", "-m", *DIGITS, *words)
        wait_for_orphans()

    path = str(Path(__file__).parent)
    code = f"import sys; sys.path.insert(0, {path!r}); from _studies import bare_runs; bare_runs({str(folder)!r})"
    adopt_orphans()
    return in_turns(ours, lambda: run([sys.executable, "-c", code], folder), rounds)


def bare_runs(folder: str) -> None:
    """The study's runs, one after the other, in bare Lightning."""
    import torch

    from _training import bare_lightning

    torch.set_num_threads(1)
    for seed in range(RUNS):
        bare_lightning(Path(folder), config(Path(folder), *DIGITS, f"seed={seed}"))


def adopt_orphans() -> None:
    """Count the workers' time too: what forks them outlives the study by a moment, and nobody else waits for it."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def wait_for_orphans() -> None:
    """Until all children have ended."""
    try:
        while True:
            os.wait()
    except ChildProcessError:
        return
