"""Two processes on the CPU are one process with the same global batch; a rank that dies ends the job and is named."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from overcast.errors import DivergedError
from overcast.runs import Run
from overcast.train import train

pytestmark = pytest.mark.slow


def figures(run: Run) -> list[list[float]]:
    with run.path("history.csv").open() as file:
        return [[float(value) for value in line] for line in list(csv.reader(file))[1:]]


@pytest.mark.parametrize("model", ["ann", "lstm"])
def test_two_ranks_equal_one_process(config: Any, model: str) -> None:
    # 80 train rows in batches of 27, 27, 26: an odd one is cut unevenly between the ranks
    picks = [f"model={model}", "batch_size=30", "epochs=2"]
    one, two = (train(config(*picks, f"trainer.devices={ranks}")) for ranks in (1, 2))
    states = [torch.load(run.path("model.pt"), weights_only=True)["net"] for run in (one, two)]
    for name, value in states[0].items():
        assert value.allclose(states[1][name], atol=1e-5), name
    for alone, shared in zip(figures(one), figures(two), strict=True):
        assert shared == pytest.approx(alone, abs=1e-5)
    assert not (two.folder / "ranks.json").exists()
    assert two.facts["epochs_run"] == 2


def test_a_rank_that_dies_ends_the_job_and_is_named(
    config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    death = "import os\nif os.environ.get('RANK') == '1': os._exit(7)\n"
    (tmp_path / "sitecustomize.py").write_text(death)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="rank 1 of 2 failed"):
        train(config("trainer.devices=2"))


def test_a_rank_that_raises_is_named_with_its_error(
    config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = (
        "import os\n"
        "if os.environ.get('RANK') == '1':\n"
        "    from overcast.model.ann import ANN\n"
        "    def fails(*_): raise ValueError('out of luck')\n"
        "    ANN.loss = fails\n"
    )
    (tmp_path / "sitecustomize.py").write_text(fault)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"rank 1 of 2 failed.*out of luck"):
        train(config("trainer.devices=2"))


def test_a_run_that_diverges_is_no_ranks_fault(config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = (
        "import os\n"
        "if os.environ.get('RANK') == '1':\n"  # the other one's loss is finite, a step longer
        "    from overcast.model.ann import ANN\n"
        "    plain, steps = ANN.loss, iter(range(100))\n"
        "    ANN.loss = lambda *given: plain(*given) * (float('nan') if next(steps) == 1 else 1)\n"
    )
    (tmp_path / "sitecustomize.py").write_text(fault)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    with pytest.raises(DivergedError, match="the loss is not finite in epoch 1, step 2 of 5"):
        train(config("trainer.devices=2", f"run={tmp_path}/mine"))
    assert not (tmp_path / "mine" / "result.json").exists()
    assert not (tmp_path / "mine" / "ranks.json").exists()
