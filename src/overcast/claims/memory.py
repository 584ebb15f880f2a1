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
from overcast.prediction.trained_network import open_run_pack, restore
from overcast.tracking.run_folder import Run

CLAIM = "A plain recurrent network forgets what it saw many steps ago; an LSTM remembers it."
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
    sentence = (
        f"After {lengths[-1]} steps the plain network gets {last['rnn']} right, the LSTM {last['lstm']} "
        f"(LSTM {describe(gains[lengths[-1]])}; chance is {100 / len(longest['run'].iloc[0].spec.classes):.0f} %). "
        f"{lengths_better(gains)}"
    )
    supported = [gains[lengths[-1]].is_better]
    if spoken:
        supported.append(family["speech"].is_better)
        reached = percent(speech["lstm"]["accuracy"])
        sentence += f" On spoken digits the LSTM gets {reached} right, a lead of {describe(family['speech'])}."
    return ClaimResult(
        f"{verdict_opening(*supported)} {sentence} {tests_note(family)}",
        [
            line_figure(
                "What is remembered", "The class is told by the first steps alone. Bars: 95 % intervals.", recall,
                x="length", y="accuracy", group="model", titles=("steps to remember over", "test accuracy, %"),
                log=["x"], percent=True,
            ),
            line_figure(
                "Which steps matter to the trained network",
                f"Size of the loss's gradient at each of {lengths[-1]} steps.",
                _gradients(longest), x="step", y="gradient", group="model", titles=("step", "size of the gradient"),
                log=["y"],
            ),
        ],
    )  # fmt: skip


def lengths_better(gains: Mapping[int, PairedDifference]) -> str:
    """At which lengths the LSTM is better; "from N on" only if at every length from N up, the longest too."""
    clear = [n for n in sorted(gains) if gains[n].is_better]
    if not clear:
        return "At no length is the LSTM better."
    always = [n for n in clear if all(gains[longer].is_better for longer in gains if longer >= n)]
    if not always:
        at = ", ".join(map(str, clear))
        return f"The LSTM is better at {at} steps, but not at every longer one."
    return f"The LSTM is better from {always[0]} steps on."


def _gradients(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"model": row["model"], "step": step, "gradient": float(size)}
            for _, row in rows.iterrows()
            for step, size in enumerate(gradient_over_time(row["run"]), start=1)
        ]
    )
