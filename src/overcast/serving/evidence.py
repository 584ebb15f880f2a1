"""What a registered model is judged by: the validation part, sample by sample, of each run that speaks for it.

``validation.csv`` lies with the model: split_seed, fold, seed, row, group, nll. A later model can then be compared on
the very same samples, be the runs there or not.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from overcast.core.csv_rows import write_rows
from overcast.core.errors import DamagedError
from overcast.prepare.folds import VALIDATION
from overcast.tracking.run_folder import Run

FILE = "validation.csv"
COLUMNS = ("split_seed", "fold", "seed", "row", "group", "nll")


@dataclass(frozen=True)
class Evidence:
    """(N,) each, in the order of `COLUMNS`: of each run and sample; nll in nats, groups count as one sample."""

    split_seed: np.ndarray
    fold: np.ndarray
    seed: np.ndarray
    row: np.ndarray
    group: np.ndarray
    nll: np.ndarray

    def to_csv(self) -> str:
        text = io.StringIO()
        *numbers, losses = (getattr(self, name).tolist() for name in COLUMNS)
        write_rows(text, [COLUMNS, *zip(*numbers, (f"{loss:.6g}" for loss in losses), strict=True)])
        return text.getvalue()

    def of_folds(self) -> dict[tuple[int, int], dict[int, tuple[float, np.ndarray, int]]]:
        """Of each (split seed, fold): of each row the mean over seeds, its group, and of how many seeds."""
        found: dict[tuple[int, int], dict[int, tuple[float, int, int]]] = {}
        for split, fold, row, group, nll in zip(
            self.split_seed, self.fold, self.row, self.group, self.nll, strict=True
        ):
            rows = found.setdefault((int(split), int(fold)), {})
            before, _, count = rows.get(int(row), (0.0, 0, 0))
            rows[int(row)] = ((before * count + float(nll)) / (count + 1), int(group), count + 1)
        return found  # type: ignore[return-value]

    @property
    def mean(self) -> float:
        """Over samples of a run, then over runs."""
        runs = np.stack([self.split_seed, self.fold, self.seed], 1)
        _, run = np.unique(runs, axis=0, return_inverse=True)
        return float((np.bincount(run, self.nll) / np.bincount(run)).mean())


def read_evidence(path: Path) -> Evidence:
    """Raises: DamagedError if the file is not as `Evidence.to_csv` writes it."""
    try:
        with path.open(encoding="utf8", newline="") as file:
            header, *lines = csv.reader(file)
        if tuple(header) != COLUMNS or not lines:
            raise ValueError("other columns")
        values = np.array(lines, float)
        split_seed, fold, seed, row, group = values[:, :-1].T.astype(np.int64)
        return Evidence(split_seed, fold, seed, row, group, values[:, -1])
    except (OSError, ValueError):
        raise DamagedError(f"{path} is damaged or missing: register the run again") from None


def measure_evidence(runs: Sequence[Run]) -> Evidence:
    """Of the kept weights of each run on its whole validation part.

    Raises: DivergedError if a network's answers are no finite numbers; UserError if the data of a run is not here.
    """
    from overcast.evaluation.evaluate import measure, sample_groups
    from overcast.prediction.trained_network import open_run_pack
    from overcast.training.feature_cache import restore_for_measuring

    parts = []
    for run in runs:
        config, pack = run.config, open_run_pack(run)
        rows = np.flatnonzero(run.parts == VALIDATION)
        measured = measure(*restore_for_measuring(run, pack), rows)
        true = measured.probabilities[np.arange(len(rows)), measured.target.numpy()]
        nll = -np.log(np.maximum(true, np.finfo(np.float32).tiny))
        same = [np.full(len(rows), number) for number in (config.split.seed, config.split.fold, config.seed)]
        parts.append((*same, rows, sample_groups(pack, rows), nll))
    return Evidence(*(np.concatenate(column) for column in zip(*parts, strict=True)))
