"""What a training is made of: network, data and mitigations, put together from a config and the part of each row."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from pytorch_lightning import Callback

from overcast.config.run_config import RunConfig
from overcast.core.devices import Devices
from overcast.core.spec import Spec
from overcast.model import Network
from overcast.prediction.build import build
from overcast.prediction.preprocessor import Preprocessor, build_preprocessor, cached_fit
from overcast.prediction.trained_network import data_folder, open_config_pack
from overcast.prepare.folds import TRAIN
from overcast.tracking.run_folder import Run
from overcast.training.batch_loader import measured_rows
from overcast.training.classifier import ClassifierModule
from overcast.training.datamodule import PackDataModule
from overcast.training.feature_cache import cached_features, leave_batches_unchanged
from overcast.training.first_weights import load_first_weights
from overcast.training.imbalance import loss_weights, sampling_weights
from overcast.training.resident import resident_pictures
from overcast.training.warm_start import takes_last_layer


@dataclass(frozen=True)
class Assembled:
    """module and datamodule: for Lightning. preprocessor, net: what is trained. callbacks: those of the mitigations.

    began: when what a training costs began to count (`time.perf_counter`), which is after what many have in common.
    """

    module: ClassifierModule
    datamodule: PackDataModule
    preprocessor: Preprocessor
    net: Network
    callbacks: list[Callback]
    began: float


def assemble(
    config: RunConfig, spec: Spec, parts: np.ndarray, devices: Devices, first: Run | None = None, shown: bool = True
) -> Assembled:
    """Build all that is trained.

    parts: (N,) of each row of the pack. first: a run to take the first weights from. shown: whether to show how far
    features are that have to be found first.
    """
    pack = open_config_pack(config)
    net, mitigations = build(config, spec)
    classes = len(spec.classes)
    labels = torch.from_numpy(pack.labels[parts == TRAIN])
    sampling, accumulate = sampling_weights(mitigations, labels, classes), config.trainer.accumulate_grad_batches
    datamodule = PackDataModule(pack, parts, config.batch_size, config.seed, sampling, accumulate)
    datamodule.validation = measured_rows(config, pack, datamodule.validation)
    datamodule.sample = measured_rows(config, pack, datamodule.sample)
    if first:
        load_first_weights(net, first, bool(config.init_from) and takes_last_layer(first, spec))
    blank, folder = build_preprocessor(spec, net.input_stats, config.shuffle_pixels), data_folder(config)
    preprocessor = cached_fit(blank, pack, datamodule.train, folder)
    began = time.perf_counter()
    inputs, rest = preprocessor, net
    if leave_batches_unchanged(mitigations):
        device = "cuda" if devices.accelerator == "gpu" else "cpu"
        datamodule.pack, inputs, rest = cached_features(pack, preprocessor, net, folder, device, shown)
    datamodule.resident = resident_pictures(datamodule.pack, devices)
    weights = loss_weights(mitigations, labels, classes)
    module = ClassifierModule(
        inputs, rest, mitigations, seed=config.seed, lr=config.lr, classes=classes, loss_weights=weights
    )
    callbacks = [callback for each in mitigations.values() for callback in each.callbacks()]
    return Assembled(module, datamodule, preprocessor, net, callbacks, began)
