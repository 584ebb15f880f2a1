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
    verdict_text,
)
from overcast.comparison.line_figure import line_figure
from overcast.core.seeding import stratified_sample
from overcast.core.words import translatable, translate
from overcast.html.page import Section
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
    sentences = [_after(lengths[-1], longest, gains[lengths[-1]]), lengths_better(gains)]
    supported = [gains[lengths[-1]].is_better]
    if spoken:
        text = "On spoken digits the LSTM gets {accuracy} right, a lead of {change}."
        accuracy = percent(speech["lstm"]["accuracy"])
        sentences.append(translate(text, accuracy=accuracy, change=describe(family["speech"])))
        supported.append(family["speech"].is_better)
    figures = [_remembered(recall), _steps_that_matter(longest, lengths[-1])]
    return ClaimResult(verdict_text(sentences, supported, family), figures)


def _after(steps: int, rows: pd.DataFrame, difference: PairedDifference) -> str:
    """How much both networks get right of sequences this long."""
    accuracies = {str(name): percent(each["accuracy"]) for name, each in rows.groupby("model")}
    return translate(
        "After {steps} steps the plain network gets {rnn} right, the LSTM {lstm} (LSTM {change}; chance is "
        "{chance:.0f} %).",
        steps=steps, change=describe(difference), chance=100 / len(rows["run"].iloc[0].spec.classes), **accuracies,
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


def _remembered(trials: pd.DataFrame) -> Section:
    return line_figure(
        translate("What is remembered"),
        translate("The class is told by the first steps alone. Bars: 95 % intervals."),
        trials, x="length", y="accuracy", group="model", log=["x"], percent=True,
        titles=(translate("steps to remember over"), translate("test accuracy, %")),
    )  # fmt: skip


def _steps_that_matter(trials: pd.DataFrame, steps: int) -> Section:
    """Of networks trained on sequences this long."""
    gradients = pd.DataFrame(
        [
            {"model": row["model"], "step": step, "gradient": float(size)}
            for _, row in trials.iterrows()
            for step, size in enumerate(gradient_over_time(row["run"]), start=1)
        ]
    )
    return line_figure(
        translate("Which steps matter to the trained network"),
        translate("Size of the loss's gradient at each of {steps} steps.", steps=steps),
        gradients, x="step", y="gradient", group="model", log=["y"],
        titles=(translate("step"), translate("size of the gradient")),
    )  # fmt: skip
