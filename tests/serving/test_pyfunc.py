"""A served model answers as `predict` does, whatever way a sample comes, and a bad one with a sentence."""

from __future__ import annotations

import base64
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from overcast.data._sky_painter import render
from overcast.prediction.predict import prediction_table
from overcast.training.train import train

pytest.importorskip("onnxruntime", reason="it needs an extra")
from overcast.serving.onnx_model import OnnxModel
from overcast.serving.package import copy_code, save_model
from overcast.serving.pyfunc import InvalidInput, ServedModel

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]

KEPT = Path(__file__).parent / "data" / "skies.onnx"


def png(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "png")
    return buffer.getvalue()


PICTURE = render([3], seed=0, size=40, difficulty=0.2)[0]
CLASSES = ["cloudy", "foggy", "rainy", "shine", "sunrise"]


def frame(*values: Any) -> pd.DataFrame:
    return pd.DataFrame({"content": pd.Series(values, dtype=object)})


def test_every_way_a_picture_may_come(tmp_path: Path) -> None:
    (tmp_path / "sky.png").write_bytes(content := png(PICTURE))
    expected = prediction_table(OnnxModel(KEPT), tmp_path / "sky.png")
    text = base64.b64encode(content).decode()
    served = ServedModel(KEPT)
    for value in (content, bytearray(content), text, tmp_path / "sky.png", [text]):
        found = served.predict(frame(value))
        assert found["label"].tolist() == expected["label"].tolist()
        assert found[CLASSES].to_numpy() == pytest.approx(expected[CLASSES].to_numpy(), abs=1e-9)
    array = served.dataset.read(tmp_path / "sky.png")
    for value in (array, array.tolist()):
        assert served.predict(frame(value))[CLASSES].to_numpy() == pytest.approx(expected[CLASSES].to_numpy(), abs=1e-9)
    assert list(served.predict(frame(*[content] * 70)).columns) == ["label", *CLASSES]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("/etc/passwd", "neither base64"),
        (str(KEPT.absolute()), "neither base64"),
        (None, "neither base64"),
        (7, "neither base64"),
        (b"", "an empty file"),
        (b"no picture", "not a picture"),
        (png(PICTURE)[:400], "damaged or cut short"),
        (png(PICTURE[:4]), "only 40×4 pixels"),
        ([[1, 2], [3]], "some are longer than others"),
        ([[1.5]], "shape (1, 1), but the run was trained with (3, 16, 16)"),
        (Path("/nowhere/x.png"), "cannot be read"),
    ],
    ids=repr,
)
def test_a_bad_sample_is_one_sentence(value: Any, sentence: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ServedModel(KEPT).predict(frame(value))
    caught.value.message = "what MLflow's server would say"
    assert sentence in caught.value.message
    assert "\n" not in caught.value.message
    assert "overcast-" not in caught.value.message  # nor any file of the server's
    assert caught.value.get_http_status_code() == 400
    with pytest.raises(InvalidInput, match="sample 1: "):
        ServedModel(KEPT).predict(frame(png(PICTURE), value))


def test_a_request_without_the_column() -> None:
    with pytest.raises(InvalidInput, match="no column content"):
        ServedModel(KEPT).predict(pd.DataFrame({"picture": [1]}))


def write_texts(folder: Path) -> list[str]:
    for name, words in (("glad", "good fine"), ("sad", "dull poor")):
        (folder / name).mkdir()
        for i in range(20):
            (folder / name / f"{i}.txt").write_text(f"a {words} film, number {i}")
    return [f"data.path={folder}"]


def write_recordings(folder: Path) -> list[str]:
    soundfile = pytest.importorskip("soundfile")
    for name, hz in (("high", 1500), ("low", 300)):
        (folder / name).mkdir()
        for i in range(20):
            wave = np.sin(np.arange(1500 + 40 * i) * (hz + 10 * i) * 2 * np.pi / 8000)
            soundfile.write(folder / name / f"{i}.wav", wave, 8000)
    return [f"data.path={folder}", "data.rate=8000"]


def write_series(folder: Path) -> list[str]:
    lines = [f"{i % 2},{i % 7},{'ab'[i % 2]}" for i in range(60)]
    (folder / "x.csv").write_text("\n".join(["u,v,state", *lines]) + "\n")
    return [f"data.path={folder / 'x.csv'}", "data.label=state", "data.window=3"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "written", "file"),
    [
        ("texts", write_texts, "glad/3.txt"),
        ("recordings", write_recordings, "low/3.wav"),
        ("series", write_series, "x.csv"),
    ],
)
def test_texts_sounds_and_rows(
    config: Any, data: str, written: Callable[[Path], list[str]], file: str, tmp_path: Path
) -> None:
    from overcast.serving.onnx_export import onnx_bytes

    (tmp_path / "files").mkdir()
    words = written(tmp_path / "files")
    root = [f"data_dir={tmp_path / 'data'}", "split.folds=3", "epochs=1", "prepare=true"]
    run = train(config(f"data={data}", "model=lstm", *words, *root))
    (tmp_path / "model.onnx").write_bytes(onnx_bytes(run))
    served, path = ServedModel(tmp_path / "model.onnx"), tmp_path / "files" / file
    expected, content = prediction_table(run, path), path.read_bytes()
    as_json = [content.decode()] if data == "texts" else [base64.b64encode(content).decode(), served.dataset.read(path)]
    found = served.predict(frame(path, content, *as_json))
    names = list(run.spec.classes)
    for row in found[names].to_numpy():
        assert row == pytest.approx(expected[names].to_numpy()[0], abs=1e-5)
    with pytest.raises(InvalidInput) as caught:
        served.predict(frame("" if data == "texts" else "!"))
    assert "overcast-" not in str(caught.value)


