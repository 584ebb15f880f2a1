"""A tracking server behind a door that can be closed: what a client sees when a server dies, hangs or fails."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

DELAY = 1.0
"""Seconds that a slow server takes for each answer."""


class TrackingServer:
    """A real MLflow server, and a proxy before it, whose ``how`` is "", "down", "slow", "fails" or "mute".

    Down: connections end without an answer. Slow: each answer takes a second. Fails: 500 to whatever is to be written.
    Mute: does what is asked, and ends without an answer where something was to be written.
    """

    def __init__(self, folder: Path) -> None:
        self.how = ""
        self.database = folder / "server.db"
        self._port = _free_port()
        words = f"--host 127.0.0.1 --port {self._port} --workers 1 --backend-store-uri sqlite:///{self.database}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *words.split(), "--artifacts-destination", "artifacts"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._proxy = _proxy(self)
        self.uri = f"http://127.0.0.1:{self._proxy.server_port}"
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)) as connection:
                    connection.request("GET", "/health")
                    if connection.getresponse().status == 200:
                        return
            except OSError:
                time.sleep(0.3)
        raise RuntimeError("the MLflow server did not start")

    def forward(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request as the state of the server has it."""
        if self.how == "down":
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        if self.how == "slow":
            time.sleep(DELAY)
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        writes = handler.command != "GET" and not handler.path.endswith("/search")
        if self.how == "fails" and writes:
            handler.send_error(500)
            return
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
            connection.request(handler.command, handler.path, body, dict(handler.headers))
            answer = connection.getresponse()
            content = answer.read()
            if self.how == "mute" and writes:
                handler.connection.shutdown(socket.SHUT_RDWR)
                return
            handler.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "content-length", "connection", "server", "date"):
                    handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content)

    def record(self, experiment: str) -> list[tuple[Any, ...]]:
        """Of each run of an experiment: its name, how it ended, and how many points of its metrics there are."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            return database.execute(
                "select runs.name, status, count(key) from experiments join runs using (experiment_id) "
                "left join metrics using (run_uuid) where experiments.name = ? group by run_uuid "
                "order by runs.name, status, count(key)",
                [experiment],
            ).fetchall()

    def close(self) -> None:
        """Stop both."""
        self._proxy.shutdown()
        self._proxy.server_close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def _proxy(server: TrackingServer) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def answer(self) -> None:
            try:
                server.forward(self)
            except OSError:
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer

        def log_message(self, *_: Any) -> None:
            """Nothing is said of requests."""

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy.daemon_threads = True
    Thread(target=proxy.serve_forever, daemon=True).start()
    return proxy


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
