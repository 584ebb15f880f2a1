"""The figures of each epoch that is looked at, kept, recorded and shown."""

from __future__ import annotations

import csv
import io
import sys
import time
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from overcast.core.console import in_language
from overcast.core.progress import open_bar
from overcast.tracking.run import Epoch, RunRecorder

SECONDS_BETWEEN_RECORDS = 5.0
"""A call for each epoch would take longer than a short epoch."""


class History(Callback):
    """Keep the figures of each epoch that is looked at, hand them to the record, and show how far the run is."""

    def __init__(self, record: RunRecorder, title: str, batch_size: int, shown: bool) -> None:
        self.rows: list[dict[str, float]] = []
        self.times: list[float] = []
        self.record, self.title, self.batch_size, self.shown = record, title, batch_size, shown
        self.samples, self.seconds = 0, 0.0
        self.batches, self.created, self.earlier = 0, time.perf_counter(), 0.0
        self.unrecorded: list[Epoch] = []
        self.recorded, self.last_recorded = time.time(), 0

    def state_dict(self) -> dict[str, Any]:
        """What a run that goes on after an interruption has behind it; ``earlier``: seconds."""
        earlier = self.earlier + time.perf_counter() - self.created
        names = ("rows", "times", "samples", "seconds", "batches")
        return {**{name: getattr(self, name) for name in names}, "earlier": earlier}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """An epoch after the checkpoint may have been recorded already: it comes again, and is the same.

        One before it may not be, as where the run's record was deleted meanwhile: it is handed over now.
        """
        for name, value in state_dict.items():
            setattr(self, name, value)
        last = self.record.last_epoch()
        if last is None:
            return
        self.last_recorded = last
        for row, measured in zip(self.rows, self.times, strict=True):
            figures = {name: value for name, value in row.items() if name != "epoch"}
            self.unrecorded.append(Epoch(int(row["epoch"]), figures, measured))

    def on_save_checkpoint(self, *_: Any) -> None:
        self.flush()

    def on_fit_start(self, trainer: Trainer, module: LightningModule) -> None:
        self.bar = open_bar(
            initial=self.batches,
            total=int(trainer.estimated_stepping_batches) * trainer.accumulate_grad_batches,
            desc=self.title,
            unit="batch",
            disable=not self.shown,
            mininterval=0.5 if sys.stderr.isatty() else 10,  # a log file wants few lines
            dynamic_ncols=True,
        )

    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:
        self.began: float | None = time.perf_counter()

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        self.bar.update()
        self.batches += 1
        self.samples += self.batch_size

    def on_validation_start(self, trainer: Trainer, module: LightningModule) -> None:
        self._stop_clock()

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        self._stop_clock()

    def _stop_clock(self) -> None:
        """Training ends where the look at the epoch begins, if there is one."""
        if self.began is not None:
            self.seconds += time.perf_counter() - self.began
            self.began = None

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        figures = {k: float(v) for k, v in trainer.callback_metrics.items() if "/" in k}
        # the first metric ever logged is the one that MLflow's compare page opens with
        row = dict(sorted(figures.items(), key=lambda item: item[0] != "validation/accuracy"))
        epoch = trainer.current_epoch + 1  # Lightning counts from 0, people and every figure from 1
        self.rows.append({"epoch": epoch, **row})
        self.times.append(time.time())
        self.unrecorded.append(Epoch(epoch, row, self.times[-1]))
        if time.time() - self.recorded > SECONDS_BETWEEN_RECORDS:
            self.flush()
        validation = f"{row['validation/accuracy']:.1%} " if "validation/accuracy" in row else ""
        told = f"epoch {epoch}, accuracy {validation}(train {row['train/accuracy']:.1%})"
        self.bar.set_postfix_str(in_language(told))

    def flush(self) -> None:
        """Hand over the epochs that the record does not have yet."""
        self.record.epochs([epoch for epoch in self.unrecorded if epoch.number > self.last_recorded])
        self.unrecorded, self.recorded = [], time.time()

    def on_fit_end(self, trainer: Trainer, module: LightningModule) -> None:
        self.bar.close()
        self.flush()

    def on_exception(self, *_: Any) -> None:
        if hasattr(self, "bar"):
            self.bar.close()
        self.flush()

    def csv(self) -> str:
        """The learning curves: a row for each epoch that was looked at; the first of all is 1."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(self.rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue()

    def best(self) -> dict[str, float]:
        """The figures of the epoch with the least validation negative log-likelihood, as ``best/…``.

        None without a validation part.
        """
        if "validation/nll" not in self.rows[0]:
            return {}
        row = min(self.rows, key=lambda r: r["validation/nll"])
        return {"best/epoch": row["epoch"]} | {
            f"best/{name.replace('/', '_')}": value for name, value in row.items() if name != "epoch"
        }
