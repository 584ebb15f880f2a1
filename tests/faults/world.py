"""A folder in which commands are run as a user runs them, and what can be seen of it from outside."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from cases import TARGETS, Target
from overcast.core.atomic import OURS
from overcast.core.paths import HOME, ROOT

MARK = "OVERCAST_FAULTS"
"""In the environment of whatever a world starts, so that what is left of it can be found."""

PATIENCE = 240
"""Seconds after which a command hangs."""

VARIES = ("seconds", "id")
"""Of the figures in a file, what differs between two runs of the same command."""

PROJECT = {"data": "skies", "model": "ann", "mitigation": "none", "epochs": 20, "trainer": "cpu", "lr": 0.01}
"""The params.yaml of a project that `dvc repro` makes in seconds."""


class World:
    """A home, and the commands in it; where it is a ``project``, a copy of the project with all of its files.

    environment: more variables of what is started. modules: folders that its Python looks for modules in.
    """

    def __init__(self, folder: Path, project: bool = False) -> None:
        self.folder, self.project = folder, project
        self.mark = secrets.token_hex(8)
        self.environment: dict[str, str] = {}
        self.modules: list[str] = []

    def start(self, command: str) -> subprocess.Popen[str]:
        """Start a script (or dvc) in a session of its own, as a terminal would: its output goes to one pipe."""
        program, *rest = command.split()
        script = [program] if program == "dvc" else [sys.executable, str(ROOT / "pipelines" / program)]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        known = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "OVERCAST_", "PYTEST_"))}
        known |= {"PATH": path, MARK: self.mark, "DVC_NO_ANALYTICS": "1", "OMP_NUM_THREADS": "1"}
        modules = [str((self.folder if self.project else ROOT) / "src"), *self.modules]
        known |= {"PYTHONPATH": ":".join(modules), "PYTHONUNBUFFERED": "1"}
        known |= {} if self.project else {HOME: str(self.folder)}
        return subprocess.Popen(
            [*script, *rest],
            cwd=self.folder,
            env=known | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=_answer_ctrl_c,
        )

    def run(self, command: str) -> tuple[int, str]:
        """Run it to its end: exit code and output. One that hangs is killed: exit code 124."""
        return self.wait(self.start(command))

    def wait(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        """The exit code and output of what was started."""
        try:
            output, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.end_processes()
            return 124, process.communicate()[0]
        return process.returncode, output

    def processes(self) -> list[int]:
        """What this world has started and still runs."""
        found = []
        for place in Path("/proc").iterdir():
            if not place.name.isdigit():
                continue
            try:
                if f"{MARK}={self.mark}".encode() in (place / "environ").read_bytes().split(b"\0"):
                    found.append(int(place.name))
            except OSError:
                continue
        return sorted(found)

    def is_quiet_within(self, seconds: float) -> bool:
        """Whether no process of it is left after at most so long."""
        end = time.monotonic() + seconds
        while self.processes():
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
        return True

    def end_processes(self) -> None:
        """Kill what is left."""
        for process in self.processes():
            os.kill(process, 9)

    def left_running(self) -> int:
        """The runs of this host that the record says still run."""
        file = self.folder / "mlflow.db"
        if not file.exists():
            return 0
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
            (count,) = database.execute(
                "select count(*) from runs join tags using (run_uuid) "
                "where status = 'RUNNING' and key = 'host' and value = ?",
                [socket.gethostname()],
            ).fetchone()
        return int(count)

    def left_files(self) -> list[str]:
        """What a writer left unfinished."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob(f"*{OURS}*"))

    def size(self) -> int:
        """Bytes of all its files, in whole blocks as a disk counts them."""
        return sum(-(-path.lstat().st_size // 4096) * 4096 + 4096 for path in self.folder.rglob("*"))

    def results(self, target: Target) -> dict[str, str]:
        """What the target's results say, less what varies from run to run: a hash or the figures of each file."""
        found = {}
        for name in target.results:
            place = self.folder / name
            files = sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
            found |= {str(path.relative_to(self.folder)): _content(path) for path in files}
        return found


def _answer_ctrl_c() -> None:
    """What is started in a shell's background ignores Ctrl-C, and so does all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _content(path: Path) -> str:
    if not path.exists():
        return "missing"
    if path.suffix == ".json":
        return json.dumps(_without_what_varies(json.loads(path.read_text(encoding="utf8"))))
    if path.name == "table.csv":
        table = pd.read_csv(path)
        return str(table[[name for name in table if not name.startswith("time")]].to_csv(index=False))
    if path.name == "trials.csv":
        trials = pd.read_csv(path)
        return str(trials[trials["outcome"] != "seconds"].sort_values(list(trials.columns)).to_csv(index=False))
    if path.suffix == ".html":  # its figures bear random names
        return "there"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _without_what_varies(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_what_varies(v) for k, v in sorted(value.items()) if k not in VARIES}
    return [_without_what_varies(item) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Undisturbed:
    """What a target's command leaves where nothing happens to it: its results, how long it took and what it wrote.

    seconds: of the command alone. written: bytes by which the world grew.
    """

    results: dict[str, str]
    seconds: float
    written: int


class Worlds:
    """Makes worlds in which all that a target needs is there, one at a time, from copies of what was made once."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.place = folder, folder / "try"
        self._undisturbed: dict[str, Undisturbed] = {}

    def before(self, name: str) -> World:
        """A fresh world in which the target's command can be run; the one before it is gone."""
        target = TARGETS[name]
        needed = self._after(target.needs) if target.needs else None
        self._clear()
        if target.command.startswith("dvc"):
            return _project(self.place)
        if needed:
            shutil.copytree(needed, self.place, symlinks=True, dirs_exist_ok=True)
        return World(self.place)

    def _clear(self) -> None:
        self.place.mkdir(parents=True, exist_ok=True)
        for path in self.place.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def _after(self, name: str) -> Path:
        """The home that the target's command leaves where nothing happens to it, made once."""
        home = self.folder / f"after {name}"
        if not home.exists():
            world = self.before(name)
            _run_undisturbed(world, TARGETS[name].command)
            shutil.copytree(world.folder, home.with_suffix(".part"), symlinks=True)
            home.with_suffix(".part").rename(home)
        return home

    def undisturbed(self, name: str) -> Undisturbed:
        """What the target's command leaves where nothing happens to it."""
        if name not in self._undisturbed:
            target = TARGETS[name]
            world = self.before(name)
            size, begin = world.size(), time.monotonic()
            _run_undisturbed(world, target.command)
            seconds, written = time.monotonic() - begin, world.size() - size
            for command in target.finish:
                _run_undisturbed(world, command)
            self._undisturbed[name] = Undisturbed(world.results(target), seconds, written)
        return self._undisturbed[name]


def _run_undisturbed(world: World, command: str) -> None:
    code, output = world.run(command)
    if code:
        raise RuntimeError(f"{command} ended with {code} where nothing was done to it:\n{output[-3000:]}")


def _project(place: Path) -> World:
    """A copy of the project of its own, in which DVC has nothing yet and a run takes seconds."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(place)], check=True)
    params = yaml.safe_load((place / "params.yaml").read_text(encoding="utf8"))
    (place / "params.yaml").write_text(yaml.safe_dump(params | PROJECT), encoding="utf8")
    option = place / "conf" / "data" / "skies.yaml"
    values = yaml.safe_load(option.read_text(encoding="utf8"))
    option.write_text(yaml.safe_dump(values | {"n_samples": 300, "size": 16}), encoding="utf8")
    return World(place, project=True)
