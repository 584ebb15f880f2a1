"""The server of docs/scale.md's "One record for several people", whose database and store can be killed and started."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from overcast.core.paths import ROOT

PATIENCE = 120.0
"""Seconds for a part to start, on a busy machine."""

OWNER = "postgres"
"""The user that PostgreSQL runs as where this one is root, as which it does not."""

DATABASE_PASSWORD, STORE_PASSWORD, ADMIN_PASSWORD = "hush-database", "hush-the-store", "hush-the-admin"


def _program(name: str) -> str | None:
    """A program of PostgreSQL's, which Debian keeps off the path, or of this environment's."""
    places = [
        os.environ["PATH"],
        str(Path(sys.executable).parent),
        *map(str, Path("/usr/lib/postgresql").glob("*/bin")),
    ]
    return shutil.which(name, path=os.pathsep.join(places))


def missing() -> list[str]:
    """What this machine lacks of the server."""
    programs = [
        name for name in ("initdb", "pg_ctl", "createdb", "pg_dump", "pg_restore", "weed") if not _program(name)
    ]
    if os.getuid() == 0 and OWNER not in {user.pw_name for user in pwd.getpwall()}:
        programs.append(f"user {OWNER}")
    return programs + [name for name in ("psycopg", "boto3", "flask_wtf", "dvc_s3") if not find_spec(name)]


class SharedServer:
    """PostgreSQL, SeaweedFS and an MLflow server with authentication, on free ports of this machine.

    folder: theirs, which must lie where another user may reach it: PostgreSQL does not run as root.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database_port, self.store_port, self.port, *self._inner = _free_ports(6)
        self.uri = f"http://127.0.0.1:{self.port}"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._owner = OWNER if os.getuid() == 0 else None
        self.database, self.files = folder / "database", folder / "store"

    def start(self, backup: Path | None = None) -> None:
        """Make all of it, empty or as `backup` left it, and wait until it answers."""
        self.database.mkdir()
        if self._owner:
            shutil.chown(self.database, self._owner)
        self._make_database()
        if backup:
            self._call("pg_restore", "--dbname=mlflow", backup / "mlflow.dump")
            shutil.copytree(backup / "store", self.files)
        else:
            self.files.mkdir()
        self.start_store()
        self.start_tracking()

    def _make_database(self) -> None:
        password = self.folder / "pw"
        password.write_text(DATABASE_PASSWORD)
        if self._owner:
            shutil.chown(password, self._owner)
        words = ["-D", self.database, "--username=mlflow", "--auth=scram-sha-256", f"--pwfile={password}"]
        self._call("initdb", *words, user=self._owner)
        password.unlink()
        self.start_database()
        self._call("createdb", "mlflow")

    def start_database(self) -> None:
        options = f"-p {self.database_port} -h 127.0.0.1 -k ''"
        words = ["-D", self.database, "-o", options, "-l", self.database / "log", "-w", "start"]
        until = time.monotonic() + PATIENCE
        while self._call("pg_ctl", *words, user=self._owner, check=False).returncode:
            assert time.monotonic() < until, (self.database / "log").read_text()
            time.sleep(0.3)  # what was killed may still be ending

    def kill_database(self) -> None:
        os.kill(int((self.database / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def start_store(self) -> None:
        ports = [f"-{name}.port={port}" for name, port in zip(("master", "volume", "filer"), self._inner, strict=True)]
        grpc = [f"{word.split('=')[0]}.grpc={port}" for word, port in zip(ports, _free_ports(3), strict=True)]
        words = [f"-dir={self.files}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-volume.max=0"]
        words += [
            "-volume.preStopSeconds=1",
            "-master.volumeSizeLimitMB=1024",
            "-master.telemetry=false",
            "-s3",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
        ]
        words += [f"-s3.port={self.store_port}", f"-s3.port.grpc={_free_ports(1)[0]}"]
        self._start("store", [_program("weed"), "server", *words, *ports, *grpc])
        self._wait("store", f"http://127.0.0.1:{self.store_port}/healthz")
        self._wait("store", f"http://127.0.0.1:{self._inner[0]}/dir/assign")  # until its volumes are known, too

    def start_tracking(self) -> None:
        words = ["--backend-store-uri", "postgresql+psycopg:///mlflow"]
        words += ["--artifacts-destination", "s3://overcast/mlflow", "--app-name", "basic-auth", "--workers", "2"]
        words += ["--host", "127.0.0.1", "--port", str(self.port)]
        self._start("tracking", [sys.executable, "-m", "mlflow", "server", *words])
        self._wait("tracking", f"{self.uri}/health")

    def kill(self, name: str) -> None:
        """Kill the store or MLflow."""
        process = self._processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """Kill all there is, which is what it is for."""
        for name in list(self._processes):
            self.kill(name)
        if (self.database / "postmaster.pid").exists():
            self._call("pg_ctl", "-D", self.database, "-m", "immediate", "stop", user=self._owner, check=False)

    def backup(self, folder: Path) -> None:
        """Copy all there is. The store ends, and is not started again."""
        self._call("pg_dump", "--format=custom", f"--file={folder / 'mlflow.dump'}", "mlflow")
        store = self._processes.pop("store")
        store.terminate()
        store.wait(PATIENCE)
        shutil.copytree(self.files, folder / "store")

    def add_user(self, name: str, password: str) -> None:
        """A user of MLflow's."""
        from mlflow.server.auth.client import AuthServiceClient

        AuthServiceClient(self.uri).create_user(name, password)

    def environment(self) -> dict[str, str]:
        """This process's, with the passwords of the server's parts."""
        return os.environ | {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.database_port),
            "PGUSER": "mlflow",
            "PGPASSWORD": DATABASE_PASSWORD,
            "AWS_ACCESS_KEY_ID": "mlflow",
            "AWS_SECRET_ACCESS_KEY": STORE_PASSWORD,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_MAX_ATTEMPTS": "1",
            "MLFLOW_S3_ENDPOINT_URL": f"http://127.0.0.1:{self.store_port}",
            "MLFLOW_AUTH_CONFIG_PATH": str(ROOT / "mlflow-auth.ini"),
            "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN_PASSWORD,
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "hush-the-key",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }

    def _call(
        self, name: str, *words: Any, user: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        command: Sequence[str] = [str(_program(name)), *map(str, words)]
        with (self.folder / f"{name}.log").open("ab") as log:  # no pipe: the server would keep it open
            return subprocess.run(
                command, env=self.environment(), user=user, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                text=True, check=check, timeout=PATIENCE,
            )  # fmt: skip

    def _start(self, name: str, command: Sequence[Any]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command, env=self.environment(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def _wait(self, name: str, address: str) -> None:
        def tail() -> str:
            return (self.folder / f"{name}.log").read_text()[-3000:]

        _wait_for(lambda: _answers(address), lambda: self._processes[name].poll() is None, tail)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except OSError:
        return False


def _wait_for(ready: Callable[[], bool], alive: Callable[[], bool], tail: Callable[[], str]) -> None:
    until = time.monotonic() + PATIENCE
    while not ready():
        assert alive(), tail()
        assert time.monotonic() < until, tail()
        time.sleep(0.3)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()
