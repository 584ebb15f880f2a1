"""Locality: fully connected against convolutional networks at an equal budget, of weights or of multiply-adds.

What convolution relies on is tested twice: on pictures moved to the side, and by training on pictures whose
pixels are all shuffled in one fixed way, where no neighbour is a neighbour any more.

    python pipelines/train.py +study=locality && python pipelines/compare.py
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from overcast.claims import (
    REPEAT,
    ClaimResult,
    Pair,
    PairedDifference,
    describe,
    mean_difference,
    paired_differences,
    percent,
    points,
    table,
    verdict_text,
)
from overcast.comparison.line_figure import line_figure
from overcast.core.words import translatable, translate
from overcast.html.page import Section
from overcast.prediction.trained_network import open_run_pack, restore
from overcast.tracking.run_folder import Run

CLAIM = translatable(
    "On pictures a convolutional network does better than fully connected ones with as many weights or as much "
    "computing, because neighbouring pixels belong together and things may move."
)
SHIFTS = (0, 2, 4, 8, 12)
"""By how many pixels the test pictures are moved to the right, their left edge repeated."""


def shifted_accuracies(run: Run) -> list[float]:
    """Test accuracy on the pictures moved by each of `SHIFTS`."""
    pack, trained = open_run_pack(run), restore(run)
    rows = np.flatnonzero(run.parts == "test")
    x, length = (torch.from_numpy(array) for array in pack.gather(rows))
    accuracies = []
    for shift in SHIFTS:
        shifted = torch.cat([x[..., :1].expand(*x.shape[:-1], shift), x[..., : x.shape[-1] - shift]], -1)
        with torch.inference_mode():
            accuracies.append(float((trained(shifted, length).argmax(1).numpy() == pack.labels[rows]).mean()))
    return accuracies


def judge(runs: Sequence[Run]) -> ClaimResult:
    trials = table(runs)
    trials["network"] = [_network(row) for _, row in trials.iterrows()]
    is_shuffled = trials["shuffle_pixels"].astype(bool)
    plain, shuffled = trials[~is_shuffled], trials[is_shuffled]
    cnn, shuffled_cnn = (rows[rows["model"] == "cnn"] for rows in (plain, shuffled))
    others = {str(name): rows for name, rows in plain[plain["model"] != "cnn"].groupby("network")}
    against = {name: Pair(cnn, rows) for name, rows in others.items()}
    family = paired_differences({**against, "shuffled": Pair(cnn, shuffled_cnn)})
    sentences = [translate("cnn: {accuracy} with {size}.", accuracy=percent(cnn["accuracy"]), size=_size(cnn))]
    sentences += [_against(name, rows, family[name]) for name, rows in others.items()]
    dense, rows = next(iter(others.items()))
    loss = mean_difference(Pair(rows, shuffled[shuffled["network"] == dense]))
    text, change = "Shuffling all pixels costs the cnn {change}; {network} {loss}.", describe(family["shuffled"])
    sentences.append(translate(text, change=change, network=dense, loss=points(loss)))
    shifted = _shifted(plain)
    sentences.append(_lost_by_moving(shifted))
    supported = [difference.is_better for difference in family.values()]
    verdict = verdict_text(sentences, supported, family, complete=False)
    return ClaimResult(verdict, [_moved_pictures(shifted), _shuffled_pixels(trials)])


def _against(name: str, rows: pd.DataFrame, difference: PairedDifference) -> str:
    """A fully connected network against the convolutional one."""
    return translate(
        "{network}: {accuracy} with {size} (cnn {change}).",
        network=name, accuracy=percent(rows["accuracy"]), size=_size(rows), change=describe(difference),
    )  # fmt: skip


def _lost_by_moving(shifted: pd.DataFrame) -> str:
    """What each network loses on pictures moved by the third of `SHIFTS`."""
    pixels, losses = SHIFTS[2], []
    for name, rows in shifted.groupby("network"):
        unmoved, moved = (rows[rows["shift"] == shift] for shift in (0, pixels))
        losses.append(f"{name} {points(mean_difference(Pair(unmoved, moved)))}")
    text = "Moved by {pixels} pixels, they lose: {losses}, which is described and not tested."
    return translate(text, pixels=pixels, losses=", ".join(losses))


def _moved_pictures(shifted: pd.DataFrame) -> Section:
    return line_figure(
        translate("Pictures moved to the side"),
        translate("The networks have seen none moved. Bars: 95 % intervals."),
        shifted, x="shift", y="accuracy", group="network", percent=True,
        titles=(translate("pixels"), translate("test accuracy, %")),
    )  # fmt: skip


def _shuffled_pixels(trials: pd.DataFrame) -> Section:
    return line_figure(
        translate("All pixels shuffled in one fixed way"),
        translate("0: pictures as they are, 1: shuffled, in training as in the test."),
        trials.assign(shuffled=trials["shuffle_pixels"].astype(int)), x="shuffled", y="accuracy", group="network",
        percent=True, titles=(translate("shuffled"), translate("test accuracy, %")),
    )  # fmt: skip


def _network(row: pd.Series) -> str:
    return "cnn" if row["model"] == "cnn" else f"{row['model']} {'-'.join(map(str, row['model.hidden']))}"


def _size(rows: pd.DataFrame) -> str:
    text = "{weights:,} weights and {multiply_adds:,} multiply-adds"
    return translate(text, weights=rows["parameters"].iloc[0], multiply_adds=rows["multiply_adds"].iloc[0])


def _shifted(rows: pd.DataFrame) -> pd.DataFrame:
    keys = ["network", *REPEAT]
    return pd.DataFrame(
        [
            {**row[keys], "shift": shift, "accuracy": accuracy}
            for _, row in rows.iterrows()
            for shift, accuracy in zip(SHIFTS, shifted_accuracies(row["run"]), strict=True)
        ]
    )
