"""Tiny runs of each kind of data, and the page's server in this process."""

from __future__ import annotations

import http.client
import io
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from overcast.data._sky_painter import render
from overcast.demo.answer import Demo
from overcast.demo.server import build_server, open_port
from overcast.prepare.split import split
from overcast.tracking.run_folder import Run
from overcast.training.train import train

RATE = 8000


@pytest.fixture
def run(config: Any) -> Run:
    """An ANN on the tiny skies."""
    return train(config("epochs=1"))


@pytest.fixture
def calibrated(config: Any, data: Path, tmp_path: Path) -> Run:
    """The same with a calibration part."""
    shutil.copytree(data / "skies", tmp_path / "data/skies")
    split("skies", tmp_path / "data", seed=0, calibration=0.25)
    return train(config("split.calibration=0.25", "epochs=3", f"data_dir={tmp_path / 'data'}"))


@pytest.fixture
def own(config: Any, prepare_data: Any, tmp_path: Path) -> Callable[..., Run]:
    """A run of a network on one's own data, prepared with these options."""

    def made(data: str, model: str, **options: Any) -> Run:
        from overcast.data import build_dataset

        words = [f"data={data}", *(f"data.{key}={value}" for key, value in options.items())]
        words += [f"model={model}", f"data_dir={tmp_path / 'data'}", "epochs=1"]
        option = config(*words).data
        prepare_data(tmp_path / "data", data, build_dataset(option), option.values)
        return train(config(*words))

    return made


@pytest.fixture
def tones(own: Callable[..., Run], tmp_path: Path) -> Run:
    """A CNN on recordings of low and high tones."""
    for name, pitch in (("low", 300), ("high", 1500)):
        (tmp_path / "sounds" / name).mkdir(parents=True)
        for i in range(20):
            (tmp_path / "sounds" / name / f"{i}.wav").write_bytes(tone(pitch + 10 * i))
    return own("recordings", "cnn", path=tmp_path / "sounds", rate=RATE, n_mels=16)


@pytest.fixture
def letters(own: Callable[..., Run], tmp_path: Path) -> Run:
    """An LSTM on two kinds of sentences."""
    lines = ["text,label"]
    for i in range(30):
        lines += [f"what a warm and lovely film {i},good", f"such a dull and boring film {i},bad"]
    (tmp_path / "letters.csv").write_text("\n".join(lines))
    return own("texts", "lstm", path=tmp_path / "letters.csv")


def tone(pitch: float, seconds: float = 0.3) -> bytes:
    """A wav file."""
    wave = 0.5 * np.sin(2 * np.pi * pitch * np.arange(int(RATE * seconds)) / RATE)
    stream = io.BytesIO()
    soundfile.write(stream, wave, RATE, format="WAV", subtype="PCM_16")
    return stream.getvalue()


@pytest.fixture
def wav() -> Callable[..., bytes]:
    """`tone`."""
    return tone


@pytest.fixture
def sky() -> bytes:
    """A picture's file."""
    stream = io.BytesIO()
    Image.fromarray(render([3], seed=5, size=40, difficulty=0.2)[0]).save(stream, "png")
    return stream.getvalue()


@dataclass(frozen=True)
class Client:
    """Asks the server as a browser does that shows its page; ``headers`` change that."""

    port: int

    def __call__(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any, Any]:
        """Status, what was said (JSON or text), and the answer's headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        own = {"Origin": f"http://127.0.0.1:{self.port}"} if method == "POST" else {}
        connection.request(method, path, body, {**own, **headers})
        response = connection.getresponse()
        said = response.read().decode("utf8", "replace")
        connection.close()
        found = json.loads(said) if response.headers["content-type"] == "application/json" else said
        return response.status, found, response.headers


@pytest.fixture
def serving() -> Callable[[Demo], Any]:
    """Within it the page's server runs, and a `Client` asks it."""

    @contextmanager
    def running(demo: Demo) -> Iterator[Client]:
        with open_port("") as listening:
            server = build_server(demo)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
            thread.start()
            try:
                yield Client(listening.getsockname()[1])
            finally:
                server.should_exit = True
                thread.join()

    return running
