"""Train one run from what its folder holds: the part that every process of a run goes through."""

from __future__ import annotations

import csv
import io
import logging
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.profilers import AdvancedProfiler, SimpleProfiler
from pytorch_lightning.strategies import DDPStrategy, Strategy
from tqdm.auto import tqdm

from overcast import options
from overcast.atomic import whole_file
from overcast.config import name_of
from overcast.devices import Devices
from overcast.divergence import StopDiverged
from overcast.errors import DivergedError, UserError
from overcast.features import change_nothing, once
from overcast.feed import EVALUATION_BATCH, Feed
from overcast.inputs import Inputs, input_layer, refuse_shuffle
from overcast.learner import Learner
from overcast.mitigation import Mitigation
from overcast.model import Network, example
from overcast.prepare.pack import Pack, open_pack
from overcast.runs import Run
from overcast.seeding import key, stratified_sample
from overcast.spec import Spec
from overcast.tracking import Record

DEBUG_BATCHES = 2

PROFILERS = {"simple": SimpleProfiler, "advanced": AdvancedProfiler}
"""By what ``trainer.profiler`` calls them; they write ``fit-profile.txt`` into the run's folder."""


class History(Callback):
    """Keep each epoch's figures, hand them to the record, and show how far the run is."""

    def __init__(self, record: Record, title: str, batch_size: int, shown: bool) -> None:
        self.rows: list[dict[str, float]] = []
        self.record, self.title, self.batch_size, self.shown = record, title, batch_size, shown
        self.samples, self.seconds = 0, 0.0

    def on_fit_start(self, trainer: Trainer, module: LightningModule) -> None:
        self.bar = tqdm(
            total=int(trainer.estimated_stepping_batches),
            desc=self.title,
            unit="batch",
            disable=not self.shown,
            mininterval=0.5 if sys.stderr.isatty() else 10,  # a log file wants few lines
            dynamic_ncols=True,
        )

    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:
        self.began = time.perf_counter()

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        self.bar.update()
        self.samples += self.batch_size

    def on_validation_start(self, trainer: Trainer, module: LightningModule) -> None:
        self.seconds += time.perf_counter() - self.began

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        found = {k: float(v) for k, v in trainer.callback_metrics.items() if "/" in k}
        # the first metric ever logged is the one that MLflow's compare page opens with
        row = {"validation/accuracy": found.pop("validation/accuracy"), **found}
        epoch = trainer.current_epoch + 1  # Lightning counts from 0, people and every figure from 1
        self.rows.append({"epoch": epoch, **row})
        self.record.metrics(row, step=epoch)
        self.bar.set_postfix_str(
            f"epoch {epoch}, accuracy {row['validation/accuracy']:.1%} (train {row['train/accuracy']:.1%})"
        )

    def on_fit_end(self, trainer: Trainer, module: LightningModule) -> None:
        self.bar.close()

    def on_exception(self, *_: Any) -> None:
        if hasattr(self, "bar"):
            self.bar.close()

    def csv(self) -> str:
        """The learning curves: a row an epoch, the first one being 1."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(self.rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue()

    def best(self) -> dict[str, float]:
        """The figures of the epoch with the least validation negative log-likelihood, as ``best/…``."""
        row = min(self.rows, key=lambda r: r["validation/nll"])
        return {"best/epoch": row["epoch"]} | {
            f"best/{name.replace('/', '_')}": value for name, value in row.items() if name != "epoch"
        }


def build(config: dict[str, Any], spec: Spec) -> tuple[Network, dict[str, Mitigation]]:
    """The network with its first weights, which depend on the seed alone, and the mitigations.

    Raises: UserError for options that are wrong or do not fit this kind of data.
    """
    refuse_shuffle(config["shuffle"], spec)
    mitigations = options.mitigations(config["mitigation"], spec.kind)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(key(config["seed"], "weights"))
        net: Network = options.network(config["model"], spec, mitigations)
    return net, mitigations


def size(config: dict[str, Any], spec: Spec) -> dict[str, int]:
    """Weights of the network, frozen ones too, and multiply-adds of one sample through it."""
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        mitigations = options.mitigations(config["mitigation"], spec.kind)
        net = options.network(config["model"], spec, mitigations).eval()
        x, length = example(spec, "meta")
        with FlopCounterMode(display=False) as counter:
            net(x, length)
    halves = net.halves()
    modules = [net, halves[0].module] if halves else [net]
    weights = sum(p.numel() for module in modules for p in module.parameters())
    return {"parameters": weights, "multiply_adds": counter.get_total_flops() // 2}


def restore(run: Run) -> Learner:
    """A stored run's learner with its weights, in eval mode on the CPU: built from its folder alone.

    Raises: DivergedError if the weights are not finite numbers.
    """
    config, spec = run.config, run.spec
    net, mitigations = build(config, spec)
    learner = _learner(config, spec, input_layer(spec, net.pixels, config["shuffle"]), net, mitigations)
    state = torch.load(run.path("model.pt"), map_location="cpu", weights_only=True)
    if not all(value.isfinite().all() for part in state.values() for value in part.values()):
        raise DivergedError(
            f"the training of the run in {run.folder} diverged: its weights are not finite numbers. Train again with "
            f"a lower lr (it was {config['lr']:g})"
        )
    learner.inputs.load_state_dict(state["inputs"])
    learner.net.load_state_dict(state["net"])
    return learner.eval()


def measuring(run: Run, pack: Pack) -> tuple[Learner, Pack]:
    """The restored learner as fast as it measures rows of ``pack``, and the pack to give it."""
    learner = restore(run)
    seen, learner.inputs, learner.net = once(pack, learner.inputs, learner.net, _place(run.config))
    return learner, seen


def measured_rows(config: dict[str, Any], pack: Pack, rows: np.ndarray) -> np.ndarray:
    """These rows of a part; in a debug run as many of them as two batches hold, the same for every run."""
    return stratified_sample(rows, pack.labels, DEBUG_BATCHES * EVALUATION_BATCH, "debug") if config["debug"] else rows


def _place(config: dict[str, Any]) -> Path:
    """The folder of a config's data set."""
    return Path(config["data_dir"]) / name_of(config["data"])


