"""How two things are measured in turns, in a folder of their own."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from overcast.core.errors import UserError
from overcast.core.paths import HOME, ROOT

Work = Callable[[], object]

ALIKE = ("trainer=cpu", "trainer.threads=1", "trainer.precision=32-true")
"""How runs are trained: as the bare loops are, on any machine."""


def cpu_seconds(work: Work) -> float:
    """CPU time that this takes, here and in child processes that have ended."""

    def used() -> float:
        usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(usage.ru_utime + usage.ru_stime for usage in usages)

    began = used()
    work()
    return used() - began


def in_turns(ours: Work, bare: Work, rounds: int) -> list[float]:
    """Ours over bare, of each round; the first of both only warms up."""
    for work in (ours, bare):
        work()
    return [cpu_seconds(ours) / cpu_seconds(bare) for _ in range(rounds)]


def script(folder: Path, name: str, *words: str) -> None:
    """One of the pipeline's scripts, quiet unless it fails."""
    run([sys.executable, str(ROOT / "pipelines" / f"{name}.py"), *words], folder)


def run(command: list[str], folder: Path) -> None:
    """Raises: UserError with what it said if it fails."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW")} | {HOME: str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"{' '.join(command)} failed:\n{done.stderr}")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def config(folder: Path, *overrides: str) -> Any:
    from overcast.config.compose import compose_config

    places = [f"data_dir={folder / 'data'}", f"runs_dir={folder / 'runs'}"]
    tracking = [f"tracking.uri=sqlite:///{folder}/mlflow.db", f"tracking.artifacts={folder}/mlartifacts"]
    return compose_config(*ALIKE, "prepare=true", *places, *tracking, *overrides)
