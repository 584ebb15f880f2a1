"""Train one run from what its folder holds: the part that every process of a run goes through."""

from __future__ import annotations

import io
import logging
import math
import os
import time
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.profilers import AdvancedProfiler, SimpleProfiler
from pytorch_lightning.strategies import DDPStrategy, Strategy

from overcast.config.run_config import RunConfig
from overcast.core.atomic import whole_file
from overcast.core.console import show
from overcast.core.devices import Devices
from overcast.core.seeding import stratified_sample
from overcast.tracking.run import RunRecorder
from overcast.tracking.run_folder import CHECKPOINT, PROFILES, Run
from overcast.tracking.tensorboard import EventFiles
from overcast.training.assemble import Assembled, assemble
from overcast.training.batch_loader import DEBUG_BATCHES, measured_rows
from overcast.training.calibrate import TRAIN_ROWS, calibrate
from overcast.training.checkpoint import AtomicCheckpointIO, EpochCheckpoint
from overcast.training.divergence import StopDiverged
from overcast.training.history import History
from overcast.training.max_time import MaxTime

PROFILERS = {"simple": SimpleProfiler, "advanced": AdvancedProfiler}
"""By what ``trainer.profiler`` calls them; what they measured goes into the run's folder, as `PROFILES`."""

PROFILE_HEAD = 12  # lines

PATIENCE = timedelta(minutes=5)
"""After which a rank that hangs is given up; torch's own is half an hour."""


def fit(
    run: Run,
    devices: Devices,
    record: RunRecorder,
    title: str,
    shown: bool = True,
    first: Run | None = None,
    resume: bool = False,
    watching: Sequence[Callback] = (),
) -> dict[str, Any]:
    """Train, calibrate where there is a part for it, and write ``model.pt`` and ``history.csv``.

    Gives the best figures and how long it took.

    first: a run to take the first weights from, see `overcast.training.first_weights`. resume: go on from the
    checkpoint in the run's folder. watching: what looks on, and may end the fit by an error of its own.

    Raises: DivergedError at the end of an epoch in which a loss is not finite.
    """
    config = run.config
    set_up_torch(devices)
    assembled = assemble(config, run.spec, run.parts, devices, first, shown)
    if config.trainer.compile:  # in place: its weights keep their names
        assembled.net.compile(mode=config.trainer.compile)
    timer = MaxTime(config.trainer.max_seconds or math.inf)
    checkpoint = run.path(CHECKPOINT)
    with_events = config.tracking.tensorboard and (devices.ranks == 1 or os.environ["RANK"] == "0")
    with EventFiles(record, run.folder) if with_events else nullcontext(record) as recorder:
        history = History(recorder, title, assembled.datamodule.train_dataloader().sizes[0], shown)
        ours = [StopDiverged(config.lr, devices.precision), history, timer, EpochCheckpoint(checkpoint), *watching]
        trainer = fit_module(assembled, config, devices, run.folder, ours, checkpoint if resume else None)
    facts: dict[str, Any] = {
        **history.best(),
        "seconds": time.perf_counter() - assembled.began + history.earlier,
        "samples_per_second": history.samples / history.seconds,
        "epochs_run": history.rows[-1]["epoch"],
    }
    if timer.ended:
        facts["ended_by"] = "trainer.max_time"
    if trainer.is_global_zero:
        state = {"preprocessor": assembled.preprocessor.state_dict(), "net": assembled.net.state_dict()}
        if len(assembled.datamodule.calibration):
            state["calibration"] = _calibrate(config, assembled)
            facts["temperature"] = float(state["calibration"]["temperature"])
        _save(state, run.path("model.pt"))
        run.write("history.csv", history.csv())
        _show_profile(run.folder)
    return facts


