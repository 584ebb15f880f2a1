"""Train one run from what its folder holds: the part that every process of a run goes through."""

from __future__ import annotations

import io
import logging
import math
import os
import time
import warnings
from collections.abc import Sequence
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
from overcast.core.devices import Devices
from overcast.model import Network
from overcast.prediction.build import build
from overcast.prediction.preprocessor import Preprocessor, build_preprocessor, cached_fit
from overcast.prediction.trained_network import data_folder, open_config_pack
from overcast.tracking.run import RunRecorder
from overcast.tracking.run_folder import PROFILES, Run
from overcast.training.batch_loader import DEBUG_BATCHES, measured_rows
from overcast.training.classifier import ClassifierModule
from overcast.training.datamodule import PackDataModule
from overcast.training.divergence import StopDiverged
from overcast.training.feature_cache import cached_features, leave_batches_unchanged
from overcast.training.first_weights import load_first_weights
from overcast.training.history import History

PROFILERS = {"simple": SimpleProfiler, "advanced": AdvancedProfiler}
"""By what ``trainer.profiler`` calls them; what they measured goes into the run's folder, as `PROFILES`."""

PROFILE_HEAD = 12  # lines


def fit(
    run: Run,
    devices: Devices,
    record: RunRecorder,
    title: str,
    shown: bool = True,
    first: Run | None = None,
    watching: Sequence[Callback] = (),
) -> dict[str, Any]:
    """Train, and write ``model.pt`` and ``history.csv``; gives the best figures and how long it took.

    first: a run to take the first weights from, see `overcast.training.first_weights`. watching: what looks on, and may
    end the fit by an error of its own.

    Raises: DivergedError at the end of an epoch in which a loss is not finite.
    """
    config, spec = run.config, run.spec
    _set_up_torch(devices)
    pack = open_config_pack(config)
    datamodule = PackDataModule(pack, run.parts, config.batch_size, config.seed)
    datamodule.validation = measured_rows(config, pack, datamodule.validation)
    datamodule.sample = measured_rows(config, pack, datamodule.sample)
    net, mitigations = build(config, spec)
    if first:
        load_first_weights(net, first)
    blank, folder = build_preprocessor(spec, net.input_stats, config.shuffle_pixels), data_folder(config)
    preprocessor = cached_fit(blank, pack, datamodule.train, folder)
    began = time.perf_counter()
    inputs, rest = preprocessor, net
    if leave_batches_unchanged(mitigations):
        device = "cuda" if devices.accelerator == "gpu" else "cpu"
        datamodule.pack, inputs, rest = cached_features(pack, preprocessor, net, folder, device, shown)
    module = ClassifierModule(inputs, rest, mitigations, seed=config.seed, lr=config.lr, classes=len(spec.classes))
    history = History(record, title, datamodule.train_dataloader().sizes[0], shown)
    callbacks = [c for m in mitigations.values() for c in m.callbacks()]
    with warnings.catch_warnings():
        _silence_lightning()
        finite = StopDiverged(config.lr, devices.precision)
        trainer = _trainer(config, devices, run.folder, [finite, history, *callbacks, *watching])
        try:
            trainer.fit(module, datamodule)
        except SystemExit as end:
            if isinstance(end.__context__, KeyboardInterrupt):  # which Lightning turns into exit code 1
                raise KeyboardInterrupt from None
            raise
    facts = {
        **history.best(),
        "seconds": time.perf_counter() - began,
        "samples_per_second": history.samples / history.seconds,
        "epochs_run": history.rows[-1]["epoch"],
    }
    if trainer.is_global_zero:
        _save(preprocessor, net, run.path("model.pt"))
        run.write("history.csv", history.csv())
        _show_profile(run.folder)
    return facts


def _set_up_torch(devices: Devices) -> None:
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
    warnings.filterwarnings("ignore", module="torch.utils.flop_counter")


def _trainer(config: RunConfig, devices: Devices, folder: Path, callbacks: list[Callback]) -> Trainer:
    profiler = config.trainer.profiler
    several = devices.ranks > 1
    strategy: Strategy | str = "auto"
    if several:
        from datetime import timedelta

        # a rank that hangs is given up after minutes, not after torch's half hour
        strategy = DDPStrategy(timeout=timedelta(minutes=5))
    return Trainer(
        accelerator=devices.accelerator,
        devices=list(devices.gpus) or devices.ranks,
        strategy=strategy,
        precision=devices.precision,  # type: ignore[arg-type]
        max_epochs=1 if config.debug else config.epochs,
        check_val_every_n_epoch=1 if config.debug else math.gcd(config.epochs, config.measure_every),
        limit_train_batches=DEBUG_BATCHES if config.debug else None,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        # ranks are started by us: what a cluster's environment says of its own tasks is about others
        plugins=TorchElasticEnvironment() if several else LightningEnvironment(),
        profiler=profiler and PROFILERS[profiler](dirpath=folder, filename="profile"),
        default_root_dir=folder,
        callbacks=callbacks,
    )


def _show_profile(folder: Path) -> None:
    """Print the head of the profiler's table, if there is one, and where all of it is."""
    for path in sorted(folder.glob(PROFILES))[:1]:  # each process has its own: the first one's tells enough
        lines = [line.rstrip() for line in path.read_text(encoding="utf8").splitlines() if line.strip()]
        print("\n".join(lines[:PROFILE_HEAD]))
        print(f"profile: all {len(lines)} lines in {path}")


def _save(preprocessor: Preprocessor, net: Network, path: Path) -> None:
    """Write the weights whole or not at all."""
    buffer = io.BytesIO()  # torch hides a full disk behind a RuntimeError; a plain write does not
    torch.save({"preprocessor": preprocessor.state_dict(), "net": net.state_dict()}, buffer)
    whole_file(path, buffer.getvalue())
