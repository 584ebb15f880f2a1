"""On real GPUs: pytest -m gpu. They are skipped where there are none, or too few."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from overcast.core.paths import HOME, ROOT
from overcast.evaluation.evaluate import evaluate, measure
from overcast.prediction.trained_network import open_run_pack, restore
from overcast.training.train import train

GPUS = torch.cuda.device_count() if torch.cuda.is_available() else 0

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not GPUS, reason="no GPU is visible here"),
    pytest.mark.filterwarnings("ignore"),  # CUDA's own, of operations that have no deterministic form
]
several = pytest.mark.skipif(GPUS < 2, reason="there are not two GPUs here")

FULL = ("model=cnn", "epochs=3", "trainer=gpu", "trainer.precision=32-true")


def weights(run: Any) -> dict[str, torch.Tensor]:
    loaded: dict[str, torch.Tensor] = torch.load(run.path("model.pt"), weights_only=True)["net"]
    return loaded


def test_a_run_is_that_of_the_cpu_to_rounding(config: Any) -> None:
    here, there = train(config(*FULL)), train(config(*FULL, "trainer=cpu"))
    assert here.facts["identity"] == there.facts["identity"]
    for name, value in weights(here).items():
        assert torch.allclose(value, weights(there)[name], atol=1e-2), name
    assert here.history["train/nll"] == pytest.approx(there.history["train/nll"], abs=1e-2)


def test_the_same_run_twice_is_the_same(config: Any, tmp_path: Path) -> None:
    one, two = train(config(*FULL)), train(config(*FULL, f"run={tmp_path}/again"))
    assert one.history["train/nll"] == pytest.approx(two.history["train/nll"], abs=1e-4)


def test_half_precision_learns(config: Any) -> None:
    run = train(
        config("model=cnn", "mitigation=batch_norm", "epochs=20", "trainer=gpu", "trainer.precision=bf16-mixed")
    )
    assert run.facts["precision"] == "bf16-mixed"
    assert all(value.isfinite().all() for value in weights(run).values())
    assert run.history["train/accuracy"][-1] > 0.5


def test_cuda_graphs_train_alike(config: Any) -> None:
    plain, recorded = (train(config(*FULL, f"trainer.compile={how}")) for how in ("null", "reduce-overhead"))
    assert recorded.history["train/nll"] == pytest.approx(plain.history["train/nll"], abs=1e-2)


def test_measuring_there_gives_the_figures_of_the_cpu(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(config(*FULL))
    pack, rows = open_run_pack(run), np.arange(40)
    here, there = (measure(restore(run).to(device), pack, rows) for device in ("cuda", "cpu"))
    assert here.logits.device.type == "cpu"
    assert torch.allclose(here.logits, there.logits, atol=1e-3)
    figures = evaluate(run, pictures=False)["test"]
    monkeypatch.setattr("overcast.evaluation.evaluate.measuring_device", lambda _: "cpu")
    assert figures["nll"] == pytest.approx(evaluate(run, pictures=False)["test"]["nll"], abs=1e-3)


@several
def test_two_gpus_are_one(config: Any) -> None:
    one, two = (train(config(*FULL, f"trainer.devices={devices}")) for devices in (1, 2))
    assert two.facts["processes"] == 2
    for name, value in weights(one).items():
        assert torch.allclose(value, weights(two)[name], atol=1e-2), name


@several
def test_each_run_of_a_study_has_a_gpu_of_its_own(data: Path, tmp_path: Path) -> None:
    skies = {"n_samples": 100, "size": 16, "difficulty": 0.2, "seed": 0}
    words = ["data=skies", *(f"data.{k}={v}" for k, v in skies.items()), f"data_dir={data}", "model=ann"]
    command = [sys.executable, str(ROOT / "pipelines" / "train.py"), "-m", *words, "mitigation=none", "epochs=2"]
    command += [f"seed=range({2 * GPUS})", "trainer=auto"]
    said = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {HOME: str(tmp_path)}, capture_output=True, text=True, timeout=900
    )
    assert said.returncode == 0, said.stderr
    assert f"{2 * GPUS} runs, {GPUS} at once" in said.stdout
