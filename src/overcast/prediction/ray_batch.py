"""Batch prediction on a Ray cluster, for those who outgrow a machine: the same rows in the same order as `predictions`.

Ray Data gives each core a copy of the network and batches of files. The cluster is that of Ray's variable RAY_ADDRESS;
without it, this machine's cores are one. Its nodes have overcast installed, and the files below the same paths.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import pickle
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from overcast.core.errors import UserError
from overcast.prediction.predict import Prediction, predictions
from overcast.prediction.predictor import BATCH, Predictor

INSTALL = 'pip install --constraint constraints.txt --editable ".[ray]"'


def predictions_on_ray(predictor: Predictor, paths: Sequence[Path]) -> Iterator[Prediction]:
    """A row for each sample in the files, in their order.

    Raises: UserError if Ray is not installed, its cluster does not answer, or a worker dies again and again.
    """
    with _cluster() as ray:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.execution_options.preserve_order = True
        files = ray.data.from_items([{"file": os.fsencode(path)} for path in paths])  # which need not be texts
        workers = min(max(1, int(ray.cluster_resources().get("CPU", 1))), -(-len(paths) // BATCH))
        rows = files.map_batches(
            Worker, fn_constructor_args=(predictor,), batch_size=BATCH, concurrency=workers, num_cpus=1
        )
        for row in tqdm(rows.iter_rows(), unit="sample", disable=len(paths) <= BATCH):
            prediction, remarks = pickle.loads(row["row"])
            print(remarks, end="", file=sys.stderr)
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


@contextlib.contextmanager
def _cluster() -> Iterator[Any]:
    """Ray, connected. Raises: UserError as `predictions_on_ray` does."""
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # of those who develop Ray: one line remains
    try:
        import ray
        import ray.data
        from ray.exceptions import RayError
    except ImportError:
        raise UserError(f"ray=true needs the extra `ray`: run {INSTALL}") from None
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        _check_address(os.environ.get("RAY_ADDRESS", ""))
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        yield ray
    except ConnectionError as error:
        raise UserError(
            f"the Ray cluster does not answer ({_first_line(error)}): start it, or leave RAY_ADDRESS out; one that "
            "asks for a token wants RAY_AUTH_MODE=token here too"
        ) from None
    except RayError as error:
        raise UserError(f"Ray could not finish ({_first_line(error)}): nothing was written. Try again") from None
    finally:
        ray.shutdown()


def _check_address(address: str) -> None:
    """Raises: ConnectionError at once if nobody listens there, which Ray would try for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
        except OSError as error:
            raise ConnectionError(f"{address}: {error.strerror or error}") from None


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
