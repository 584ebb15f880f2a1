"""Memory: a plain recurrent network against an LSTM over the length of what must be remembered, and on speech.

python pipelines/train.py +study=memory && python pipelines/compare.py
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from overcast.claims import Measured, clear, difference, judged, percent, points, table
from overcast.fit import pack_of_run, restore
from overcast.report.lines import lines
from overcast.runs import Run
from overcast.seeding import stratified_sample

CLAIM = "A plain recurrent network forgets what it saw many steps ago; an LSTM remembers it."
SAMPLES = 128


def over_time(run: Run) -> np.ndarray:
    """How much each step matters to the trained network: (T,) the size of the loss's gradient there.

    Mean over `SAMPLES` test samples, drawn from every class, of the gradient's Euclidean length; all samples must be
    equally long.
    """
    pack, learner = pack_of_run(run), restore(run)
    rows = stratified_sample(np.flatnonzero(run.parts == "test"), pack.labels, SAMPLES, run.config["seed"], "over time")
    x, length = (torch.from_numpy(array) for array in pack.gather(rows))
    z = learner.inputs(x, length).requires_grad_()
    loss = learner.net.loss(learner.net(z, length), torch.from_numpy(pack.labels[rows])).sum()
    (gradient,) = torch.autograd.grad(loss, z)
    size: np.ndarray = gradient.norm(dim=2).mean(0).numpy()  # (B, T, F) -> (T,)
    return size


def measured(runs: Sequence[Run]) -> Measured:
    found = table(runs)
    recall = found[found["data"] == "recall"].assign(length=lambda rows: rows["data.length"].astype(int))
    nets = {str(name): rows for name, rows in recall.groupby("model")}
    lengths = sorted(recall["length"].unique())
    gains = {n: difference(*(nets[name][nets[name]["length"] == n] for name in ("lstm", "rnn"))) for n in lengths}
    longest = recall[recall["length"] == lengths[-1]]
    last = {str(name): percent(rows["accuracy"]) for name, rows in longest.groupby("model")}
    lost = [n for n in lengths if clear(gains[n])]
    told = (
        f"After {lengths[-1]} steps the plain network gets {last['rnn']} right, the LSTM {last['lstm']} "
        f"(LSTM {points(gains[lengths[-1]])}; chance is {100 / len(longest['run'].iloc[0].spec.classes):.0f} %)."
    )
    told += (
        f" The LSTM is clearly ahead from {lost[0]} steps on." if lost else " At no length is the LSTM clearly ahead."
    )
    held = [bool(lost)]
    speech = {str(name): rows for name, rows in found[found["data"] == "speech"].groupby("model")}
    if len(speech) == 2:
        gain = difference(speech["lstm"], speech["rnn"])
        held.append(clear(gain))
        told += f" On spoken digits the LSTM's lead is {points(gain)}, at {percent(speech['lstm']['accuracy'])}."
    return Measured(
        f"{judged(*held)} {told}",
        [
            lines(
                "What is remembered", "The class is told by the first steps alone. Bars: 95 % intervals.", recall,
                x="length", y="accuracy", group="model", titles=("steps to remember over", "test accuracy, %"),
                log=["x"], percent=True,
            ),
            lines(
                "Which steps the trained network hears", f"Size of the loss's gradient at each of {lengths[-1]} steps.",
                _gradients(longest), x="step", y="gradient", group="model", titles=("step", "size of the gradient"),
                log=["y"],
            ),
        ],
    )  # fmt: skip


def _gradients(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"model": row["model"], "step": step, "gradient": float(size)}
            for _, row in rows.iterrows()
            for step, size in enumerate(over_time(row["run"]), start=1)
        ]
    )