def test_the_code_that_is_kept_is_all_that_it_takes(tmp_path: Path) -> None:
    """Every data set's reader, without the rest of overcast."""
    copy_code(tmp_path / "code")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'code')!r})\n"
        "import importlib, pathlib, overcast.serving.pyfunc as pyfunc\n"
        "here = pathlib.Path(pyfunc.__file__).parents[1]; assert here.parent.name == 'code', here\n"
        "[importlib.import_module('overcast.data.' + path.stem) for path in (here / 'data').glob('[a-z]*.py')]\n"
        f"pyfunc._load_pyfunc({str(KEPT)!r})\n"
        "assert not {'torch', 'pytorch_lightning', 'hydra', 'onnx', 'torchmetrics'} & set(sys.modules)"
    )
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", code], env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


Answer = tuple[int, Any]


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Any], Answer]]:
    """Send JSON to a real `mlflow models serve`, which knows the code that lies with the model alone."""
    folder = tmp_path_factory.mktemp("served")
    save_model(folder / "model", KEPT, png(PICTURE), {})
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["models", "serve", "-m", "model", "--env-manager", "local", "-h", "127.0.0.1", "-p", str(port)]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", *words], cwd=folder, start_new_session=True, env=kept,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip

    def send(body: Any) -> Answer:
        url, headers = f"http://127.0.0.1:{port}/invocations", {"Content-Type": "application/json"}
        try:
            with urllib.request.urlopen(
                urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=60
            ) as got:
                return got.status, json.load(got)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None
                time.sleep(0.2)
        yield send
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def records(*values: Any) -> dict[str, Any]:
    return {"dataframe_records": [{"content": value} for value in values]}


@pytest.mark.slow
def test_served_over_http(post: Callable[[Any], Answer], tmp_path: Path) -> None:
    (tmp_path / "sky.png").write_bytes(content := png(PICTURE))
    expected = prediction_table(OnnxModel(KEPT), tmp_path / "sky.png")[CLASSES].to_numpy()[0]
    text = base64.b64encode(content).decode()
    array = ServedModel(KEPT).dataset.read(tmp_path / "sky.png").tolist()
    for body in (records(text), {"inputs": [{"content": text}]}, {"inputs": {"content": [text]}}, records(array)):
        status, answer = post(body)
        assert status == 200
        (row,) = answer["predictions"]
        assert [row[name] for name in CLASSES] == pytest.approx(expected, abs=1e-6)
    for bad in ("/etc/passwd", text[:600], base64.b64encode(b"x").decode(), None, 5, [[1], [2, 3]]):
        status, answer = post(records(bad))
        assert status == 400
        assert len(answer["message"]) < 150
        assert "Traceback" not in json.dumps(answer)


@pytest.mark.slow
def test_no_load_ends_it(post: Callable[[Any], Answer]) -> None:
    """Twenty megabytes that are no picture, a large picture, and a hundred at once, some of them bad."""
    status, answer = post(records(base64.b64encode(os.urandom(20 << 20)).decode()))
    assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    large = png(np.random.default_rng(0).integers(0, 256, (2700, 2700, 3), np.uint8))
    assert len(large) > 20 << 20
    assert post(records(base64.b64encode(large).decode()))[0] == 200
    text = base64.b64encode(png(PICTURE)).decode()
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: found.append(post(records(text if n % 4 else "bad"))[0]))
        for n in range(100)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(found) == {200: 75, 400: 25}
    assert post(records(text))[0] == 200
