"""Batch prediction on a Ray cluster, for those who outgrow a machine: the same rows in the same order as `predictions`.

Ray Data gives each core a copy of the network and batches of files, which have the same paths on all nodes
(`overcast.core.ray_cluster`).
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from overcast.core.console import warn
from overcast.core.progress import open_bar
from overcast.core.ray_cluster import ray_cluster
from overcast.prediction.predict import Prediction, predictions
from overcast.prediction.predictor import BATCH, Predictor


def predictions_on_ray(predictor: Predictor, paths: Sequence[Path]) -> Iterator[Prediction]:
    """A row for each sample in the files, in their order.

    Raises: UserError if Ray is not installed, its cluster does not answer, or a worker dies again and again.
    """
    with ray_cluster() as ray:
        from ray.data import DataContext, from_items

        logging.getLogger("ray.data").setLevel(logging.ERROR)
        context = DataContext.get_current()
        context.enable_progress_bars = False
        context.execution_options.preserve_order = True
        files = from_items([{"file": os.fsencode(path)} for path in paths])  # which need not be texts
        workers = min(max(1, int(ray.cluster_resources().get("CPU", 1))), -(-len(paths) // BATCH))
        rows = files.map_batches(
            Worker, fn_constructor_args=(predictor,), batch_size=BATCH, concurrency=workers, num_cpus=1
        )
        for row in open_bar(rows.iter_rows(), unit="sample", disable=len(paths) <= BATCH):
            prediction, remarks = pickle.loads(row["row"])
            for line in remarks.splitlines():
                warn(line.removeprefix("overcast: "))
            yield prediction


class Worker:
    """One of the processes that label: it is given the network once, and then batches of files."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, list[bytes]]:
        """Each row pickled, as no column of a table holds it exactly, with what reading it had to say."""
        rows = []
        with contextlib.redirect_stderr(io.StringIO()) as remarks:
            for row in predictions(self.predictor, [Path(os.fsdecode(name)) for name in batch["file"]]):
                rows.append(pickle.dumps((row, remarks.getvalue())))
                remarks.seek(0)
                remarks.truncate()
        return {"row": rows}