def pack_of(config: dict[str, Any]) -> Pack:
    """The pack that a config's data stands for."""
    name = name_of(config["data"])
    return open_pack(Path(config["data_dir"]), name, options.numbers(config["data"]))


def pack_of_run(run: Run) -> Pack:
    """The pack that a run was trained on. Raises: UserError if the data has changed since."""
    pack = pack_of(run.config)
    if pack.info["fingerprint"] != run.facts["pack"]:
        raise UserError(
            f"the data has changed since {run.folder} was trained: its pack has another fingerprint. "
            "Train again, or pack the data with the options it was trained with"
        )
    return pack


def _learner(
    config: dict[str, Any], spec: Spec, inputs: Inputs, net: Network, mitigations: dict[str, Mitigation]
) -> Learner:
    return Learner(inputs, net, mitigations, seed=config["seed"], lr=config["lr"], classes=len(spec.classes))


def fit(run: Run, devices: Devices, record: Record, title: str, shown: bool = True) -> dict[str, Any]:
    """Train, and write ``model.pt`` and ``history.csv``; gives the best figures and how long it took.

    Raises: DivergedError at the end of an epoch in which a loss is not finite.
    """
    config, spec = run.config, run.spec
    _settle(devices)
    pack = pack_of(config)
    feed = Feed(pack, run.parts, config["batch_size"], config["seed"])
    feed.validation, feed.sample = (measured_rows(config, pack, rows) for rows in (feed.validation, feed.sample))
    net, mitigations = build(config, spec)
    inputs = input_layer(spec, net.pixels, config["shuffle"]).learn(pack, feed.train)
    began = time.perf_counter()
    first, rest = inputs, net
    if change_nothing(mitigations):
        device = "cuda" if devices.accelerator == "gpu" else "cpu"
        feed.pack, first, rest = once(pack, inputs, net, _place(config), device, shown)
    learner = _learner(config, spec, first, rest, mitigations)
    history = History(record, title, feed.train_dataloader().sizes[0], shown)
    callbacks = [c for m in mitigations.values() for c in m.callbacks()]
    with warnings.catch_warnings():
        _silence()
        finite = StopDiverged(config["lr"], devices.precision)
        trainer = _trainer(config, devices, run.folder, [finite, history, *callbacks])
        try:
            trainer.fit(learner, feed)
        except SystemExit as end:
            if isinstance(end.__context__, KeyboardInterrupt):  # which Lightning turns into exit code 1
                raise KeyboardInterrupt from None
            raise
    facts = {
        **history.best(),
        "seconds": time.perf_counter() - began,
        "samples_per_second": history.samples / history.seconds,
        "epochs_run": len(history.rows),
    }
    if trainer.is_global_zero:
        _save(inputs, net, run.path("model.pt"))
        run.write("history.csv", history.csv())
    return facts


def _settle(devices: Devices) -> None:
    torch.set_num_threads(devices.threads)
    torch.use_deterministic_algorithms(True, warn_only=devices.accelerator == "gpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_float32_matmul_precision("high" if devices.accelerator == "gpu" else "highest")


def _silence() -> None:
    """Lightning's advice is for other programs: our loaders have no workers, and no logger is meant."""
    for name in ("pytorch_lightning.utilities.rank_zero", "lightning_fabric.utilities.distributed"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="pytorch_lightning.*")
    warnings.filterwarnings("ignore", module="torch.utils.flop_counter")


def _trainer(config: dict[str, Any], devices: Devices, folder: Path, callbacks: list[Callback]) -> Trainer:
    limit = DEBUG_BATCHES if config["debug"] else None
    profiler = config["trainer"]["profiler"]
    several = devices.ranks > 1
    strategy: Strategy | str = "auto"
    if several:
        from datetime import timedelta

        # a rank that hangs is given up after minutes, not after torch's half hour
        strategy = DDPStrategy(timeout=timedelta(minutes=5))
    return Trainer(
        accelerator=devices.accelerator,
        devices=devices.ranks if several else 1,
        strategy=strategy,
        precision=devices.precision,  # type: ignore[arg-type]
        max_epochs=1 if config["debug"] else config["epochs"],
        limit_train_batches=limit,
        limit_val_batches=limit,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        profiler=profiler and PROFILERS[profiler](dirpath=folder, filename="profile"),
        default_root_dir=folder,
        callbacks=callbacks,
    )


def _save(inputs: Inputs, net: Network, path: Path) -> None:
    """Write the weights whole or not at all."""
    buffer = io.BytesIO()  # torch hides a full disk behind a RuntimeError; a plain write does not
    torch.save({"inputs": inputs.state_dict(), "net": net.state_dict()}, buffer)
    whole_file(path, buffer.getvalue())
