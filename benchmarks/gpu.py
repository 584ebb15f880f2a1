"""What a GPU gives, by its name, as ratios of two things measured in one run. Needs one.

    python benchmarks/gpu.py

Samples a second of a training epoch (the second of two, with all that goes with it), and of a study of small runs.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import torch

from _timing import config, quiet, script
from overcast.config.script import plain_script
from overcast.core.errors import UserError
from overcast.evaluation.evaluate import evaluate
from overcast.tracking.run_folder import Run
from overcast.training import assemble
from overcast.training.train import train

SKIES = ("data=skies", "data.n_samples=15000", "data.size=64", "model=cnn", "mitigation=augmentation", "tracking=off")
SMALL = ("data=digits", "model=ann", "mitigation=none", "epochs=10", "trainer=auto", "seed=range(16)")


@dataclass
class Arguments:
    """runs: of which the best counts."""

    runs: str = "3"


def rate(folder: Path, runs: int, *words: str) -> float:
    """Samples a second."""
    with quiet():
        done = [train(config(folder, *SKIES, "epochs=2", "batch_size=256", *words)) for _ in range(runs)]
    return max(float(run.facts["samples_per_second"]) for run in done)


def evaluation_seconds(run: Run, device: str) -> float:
    with patch("overcast.evaluation.evaluate.measuring_device", lambda _: device), quiet():
        evaluate(run, pictures=False)
        began = time.perf_counter()
        evaluate(run, pictures=False)
    return time.perf_counter() - began


def study_seconds(folder: Path, jobs: int) -> float:
    script(folder, "train", "data=digits", "prepare=true", "debug=true")
    began = time.perf_counter()
    script(folder, "train", "-m", *SMALL, f"trainer.jobs_per_gpu={jobs}", f"study.name=jobs{jobs}")
    return time.perf_counter() - began


def row(what: str, ratio: float) -> None:
    print(f"| {what} | {ratio:.2f} |", flush=True)


@plain_script
def main(arguments: Arguments) -> None:
    if not torch.cuda.is_available():
        raise UserError("no GPU is visible here")
    runs = int(arguments.runs)
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}\n\n| what | ratio |\n|---|---|")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        full = rate(folder, runs, "trainer=gpu", "trainer.precision=32-true")
        row("samples a second, float32 (TF32) on the GPU ÷ the CPU", full / rate(folder, 1, "trainer=cpu"))
        half = rate(folder, runs, "trainer=gpu", "trainer.precision=bf16-mixed")
        row("bf16-mixed ÷ float32 (TF32)", half / full)
        for mode in ("default", "reduce-overhead"):  # the best of several runs: the first one compiles
            compiled = rate(folder, max(2, runs), "trainer=gpu", "trainer.precision=32-true", f"trainer.compile={mode}")
            row(f"torch.compile, {mode} ÷ none", compiled / full)
        with patch.object(assemble, "resident_pictures", lambda *_: None):
            fed = rate(folder, runs, "trainer=gpu", "trainer.precision=32-true")
        row("pictures on the GPU ÷ fed batch by batch", full / fed)
        with quiet():
            run = train(config(folder, *SKIES, "epochs=1", "trainer=gpu"))
        row("evaluation, seconds on the CPU ÷ GPU", evaluation_seconds(run, "cpu") / evaluation_seconds(run, "cuda"))
        alone = study_seconds(folder, 1)
        for jobs in (2, 4):
            row(f"16 small runs, seconds one at a time ÷ {jobs} on a GPU", alone / study_seconds(folder, jobs))


if __name__ == "__main__":
    main()
