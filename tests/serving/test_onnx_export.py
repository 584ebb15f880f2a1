"""An exported network answers as its run does, for any number of samples and steps, or says why it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from overcast.core.errors import UserError
from overcast.model import Network
from overcast.prediction.predict import prediction_table
from overcast.prediction.predictor import probabilities
from overcast.prediction.run_predictor import RunPredictor
from overcast.prediction.trained_network import open_run_pack, restore
from overcast.tracking.run_folder import Run
from overcast.training.train import train

pytest.importorskip("onnxscript", reason="it needs an extra")
from overcast.serving import onnx_export
from overcast.serving.onnx_export import TOLERANCE, export_run
from overcast.serving.onnx_model import OnnxModel

NETWORKS = {
    "skies": ("perceptron", "ann", "dnn", "cnn", "resnet", "rnn", "lstm", "handmade", "transfer"),
    "waves": ("perceptron", "ann", "cnn", "rnn", "lstm", "handmade"),
    "chirps": ("ann", "cnn", "rnn", "lstm", "handmade"),
    "verses": ("perceptron", "ann", "cnn", "rnn", "lstm", "handmade"),
}


def exported(run: Run, folder: Path) -> OnnxModel:
    path, parity = export_run(run, str(folder / "model.onnx"))
    assert parity.difference <= TOLERANCE
    assert parity.other_labels == 0
    assert parity.samples == (run.parts == "test").sum()
    return OnnxModel(path)


def check_every_batch(run: Run, model: OnnxModel) -> None:
    """One sample, a few, and short ones alone, whose batch has fewer steps than any that was exported with."""
    pack, ours = open_run_pack(run), RunPredictor([run])
    batches = [pack.gather(np.arange(n)) for n in (1, 2, 7)]
    if run.spec.kind != "image":
        x, length = batches[-1]
        batches += [(x[:, :1], np.ones_like(length)), (np.repeat(x, 2, 1), 2 * np.minimum(length, x.shape[1]))]
    for x, length in batches:
        assert model.logits(x, length) == pytest.approx(ours.logits(x, length), abs=1e-4)


def test_a_run_and_its_file_give_the_same(config: Any, tmp_path: Path) -> None:
    run = train(config("mitigation=batch_norm"))
    model = exported(run, tmp_path)
    check_every_batch(run, model)
    assert model.metadata.weights == run.facts["weights"]
    assert model.metadata.fingerprint == run.facts["fingerprint"]
    assert (model.spec, model.data) == (run.spec, run.config.data)
    files = str(Path(run.config.data_dir) / "skies" / "raw" / "*" / "*.png")
    theirs, ours = prediction_table(model, files), prediction_table(run, files)
    classes = list(run.spec.classes)
    assert theirs[classes].to_numpy() == pytest.approx(ours[classes].to_numpy(), abs=TOLERANCE)
    assert theirs["label"].tolist() == ours["label"].tolist()
    content = (tmp_path / "model.onnx").read_bytes()
    assert b"site-packages" not in content  # nor any other file of this machine
    assert b".py" not in content


def test_a_recurrent_network_reads_any_number_of_steps(config: Any, tmp_path: Path) -> None:
    run = train(config("data=waves", "model=lstm", "model.layers=2", "epochs=1"))
    check_every_batch(run, exported(run, tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize(("data", "model"), [(data, model) for data, all_ in NETWORKS.items() for model in all_])
def test_every_network_is_exported(config: Any, data: str, model: str, tmp_path: Path) -> None:
    if model == "transfer":
        pytest.importorskip("efficientnet_lite_pytorch", reason="it needs an extra")
    size = ["model.size=32"] if model == "transfer" else []
    run = train(config(f"data={data}", f"model={model}", *size, "epochs=1", "lr=0.001"))
    check_every_batch(run, exported(run, tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize(
    "choices",
    [
        ["data=skies", "model=lstm", "model.patch=4"],
        ["data=chirps", "model=lstm", "model.convolutions=2", "model.pool=last"],
        ["data=skies", "model=cnn", "model.head=all", "model.blocks=1", "mitigation=batch_norm"],
        ["data=skies", "model=ann", "shuffle_pixels=true"],
        ["data=skies", "model=transfer", "model.size=32", "model.frozen=false"],
    ],
    ids=" ".join,
)
def test_so_are_its_options(config: Any, choices: list[str], tmp_path: Path) -> None:
    if "model=transfer" in choices:
        pytest.importorskip("efficientnet_lite_pytorch", reason="it needs an extra")
    run = train(config(*choices, "epochs=1", "lr=0.001"))
    check_every_batch(run, exported(run, tmp_path))


def test_another_answer_is_not_written(config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(config("epochs=1"))
    other = train(config("epochs=1", "seed=7"))
    real = onnx_export.onnx_bytes
    monkeypatch.setattr(onnx_export, "onnx_bytes", lambda _: real(other))
    with pytest.raises(UserError, match="does not answer as the run does"):
        export_run(run, str(tmp_path / "model.onnx"))
    assert not list(tmp_path.glob("*.onnx"))


def test_the_temperature_is_in_the_file(config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(config("epochs=1"))
    hot = restore(run)
    hot.temperature = 2.0
    monkeypatch.setattr(onnx_export, "restore", lambda _: hot)
    (tmp_path / "hot.onnx").write_bytes(onnx_export.onnx_bytes(run))
    model = OnnxModel(tmp_path / "hot.onnx")
    picture = np.full(run.spec.shape, 200, np.uint8)
    assert model.metadata.temperature == 2
    logits = RunPredictor([run]).logits(picture[None], np.array([16]))[0].astype(float)
    expected = np.exp(logits / 2) / np.exp(logits / 2).sum()
    assert probabilities(model, [picture])[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("out", ["", "model.bin", "nowhere/model.onnx"])
def test_where_it_cannot_be_written(config: Any, home: Path, out: str) -> None:
    with pytest.raises(UserError, match=r"out=.*name a file that ends with \.onnx"):
        export_run(Run(home), out)


class Reads(Network):
    """A network whose answer depends on how many samples there are, which no export can keep."""

    kinds = ("image",)

    def __init__(self, spec: Any) -> None:
        super().__init__()
        self.layer = nn.Linear(int(np.prod(spec.shape)), len(spec.classes))

    def forward(self, x: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.layer(x.flatten(1))
        return logits if float(logits.detach().sum()) > 1e9 else -logits


def test_what_cannot_be_exported_says_so(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(config("epochs=1"))
    reads = onnx_export.TrainedNetwork(RunPredictor([run]).network.preprocessor, Reads(run.spec)).eval()
    monkeypatch.setattr(onnx_export, "restore", lambda _: reads)
    with pytest.raises(UserError, match="model=ann cannot be exported to ONNX: ") as caught:
        onnx_export.onnx_bytes(run)
    assert "\n" not in str(caught.value)
