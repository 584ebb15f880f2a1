"""What evaluation found of each test sample: the one reader of a run's predictions.csv."""

from __future__ import annotations

import csv
import io

import numpy as np

from overcast.tracking.run_folder import Run

LEAST = float(np.finfo(np.float32).tiny)
"""The least probability that counts: networks answer in such numbers, and a logarithm has to be of something."""

FIRST = 5
"""The column of the first class. Columns are known by their place, for a class may be called as one of them is."""


def prediction_rows(run: Run) -> tuple[list[str], list[list[str]]]:
    """The classes, and of each test sample: row of the pack, group, file, label, predicted, a probability per class.

    Raises: DamagedError if that is not what evaluation wrote.
    """
    header, *lines = csv.reader(io.StringIO(run.predictions, newline=""))  # pandas takes ten times as long
    return header[FIRST:], lines


def sample_outcomes(run: Run) -> dict[str, np.ndarray]:
    """Of the test samples of an evaluated run, all (M,): ``row`` of the pack, ``group`` of samples that count as one,
    and under the names of their outcomes whether it was classified correctly and its negative log-likelihood.

    Raises: DamagedError as `prediction_rows` does.
    """
    classes, lines = prediction_rows(run)
    place = {name: number for number, name in enumerate(classes, start=FIRST)}
    true = [float(line[place[line[3]]]) for line in lines]
    places = {name: np.array([int(line[number]) for line in lines]) for number, name in enumerate(("row", "group"))}
    return places | outcomes_of_samples(np.array([line[3] == line[4] for line in lines]), np.array(true))


def outcomes_of_samples(correct: np.ndarray, probability: np.ndarray) -> dict[str, np.ndarray]:
    """Under the names of their outcomes, of samples (…, M) that were classified correctly or not, and whose true class
    was given these probabilities.
    """
    return {"test/accuracy": correct.astype(float), "test/nll": -np.log(np.maximum(probability, LEAST))}