def fit_module(
    assembled: Assembled,
    config: RunConfig,
    devices: Devices,
    folder: Path,
    callbacks: list[Callback],
    checkpoint: Path | None = None,
) -> Trainer:
    """Fit with these callbacks, in front of the mitigations' own; gives Lightning's trainer.

    folder: for what a profiler writes. checkpoint: where to go on from.
    """
    with warnings.catch_warnings():
        _silence_lightning()
        trainer = _trainer(config, devices, folder, [*callbacks, *assembled.callbacks])
        try:
            trainer.fit(assembled.module, assembled.datamodule, ckpt_path=checkpoint, weights_only=True)
        except SystemExit as end:
            if isinstance(end.__context__, KeyboardInterrupt):  # which Lightning turns into exit code 1
                raise KeyboardInterrupt from None
            raise
    return trainer


def set_up_torch(devices: Devices) -> None:
    """Threads, determinism and precision of this process, for a training on these devices."""
    torch.set_num_threads(devices.threads)
    torch.use_deterministic_algorithms(True, warn_only=devices.accelerator == "gpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_float32_matmul_precision("high" if devices.accelerator == "gpu" else "highest")
    if devices.gpus:  # "cuda" alone is this one from here on
        torch.cuda.set_device(devices.gpus[int(os.environ["LOCAL_RANK"]) if devices.ranks > 1 else 0])


def _silence_lightning() -> None:
    """Lightning's advice is for other programs: our loaders have no workers, and no logger is meant."""
    for name in ("pytorch_lightning.utilities.rank_zero", "lightning_fabric.utilities.distributed"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="pytorch_lightning.*")
    warnings.filterwarnings("ignore", "The `srun` command is available")  # nor are ranks started by SLURM
    warnings.filterwarnings("ignore", module="torch.utils.flop_counter")


def _trainer(config: RunConfig, devices: Devices, folder: Path, callbacks: list[Callback]) -> Trainer:
    profiler = config.trainer.profiler
    several = devices.ranks > 1
    strategy: Strategy | str = "auto"
    if several:
        strategy = DDPStrategy(timeout=PATIENCE)
    return Trainer(
        accelerator=devices.accelerator,
        devices=list(devices.gpus) or devices.ranks_a_node,
        num_nodes=devices.num_nodes,
        strategy=strategy,
        precision=devices.precision,  # type: ignore[arg-type]
        max_epochs=1 if config.debug else config.epochs,
        check_val_every_n_epoch=1 if config.debug else math.gcd(config.epochs, config.measure_every),
        limit_train_batches=DEBUG_BATCHES if config.debug else None,
        gradient_clip_val=config.trainer.gradient_clip_val,
        accumulate_grad_batches=config.trainer.accumulate_grad_batches,
        num_sanity_val_steps=0,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        # ranks are started by us: what a cluster's environment says of its own tasks is about others
        plugins=[TorchElasticEnvironment() if several else LightningEnvironment(), AtomicCheckpointIO()],
        profiler=profiler and PROFILERS[profiler](dirpath=folder, filename="profile"),
        default_root_dir=folder,
        callbacks=callbacks,
    )


def _show_profile(folder: Path) -> None:
    """Print the head of the profiler's table, if there is one, and where all of it is."""
    for path in sorted(folder.glob(PROFILES))[:1]:  # each process has its own: the first one's tells enough
        lines = [line.rstrip() for line in path.read_text(encoding="utf8").splitlines() if line.strip()]
        show("\n".join(lines[:PROFILE_HEAD]))
        show(f"profile: all {len(lines)} lines in {path}")


def _calibrate(config: RunConfig, assembled: Assembled) -> dict[str, Any]:
    """What the network is calibrated by, from the calibration part and some rows of the train part."""
    datamodule, module = assembled.datamodule, assembled.module
    rows = measured_rows(config, datamodule.pack, datamodule.calibration)
    some = stratified_sample(datamodule.train, datamodule.pack.labels, TRAIN_ROWS, 0, "calibrate")
    return calibrate(module.preprocessor, module.net, datamodule.batches(rows), datamodule.batches(some))


def _save(state: dict[str, dict[str, Any]], path: Path) -> None:
    """Write the weights, and what they are calibrated by, whole or not at all."""
    buffer = io.BytesIO()  # torch hides a full disk behind a RuntimeError; a plain write does not
    torch.save(state, buffer)
    whole_file(path, buffer.getvalue())
