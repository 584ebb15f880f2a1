"""A training of ours beside the same one in bare PyTorch or bare Lightning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from _timing import config, in_turns, quiet
from overcast.core.errors import UserError


def training_loop(folder: Path, rounds: int) -> list[float]:
    """The fit of the default run, two epochs of it, over a bare loop of the same operations: the same weights."""
    return default_run(folder, rounds, whole=False)


def whole_train(folder: Path, rounds: int) -> list[float]:
    """The like for all of `train`: planned, fitted and recorded."""
    return default_run(folder, rounds, whole=True)


def default_run(folder: Path, rounds: int, whole: bool) -> list[float]:
    import torch

    from overcast.core.devices import Devices
    from overcast.tracking.run import RunRecorder
    from overcast.training.fit import fit
    from overcast.training.train import train

    asked = config(folder, "epochs=2")
    with quiet():
        run = train(asked)
    devices = Devices("cpu", 1, "32-true", 1, ())

    def ours() -> None:
        with quiet():
            if whole:
                train(asked)
            else:
                fit(run, devices, RunRecorder(), "", shown=False)

    states: list[dict[str, torch.Tensor]] = []
    ratios = in_turns(ours, lambda: states.append(bare_pytorch(asked)), rounds)
    stored = torch.load(run.path("model.pt"), weights_only=True)["net"]
    if not all(value.equal(stored[name]) for name, value in states[-1].items()):
        raise UserError("the bare loop came to other weights: the two did not do the same")
    return ratios


def bare_pytorch(asked: Any) -> dict[str, Any]:
    """The default run as a plain loop; its network's weights."""
    import numpy as np
    import torch

    from overcast.core.seeding import derive_seed, generator
    from overcast.mitigation import Batch
    from overcast.prediction.build import build
    from overcast.prediction.preprocessor import build_preprocessor
    from overcast.prediction.trained_network import open_config_pack
    from overcast.prepare.split import read_parts
    from overcast.training.plan import n_batches

    torch.set_num_threads(1)
    pack = open_config_pack(asked)
    values, labels = torch.from_numpy(np.array(pack.values)), torch.from_numpy(pack.labels)
    parts = read_parts(Path(asked.data_dir), asked.data.name, 0, 0, asked.folds)
    train, validation = (np.flatnonzero(parts == part) for part in ("train", "validation"))
    sample = train[torch.randperm(len(train), generator=generator(0, "sample", 0)).numpy()][: len(validation)]
    net, mitigations = build(asked, pack.spec)
    preprocessor = build_preprocessor(pack.spec).fit(pack, train)
    optimizer = net.optimizer(asked.lr)
    count = n_batches(len(train), asked.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, asked.lr, asked.epochs * count, pct_start=0.25, cycle_momentum=False
    )
    step = 0
    for epoch in range(asked.epochs):
        net.train()
        order = train[torch.randperm(len(train), generator=generator(0, "order", epoch)).numpy()]
        for rows in np.array_split(order, count):
            length = torch.full((len(rows),), pack.spec.shape[1])
            batch = Batch(preprocessor(values[rows], length), labels[rows], length, len(pack.spec.classes))
            for name, mitigation in mitigations.items():
                batch = mitigation.batch(batch, generator(0, name, epoch, step, 0))
            torch.default_generator.manual_seed(derive_seed(0, "layers", step, 0))
            loss = net.loss(net(batch.x, length), batch.y).sum() / len(rows)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            step += 1
        net.eval()
        with torch.inference_mode():
            for rows in (validation, sample):
                logits = net(preprocessor(values[rows], torch.full((len(rows),), pack.spec.shape[1])), None)
                float(net.loss(logits, labels[rows]).mean())
                float((logits.argmax(1) == labels[rows]).float().mean())
    return net.state_dict()


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


def evaluation(folder: Path, rounds: int) -> list[float]:
    """`evaluate` of a run on 15,000 pictures, of which the baseline is known, over one epoch of its training."""
    from overcast.core.devices import Devices
    from overcast.evaluation.evaluate import evaluate as measure
    from overcast.tracking.run import RunRecorder
    from overcast.training.fit import fit
    from overcast.training.train import train

    asked = config(folder, "data.n_samples=15000", "epochs=1")
    with quiet():
        run = train(asked)
        measure(run)
    devices = Devices("cpu", 1, "32-true", 1, ())

    def epoch() -> None:
        with quiet():
            fit(run, devices, RunRecorder(), "", shown=False)

    return in_turns(lambda: measure(run), epoch, rounds)
