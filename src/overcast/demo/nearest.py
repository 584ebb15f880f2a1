"""The training samples that are nearest to a new one, by what the network's last layer reads of them.

Near is a small angle between features (Sun et al., "Out-of-Distribution Detection with Deep Nearest Neighbors", 2022).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from overcast.core.errors import UserError
from overcast.core.progress import progress_bar
from overcast.core.seeding import stratified_sample
from overcast.core.words import translate
from overcast.demo.shown_sample import shown
from overcast.prediction.predictor import BATCH
from overcast.prediction.run_predictor import RunPredictor
from overcast.prediction.trained_network import data_folder, open_run_pack
from overcast.prepare.folds import TRAIN
from overcast.prepare.pack import Pack
from overcast.tracking.run_folder import Run

MOST_ROWS = 15_000
WORK = 300e9
"""Multiply-adds that all samples together may take: about ten seconds on a slow core."""
FEWEST = 200
"""Samples that are looked through however large the network is."""
MEMORY = 1 << 28
"""Bytes of all features."""
SHOWN = 6


class NearestSamples:
    """The features of the rows that a run was trained on, and how to find the nearest.

    Raises: UserError if the data is gone or has changed since.
    """

    def __init__(self, run: Run, predictor: RunPredictor) -> None:
        self.run, self.pack = run, open_run_pack(run)
        trained = np.flatnonzero(run.parts == TRAIN)
        if not len(trained):
            raise UserError("the run has no train part")
        predictor.watch_features()
        size = min(MOST_ROWS, max(FEWEST, int(WORK / run.facts["multiply_adds"])))
        size = min(size, max(FEWEST, MEMORY // (4 * _features(predictor, self.pack, trained[:1]).shape[1])))
        self.rows = stratified_sample(trained, self.pack.labels, size, run.config.seed, "nearest")
        batches = np.array_split(self.rows, -(-len(self.rows) // BATCH))
        found = [_features(predictor, self.pack, rows) for rows in progress_bar(batches, "training samples", "batch")]
        self.directions = _directions(np.concatenate(found))  # (N, F)
        self.n_trained = len(trained)
        self.sounds = data_folder(run.config) / "raw"

    @property
    def text(self) -> str:
        """What they are, and among how many they were looked for."""
        about = translate(
            "Of the samples it was trained on, those whose features (what the last layer reads) point most alike."
        )
        if len(self.rows) == self.n_trained:
            return about
        text = "Looked through is a sample of {number} of the {all}, so that it takes seconds."
        return f"{about} {translate(text, number=f'{len(self.rows):,}', all=f'{self.n_trained:,}')}"

    def of(self, features: np.ndarray) -> list[dict[str, Any]]:
        """The nearest, the nearest first: ``label``, ``similarity``, ``file``, ``row``, and as `shown` gives it.

        features: (F,). ``sound``: whether `sound` has its recording.
        """
        similarity = self.directions @ _directions(features[None].astype(np.float32))[0]
        return [self._sample(int(self.rows[i]), float(similarity[i])) for i in np.argsort(-similarity)[:SHOWN]]

    def _sample(self, row: int, similarity: float) -> dict[str, Any]:
        x, length = self.pack.gather(np.array([row]))
        sample = x[0] if self.pack.spec.kind == "image" else x[0, : length[0]]
        about = {
            "label": self.pack.spec.classes[self.pack.labels[row]],
            "file": str(self.pack.index["file"][row]),
            "similarity": similarity,
            "row": row,
            "sound": self.sound(row) is not None,
        }
        return about | shown(sample, self.pack.spec)

    def sound(self, row: int) -> Path | None:
        """The recording of a row that was looked through; None where it is none, or gone."""
        if self.pack.spec.kind != "spectrogram" or row not in self.rows:
            return None
        path = self.sounds / str(self.pack.index["file"][row])
        inside = path.resolve().is_relative_to(self.sounds.resolve())
        return path if inside and path.is_file() else None


def _features(predictor: RunPredictor, pack: Pack, rows: np.ndarray) -> np.ndarray:
    """(B, F) float32"""
    predictor.logits(*pack.gather(rows))
    assert predictor.features is not None
    return predictor.features.astype(np.float32)


def _directions(features: np.ndarray) -> np.ndarray:
    """Features (N, F) at length 1, but for those that are all zeros."""
    length = np.linalg.norm(features, axis=1, keepdims=True)
    directions: np.ndarray = features / np.maximum(length, np.finfo(np.float32).tiny)
    return directions
