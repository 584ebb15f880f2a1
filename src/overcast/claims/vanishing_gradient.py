"""Vanishing gradients: the size of the gradient by layer over depth, sigmoid against ReLU, with and without norm.

The gradients are those at the first weights, which a run's config gives back exactly, on a batch of its train part,
drawn from every class.

    python pipelines/train.py +study=vanishing_gradient && python pipelines/compare.py
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from overcast.claims import ClaimResult, compared, how, percent, shown, table, verdict_opening
from overcast.comparison.line_figure import line_figure
from overcast.core.seeding import stratified_sample
from overcast.prediction.build import build
from overcast.prediction.preprocessor import build_preprocessor
from overcast.prediction.trained_network import open_run_pack
from overcast.tracking.run_folder import Run

CLAIM = (
    "Through many sigmoid layers the gradient vanishes and the first layers stop learning; "
    "rectified linear units and normalisation keep it alive."
)
BATCH = 256


def gradients(run: Run) -> list[float]:
    """Root mean square of the loss's gradient for each layer's weights, from input to output, before training."""
    pack = open_run_pack(run)
    train = np.flatnonzero(run.parts == "train")
    net, _ = build(run.config, run.spec)
    rows = stratified_sample(train, pack.labels, BATCH, run.config.seed, "gradients")
    x, length = (torch.from_numpy(array) for array in pack.gather(rows))
    inputs = build_preprocessor(run.spec, net.input_stats, run.config.shuffle_pixels).fit(pack, train)
    loss = net.loss(net(inputs(x, length), length), torch.from_numpy(pack.labels[rows])).mean()
    loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
    return [float(p.grad.square().mean().sqrt()) for p in net.parameters() if p.dim() > 1 and p.grad is not None]


def measured(runs: Sequence[Run]) -> ClaimResult:
    trials = table(runs)
    trials["depth"] = trials["model.hidden"].map(len)
    trials["kind"] = trials["model.activation"] + trials["mitigation"].map({"none": ""}).fillna(
        " + " + trials["mitigation"]
    )
    by_layer = pd.DataFrame(
        [
            {"kind": row["kind"], "depth": row["depth"], "layer": layer, "gradient": size, "share": size / sizes[-1]}
            for _, row in trials.iterrows()
            for sizes in [gradients(row["run"])]
            for layer, size in enumerate(sizes, start=1)
        ]
    )
    deepest = int(trials["depth"].max())
    deep, last = trials[trials["depth"] == deepest], by_layer[by_layer["depth"] == deepest]
    first = last[last["layer"] == 1].groupby("kind")["share"].apply(lambda s: float(np.exp(np.log(s + 1e-45).mean())))
    by_kind = dict(list(deep.groupby("kind")))
    pairs = {"relu": "sigmoid", "sigmoid + batch_norm": "sigmoid"}  # each against what it should do better than
    family = compared({kind: (by_kind[kind], by_kind[other]) for kind, other in pairs.items() if kind in by_kind})
    sentence = (
        f"With {deepest} hidden layers the first layer's gradient is {first['sigmoid']:.0e} of the last one's through "
        f"sigmoid units and {first['relu']:.2g} through ReLU; test accuracy {percent(by_kind['sigmoid']['accuracy'])} "
        f"against {percent(by_kind['relu']['accuracy'])} (ReLU {shown(family['relu'])})."
    )
    held = [first["sigmoid"] < first["relu"] / 10, *(comparison.ahead for comparison in family.values())]
    if rescued := family.get("sigmoid + batch_norm"):
        sentence += f" Batch normalisation changes the sigmoid network by {shown(rescued)}."
    over_depth = by_layer[by_layer["layer"] == 1]
    return ClaimResult(
        f"{verdict_opening(*held)} {sentence} {how(family)}",
        [
            line_figure(
                f"The gradient by layer, {deepest} hidden layers", "Before training, root mean square over the weights "
                "of a layer; layer 1 is next to the input.", last, x="layer", y="gradient", group="kind",
                titles=("layer", "size of the gradient"), log=["y"],
            ),
            line_figure(
                "What reaches the first layer", "The first layer's gradient as a share of the last one's.", over_depth,
                x="depth", y="share", group="kind", titles=("hidden layers", "first layer's share"), log=["y"],
            ),
            line_figure(
                "What it does to learning", "Bars: 95 % intervals of the means.", trials, x="depth", y="accuracy",
                group="kind", titles=("hidden layers", "test accuracy, %"), percent=True,
            ),
        ],
    )  # fmt: skip
