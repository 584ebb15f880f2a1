"""A Ray cluster labels as one process does: the same rows, in the same order."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from overcast.core.errors import UserError
from overcast.data._sky_painter import render
from overcast.prediction.predict import predict
from overcast.prediction.predictor import BATCH

pytest.importorskip("ray", reason="it needs an extra")
pytest.importorskip("onnxruntime", reason="it needs an extra")
from overcast.serving.onnx_model import OnnxModel

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Ray's own

KEPT = Path(__file__).parents[1] / "serving" / "data" / "skies.onnx"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """More than two batches, one broken, and one with a name that is no text."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, picture in enumerate(render(range(2 * BATCH), seed=0, size=16, difficulty=0.2)):
        Image.fromarray(picture).save(folder / f"{number:03}.png")
    (folder / "050.png").write_text("no picture")
    shutil.copy(folder / "000.png", os.fsdecode(os.fsencode(folder) + b"/\xff.png"))
    return folder


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An address where nothing listens, which Ray remembers as this machine's last cluster."""
    with socket.socket() as unused, tempfile.TemporaryDirectory() as folder:  # a short path: it holds sockets
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        monkeypatch.setenv("RAY_TMPDIR", folder)
        last = Path(folder) / "ray" / "ray_current_cluster"
        last.parent.mkdir()
        last.write_text(address)
        yield address


def test_rows_are_those_of_one_process(
    pictures: Path,
    tmp_path: Path,
    nobody: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    model, here, there = OnnxModel(KEPT), tmp_path / "here.csv", tmp_path / "there.csv"
    assert predict(model, str(pictures), str(here)) == 1
    capfd.readouterr()
    assert predict(model, str(pictures), str(there), on_ray=True) == 1
    assert there.read_bytes() == here.read_bytes()
    assert len(here.read_bytes().splitlines()) == 2 * BATCH + 2
    lines = capfd.readouterr().err.replace("\r", "\n").splitlines()
    said = [
        line
        for line in lines
        if line and "sample/s" not in line and "s/sample" not in line and "ray log level" not in line
    ]
    assert said == [f"overcast: 1 of {2 * BATCH + 1} files could not be read: see the error column"]


@pytest.mark.parametrize("address", ["", "auto"])
def test_a_cluster_that_is_not_there_is_told_at_once(
    address: str, pictures: Path, tmp_path: Path, nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address or nobody)
    with pytest.raises(UserError, match="the Ray cluster does not answer"):
        predict(OnnxModel(KEPT), str(pictures), str(tmp_path / "out.csv"), on_ray=True)
    assert not (tmp_path / "out.csv").exists()
