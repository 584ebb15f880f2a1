"""Memory: a plain recurrent network against an LSTM over the length of what must be remembered, and on speech.

python pipelines/train.py +study=memory && python pipelines/compare.py
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch

from overcast.claims import (
    ClaimResult,
    Pair,
    PairedDifference,
    describe,
    paired_differences,
    percent,
    table,
    tests_note,
    verdict_opening,
)
from overcast.comparison.line_figure import line_figure
from overcast.core.seeding import stratified_sample
from overcast.core.words import translatable, translate
from overcast.prediction.trained_network import open_run_pack, restore
from overcast.tracking.run_folder import Run

CLAIM = translatable("A plain recurrent network forgets what it saw many steps ago; an LSTM remembers it.")
SAMPLES = 128


def gradient_over_time(run: Run) -> np.ndarray:
    """How much each step matters to the trained network: (T,) the size of the loss's gradient there.

    Mean over `SAMPLES` test samples, drawn from every class, of the gradient's Euclidean length; all samples must be
    equally long.
    """
    pack, trained = open_run_pack(run), restore(run)
    rows = stratified_sample(np.flatnonzero(run.parts == "test"), pack.labels, SAMPLES, run.config.seed, "over time")
    x, length = (torch.from_numpy(array) for array in pack.gather(rows))
    z = trained.preprocessor(x, length).requires_grad_()
    loss = trained.net.loss(trained.net(z, length), torch.from_numpy(pack.labels[rows])).sum()
    (gradient,) = torch.autograd.grad(loss, z)
    size: np.ndarray = gradient.norm(dim=2).mean(0).numpy()  # (B, T, F) -> (T,)
    return size


def judge(runs: Sequence[Run]) -> ClaimResult:
    trials = table(runs)
    recall = trials[trials["data"] == "recall"].assign(length=lambda rows: rows["data.length"].astype(int))
    nets = {str(name): rows for name, rows in recall.groupby("model")}
    lengths = sorted(recall["length"].unique())
    pairs = {n: Pair(*(nets[name][nets[name]["length"] == n] for name in ("lstm", "rnn"))) for n in lengths}
    speech = {str(name): rows for name, rows in trials[trials["data"] == "speech"].groupby("model")}
    spoken = {"speech": Pair(speech["lstm"], speech["rnn"])} if len(speech) == 2 else {}
    family = paired_differences({**pairs, **spoken})
    gains = {n: family[n] for n in lengths}
    longest = recall[recall["length"] == lengths[-1]]
    last = {str(name): percent(rows["accuracy"]) for name, rows in longest.groupby("model")}
    reached = translate(
        "After {steps} steps the plain network gets {rnn} right, the LSTM {lstm} (LSTM {change}; chance is "
        "{chance:.0f} %).",
        steps=lengths[-1], change=describe(gains[lengths[-1]]),
        chance=100 / len(longest["run"].iloc[0].spec.classes), **last,
    )  # fmt: skip
    sentences = [reached, lengths_better(gains)]
    supported = [gains[lengths[-1]].is_better]
    if spoken:
        supported.append(family["speech"].is_better)
        text = "On spoken digits the LSTM gets {accuracy} right, a lead of {change}."
        reached = percent(speech["lstm"]["accuracy"])
        sentences.append(translate(text, accuracy=reached, change=describe(family["speech"])))
    return ClaimResult(
        f"{verdict_opening(*supported)} {' '.join(sentences)} {tests_note(family)}",
        [
            line_figure(
                translate("What is remembered"),
                translate("The class is told by the first steps alone. Bars: 95 % intervals."), recall, x="length",
                y="accuracy", group="model", log=["x"], percent=True,
                titles=(translate("steps to remember over"), translate("test accuracy, %")),
            ),
            line_figure(
                translate("Which steps matter to the trained network"),
                translate("Size of the loss's gradient at each of {steps} steps.", steps=lengths[-1]),
                _gradients(longest), x="step", y="gradient", group="model",
                titles=(translate("step"), translate("size of the gradient")),
                log=["y"],
            ),
        ],
    )  # fmt: skip


def lengths_better(gains: Mapping[int, PairedDifference]) -> str:
    """At which lengths the LSTM is better; "from N on" only if at every length from N up, the longest too."""
    clear = [n for n in sorted(gains) if gains[n].is_better]
    if not clear:
        return translate("At no length is the LSTM better.")
    always = [n for n in clear if all(gains[longer].is_better for longer in gains if longer >= n)]
    if not always:
        at = ", ".join(map(str, clear))
        return translate("The LSTM is better at {steps} steps, but not at every longer one.", steps=at)
    return translate("The LSTM is better from {steps} steps on.", steps=always[0])


def _gradients(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"model": row["model"], "step": step, "gradient": float(size)}
            for _, row in rows.iterrows()
            for step, size in enumerate(gradient_over_time(row["run"]), start=1)
        ]
    )
