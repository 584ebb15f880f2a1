"""What overcast costs beside the bare libraries: each figure is a ratio of two things, measured in turns in one run.

    python benchmarks/ratios.py                  every ratio, as a table: a quarter of an hour on two idle cores
    python benchmarks/ratios.py quick=true       the main ones, few rounds; exit code 1 past three times a bound

CPU time of the process and its children, so that other work on the machine disturbs little. A row gives the median of
the rounds' ratios and the range of them.
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from overcast.config.script import plain_script
from overcast.core.errors import UserError
from overcast.core.paths import HOME, ROOT

Work = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One ratio. bound: what it should be at most, or at least where ``above``. quick: whether it is a main one."""

    name: str
    bound: float
    measure: Callable[[Path, int], list[float]]
    above: bool = False
    quick: bool = False


@dataclass
class Arguments:
    """quick: the main ratios only, and few rounds."""

    quick: bool = False


def cpu_seconds(work: Work) -> float:
    """CPU time that this takes, here and in child processes that have ended."""

    def used() -> float:
        usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(usage.ru_utime + usage.ru_stime for usage in usages)

    began = used()
    work()
    return used() - began


def in_turns(ours: Work, bare: Work, rounds: int) -> list[float]:
    """Ours over bare, of each round; the first of both only warms up."""
    for work in (ours, bare):
        work()
    return [cpu_seconds(ours) / cpu_seconds(bare) for _ in range(rounds)]


def script(folder: Path, name: str, *words: str) -> None:
    """One of the pipeline's scripts, quiet unless it fails."""
    run([sys.executable, str(ROOT / "pipelines" / f"{name}.py"), *words], folder)


def run(command: list[str], folder: Path) -> None:
    """Raises: UserError with what it said if it fails."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW")} | {HOME: str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"{' '.join(command)} failed:\n{done.stderr}")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def config(folder: Path, *overrides: str) -> Any:
    from overcast.config.compose import compose_config

    places = [f"data_dir={folder / 'data'}", f"runs_dir={folder / 'runs'}"]
    tracking = [f"tracking.uri=sqlite:///{folder}/mlflow.db", f"tracking.artifacts={folder}/mlartifacts"]
    return compose_config("trainer=cpu", "trainer.threads=1", "prepare=true", *places, *tracking, *overrides)


def bare_imports(folder: Path, *packages: str) -> None:
    """A Python that imports these and ends."""
    run([sys.executable, "-c", f"import {', '.join(packages)}"], folder)


TRAINING = ("hydra", "torch", "pytorch_lightning", "torchmetrics", "mlflow", "torch._dynamo")
"""What a training needs: any optimiser's first step imports the last one."""


def digits_run(folder: Path, rounds: int) -> list[float]:
    """A run of the ANN on digits, recorded, over the same training in bare Lightning."""
    from overcast.training.train import train

    asked = config(folder, "data=digits", "model=ann", "mitigation=none")

    def ours() -> None:
        with quiet():
            train(asked)

    ours()
    return in_turns(ours, lambda: bare_lightning(folder, asked), rounds)


