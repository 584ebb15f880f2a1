"""A model that is really served by ``mlflow models serve``, and requests to it from as many clients as are asked."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 300.0
"""Seconds until a server is given up that does not answer."""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


@contextmanager
def served(model: Path, workers: int) -> Iterator[tuple[int, float]]:
    """The port, and how many seconds it took to the first answer. The server knows the code in the folder alone."""
    port, began = free_port(), time.perf_counter()
    words = ["models", "serve", "-m", str(model), "--env-manager", "local", "-h", "127.0.0.1", "-p", str(port)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", *words, "-w", str(workers)], cwd=model.parent, env=environment,
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_until_served(port)
        yield port, time.perf_counter() - began
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def wait_until_served(port: int) -> None:
    """Raises: TimeoutError if nothing answers there within `PATIENCE`."""
    began = time.perf_counter()
    while time.perf_counter() - began < PATIENCE:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"the server has not answered for {PATIENCE:.0f} s")


def send_all(port: int, bodies: Sequence[bytes]) -> list[bytes]:
    """The answers to requests, one after the other. Raises: HTTPError if one is no good answer."""
    address, kind = f"http://127.0.0.1:{port}/invocations", {"Content-Type": "application/json"}
    answers = []
    for body in bodies:
        with urllib.request.urlopen(urllib.request.Request(address, body, kind), timeout=PATIENCE) as answer:
            answers.append(answer.read())
    return answers


def send(port: int, body: bytes, times: int) -> list[tuple[int, float]]:
    """Status and seconds of so many requests, one after the other, over one connection."""
    connection, found = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE), []
    for _ in range(times):
        began = time.perf_counter()
        connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        found.append((answer.status, time.perf_counter() - began))
    connection.close()
    return found


def at_once(port: int, bodies: Sequence[bytes], times: int) -> tuple[list[int], float]:
    """The statuses of all requests from a client for each body at once, and requests a second."""
    statuses: list[int] = []
    clients = [
        threading.Thread(target=lambda b=body: statuses.extend(status for status, _ in send(port, b, times)))
        for body in bodies
    ]
    began = time.perf_counter()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return statuses, len(statuses) / (time.perf_counter() - began)


def request(*contents: str) -> bytes:
    return json.dumps({"dataframe_records": [{"content": content} for content in contents]}).encode()
