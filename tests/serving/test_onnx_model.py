"""An exported network predicts without the training stack, and what is none is refused with one message."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overcast.core.errors import UserError
from overcast.data._sky_painter import render
from overcast.prediction.predict import predict, prediction_table
from overcast.prediction.predictor import probabilities

pytest.importorskip("onnxruntime", reason="it needs an extra")
from overcast.serving.onnx_model import FORMAT, Metadata, OnnxModel

KEPT = Path(__file__).parent / "data" / "skies.onnx"
"""A perceptron on skies of 16 pixels, as the first version that could export wrote it."""
STACK = (
    "torch",
    "pytorch_lightning",
    "lightning",
    "mlflow",
    "pandas",
    "torchmetrics",
    "hydra",
    "sklearn",
    "scipy",
    "onnx",
)


def test_what_an_earlier_version_wrote_is_still_read() -> None:
    model = OnnxModel(KEPT)
    expected = json.loads(KEPT.with_suffix(".json").read_text())
    pictures = render(range(5), seed=0, size=16, difficulty=0.2).transpose(0, 3, 1, 2)
    assert model.spec.classes == ("cloudy", "foggy", "rainy", "shine", "sunrise")
    assert probabilities(model, list(pictures)) == pytest.approx(np.array(expected), abs=1e-5)


def test_the_training_stack_is_not_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from overcast.serving.onnx_model import OnnxModel\n"
        "from overcast.data.skies import Skies; from overcast.prediction.predict import predict\n"
        "from PIL import Image; Image.new('RGB', (40, 40), 'red').save('x.png')\n"
        f"assert predict(OnnxModel(Path({str(KEPT)!r})), 'x.png', 'out.csv') == 0\n"
        f"print([name for name in {STACK} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert found.stdout.strip() == "[]"
    assert (tmp_path / "out.csv").read_text().startswith("file,label,cloudy")


def test_an_answer_takes_not_the_file_s_place(tmp_path: Path) -> None:
    copy = tmp_path / "m.onnx"
    copy.write_bytes(KEPT.read_bytes())
    with pytest.raises(UserError, match="is read itself"):
        predict(OnnxModel(copy), str(KEPT), str(copy))


def test_arrays_and_broken_ones() -> None:
    table = prediction_table(OnnxModel(KEPT), [np.zeros((3, 16, 16), int), np.zeros((3, 8, 8), int)])
    assert table["label"][0]
    assert table["error"].tolist() == ["", "shape (3, 8, 8), but the run was trained with (3, 16, 16)"]


def changed(folder: Path, **values: Any) -> Path:
    """The kept file, whose metadata says something else."""
    onnx = pytest.importorskip("onnx")
    proto = onnx.load(KEPT)
    said = json.loads(proto.metadata_props[0].value) | values
    onnx.helper.set_model_props(proto, {"overcast": json.dumps(said)})
    onnx.save(proto, folder / "changed.onnx")
    return folder / "changed.onnx"


def test_a_file_of_a_newer_version(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="newer version of overcast: upgrade overcast"):
        OnnxModel(changed(tmp_path, format=FORMAT + 1))


def test_metadata_that_is_damaged(tmp_path: Path) -> None:
    for text in ("{", "[]", '{"format": 1}'):
        with pytest.raises(UserError, match="is damaged"):
            Metadata.from_json(text, tmp_path)


def test_no_class_from_elsewhere_is_imported(tmp_path: Path) -> None:
    model = OnnxModel(changed(tmp_path, data={"_target_": "antigravity.Fly"}, data_name="fly"))
    with pytest.raises(UserError, match=r"antigravity\.Fly is not imported"):
        prediction_table(model, [np.zeros((3, 16, 16), int)])


def test_what_is_no_exported_network(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "x.onnx"
    with pytest.raises(UserError, match="cannot be read"):
        OnnxModel(path)
    path.write_bytes(b"no network")
    with pytest.raises(UserError, match="is no network in ONNX that can be run"):
        OnnxModel(path)
    proto = onnx.load(KEPT)
    del proto.metadata_props[:]
    onnx.save(proto, path)
    with pytest.raises(UserError, match="was not exported by overcast"):
        OnnxModel(path)