def bare_lightning(folder: Path, asked: Any) -> None:
    """The same network, batches and schedule; validated once an epoch; no record."""
    import logging
    import warnings

    import numpy as np
    import pytorch_lightning as pl
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    from overcast.prediction.build import build
    from overcast.prepare.pack import open_pack
    from overcast.prepare.split import read_parts

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    pack = open_pack(folder / "data", "digits")
    parts = read_parts(folder / "data", "digits", 0, 0, 10)
    x = torch.from_numpy(np.array(pack.values)).float() / 16
    data = TensorDataset(x, torch.from_numpy(pack.labels))
    rows = {part: np.flatnonzero(parts == part).tolist() for part in ("train", "validation")}
    net, _ = build(asked, pack.spec)
    height = torch.full((1,), 8)

    class Module(pl.LightningModule):
        def training_step(self, batch: Any, _: int) -> torch.Tensor:
            return torch.nn.functional.cross_entropy(net(batch[0], height), batch[1])

        def validation_step(self, batch: Any, _: int) -> None:
            logits = net(batch[0], height)
            self.log("nll", torch.nn.functional.cross_entropy(logits, batch[1]))
            self.log("accuracy", (logits.argmax(1) == batch[1]).float().mean())

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.AdamW(net.parameters(), lr=asked.lr, weight_decay=0.0)
            steps = int(self.trainer.estimated_stepping_batches)
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, asked.lr, steps, cycle_momentum=False)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    subset = torch.utils.data.Subset
    loaders = [
        DataLoader(subset(data, rows["train"]), asked.batch_size, shuffle=True),
        DataLoader(subset(data, rows["validation"]), 512),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        off = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
        pl.Trainer(accelerator="cpu", max_epochs=asked.epochs, num_sanity_val_steps=0, **off).fit(Module(), *loaders)  # type: ignore[arg-type]


def debug_train(folder: Path, rounds: int) -> list[float]:
    """`train` with debug=true over the imports that it cannot do without."""
    script(folder, "train", "data=digits", "prepare=true", "debug=true")
    ours = lambda: script(folder, "train", "data=digits", "debug=true")  # noqa: E731
    return in_turns(ours, lambda: bare_imports(folder, *TRAINING), rounds)


def evaluate(folder: Path, rounds: int) -> list[float]:
    """`evaluate` of a run that was evaluated before, over the same imports."""
    script(folder, "train", "data=digits", "prepare=true", "debug=true")
    ours = lambda: script(folder, "evaluate", "run=latest")  # noqa: E731
    return in_turns(ours, lambda: bare_imports(folder, *TRAINING), rounds)


def predict(folder: Path, rounds: int) -> list[float]:
    """`predict` of 20 pictures, over the same imports."""
    script(folder, "train", "data=skies", "data.n_samples=100", "prepare=true", "debug=true", "model=ann")
    pictures, of_one_class = f"files={folder / 'data/skies/raw/cloudy'}", 20
    assert len(list((folder / "data/skies/raw/cloudy").iterdir())) == of_one_class
    ours = lambda: script(folder, "predict", "run=latest", pictures, f"out={folder / 'out.csv'}")  # noqa: E731
    return in_turns(ours, lambda: bare_imports(folder, *TRAINING), rounds)


def no_op_repro(folder: Path, rounds: int) -> list[float]:
    """`dvc repro` with nothing to do in a clone of the project, over `dvc status` in an empty repository."""
    empty, clone = folder / "empty", folder / "clone"
    run(["git", "clone", "--quiet", str(ROOT), str(clone)], folder)
    run(["git", "init", "--quiet", str(empty)], folder)
    run([sys.executable, "-m", "dvc", "init", "--quiet"], empty)
    repro = lambda: run([sys.executable, "-m", "dvc", "repro"], clone)  # noqa: E731
    return in_turns(repro, lambda: run([sys.executable, "-m", "dvc", "status"], empty), rounds)


ROWS = (
    Row("digits run ÷ bare Lightning", 1.15, digits_run, quick=True),
    Row("`train` with debug=true ÷ bare imports", 1.3, debug_train, quick=True),
    Row("`evaluate` ÷ bare imports", 1.3, evaluate),
    Row("`predict` of 20 pictures ÷ bare imports", 0.5, predict, quick=True),
    Row("no-op `dvc repro` ÷ `dvc status` of an empty repository", 1.5, no_op_repro),
)


@plain_script
def main(arguments: Arguments) -> None:
    rows = [row for row in ROWS if row.quick or not arguments.quick]
    failed = []
    print("| ratio | measured | range | bound |\n|---|---|---|---|")
    for row in rows:
        with tempfile.TemporaryDirectory() as place:
            ratios = row.measure(Path(place), 2 if arguments.quick else 5)
        found, sign = median(ratios), "≥" if row.above else "≤"
        print(
            f"| {row.name} | {found:.2f} | {min(ratios):.2f} to {max(ratios):.2f} | {sign} {row.bound:g} |", flush=True
        )
        if (found < row.bound / 3) if row.above else (found > 3 * row.bound):
            failed.append(row.name)
    if failed:
        raise UserError(f"far beyond the bound: {'; '.join(failed)}")


if __name__ == "__main__":
    main()
