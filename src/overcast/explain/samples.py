"""The samples that are explained: a handful of test rows, some right and some wrong, or files given by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from overcast.core.console import warn
from overcast.core.errors import UserError
from overcast.core.seeding import stratified_sample
from overcast.core.spacing import evenly_spaced
from overcast.data import build_dataset
from overcast.evaluation.evaluate import Measured, measure
from overcast.prediction.predict import matching_files
from overcast.prediction.predictor import padded, softmax
from overcast.prediction.run_predictor import network_logits
from overcast.prediction.trained_network import TrainedNetwork
from overcast.prepare.pack import Pack
from overcast.readers.remarks import collected_remarks
from overcast.tracking.run_folder import Run

MOST = 14  # samples on a page
WRONG = 4  # of them mistakes, the surest
ROWS = 1000  # of the test part that are looked through


@dataclass(frozen=True)
class ExplainedSample:
    """One sample as raw values, its true class (None for a file), and what the network says of it (K,)."""

    name: str
    raw: np.ndarray
    label: int | None
    probabilities: np.ndarray

    @property
    def predicted(self) -> int:
        return int(self.probabilities.argmax())

    @property
    def targets(self) -> tuple[int, ...]:
        """The classes to explain: the one it was taken for, and the true one where that is another."""
        other = self.label is not None and self.label != self.predicted
        return (self.predicted, self.label) if other and self.label is not None else (self.predicted,)

    def model_input(self, trained: TrainedNetwork) -> tuple[Tensor, Tensor]:
        """What the network itself gets: standardised values or known ids (1, …), and the length (1,)."""
        steps = self.raw.shape[1 if trained.preprocessor.kind == "image" else 0]
        length = torch.tensor([steps])
        with torch.no_grad():
            return trained.preprocessor(torch.from_numpy(self.raw)[None], length), length


def read_files(run: Run, trained: TrainedNetwork, files: str) -> list[ExplainedSample]:
    """Up to `MOST` of the files, spread over all of them; what cannot be read or is left out is said on standard error.

    Raises: UserError if there are no files, or none can be read.
    """
    paths, spec = matching_files(files), run.spec
    dataset = build_dataset(run.config.data)
    samples: list[ExplainedSample] = []
    for path in evenly_spaced(paths, MOST):
        try:
            with collected_remarks():
                raw = spec.encode(dataset.read(path))
        except (UserError, OSError) as error:
            warn(f"{path} is left out: {' '.join(str(error).split())}")
            continue
        probabilities = softmax(network_logits(trained, *padded([raw], spec)))[0]
        samples.append(ExplainedSample(str(path), raw, None, probabilities))
    if not samples:
        raise UserError(f"files={files}: none of them can be read as {spec.kind}")
    if len(paths) > MOST:
        warn(f"{MOST} of {len(paths)} files are explained, spread evenly over them")
    return samples


def choose_test_samples(run: Run, trained: TrainedNetwork, pack: Pack) -> list[ExplainedSample]:
    """For each class the test row that is right and of middling sureness, then the surest mistakes."""
    test = np.flatnonzero(run.parts == "test")
    rows = stratified_sample(test, pack.labels, ROWS, run.config.seed, "explained")
    measured = measure(trained, pack, rows)
    return [_test_sample(pack, measured, i) for i in choose_rows(measured.probabilities, measured.target.numpy())]


def choose_rows(p: np.ndarray, target: np.ndarray) -> list[int]:
    """Which of these predictions (N, K) to show: one a class, then the surest mistakes not yet among them."""
    predicted, sure = p.argmax(1), p.max(1)
    rows: list[int] = []
    for label in np.unique(target)[:MOST]:
        right = np.flatnonzero((target == label) & (predicted == label))
        candidates = right if len(right) else np.flatnonzero(target == label)
        rows.append(int(candidates[np.argsort(sure[candidates], kind="stable")[len(candidates) // 2]]))
    wrong = np.flatnonzero(predicted != target)
    surest = wrong[np.argsort(-sure[wrong], kind="stable")]
    return [*rows, *[int(i) for i in surest if i not in rows][: min(WRONG, MOST - len(rows))]]


def _test_sample(pack: Pack, measured: Measured, i: int) -> ExplainedSample:
    row = measured.rows[i]
    x, _ = pack.gather(np.array([row]))
    return ExplainedSample(str(pack.index["file"][row]), x[0], int(measured.target[i]), measured.probabilities[i])
