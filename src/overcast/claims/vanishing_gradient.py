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
from overcast.prediction.build import build
from overcast.prediction.preprocessor import build_preprocessor
from overcast.prediction.trained_network import open_run_pack
from overcast.tracking.run_folder import Run

CLAIM = (
    "Through many sigmoid layers the gradient vanishes and the first layers stop learning; "
    "rectified linear units and normalisation keep it alive."
)
BATCH = 256
LEAST = 1e-45
"""What a gradient too small for single precision counts as, so that it has a logarithm."""


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


def _shown(difference: PairedDifference) -> str:
    return "yes" if difference.is_better else "not shown"


def judge(runs: Sequence[Run]) -> ClaimResult:
    trials = table(runs)
    trials["depth"] = trials["model.hidden"].map(len)
    trials["kind"] = trials["model.activation"] + trials["mitigation"].map({"none": ""}).fillna(
        " + " + trials["mitigation"]
    )
    trials["gradients"] = [gradients(run) for run in trials["run"]]
    shares = trials["gradients"].map(lambda sizes: max(sizes[0] / sizes[-1], LEAST))
    trials["log_share"] = np.log10(shares)
    by_layer = pd.DataFrame(
        [
            {"kind": row["kind"], "depth": row["depth"], "layer": layer, "gradient": size}
            for _, row in trials.iterrows()
            for layer, size in enumerate(row["gradients"], start=1)
        ]
    )
    deepest = int(trials["depth"].max())
    kinds = {str(kind): rows for kind, rows in trials[trials["depth"] == deepest].groupby("kind")}
    share = {kind: 10 ** float(rows["log_share"].mean()) for kind, rows in kinds.items()}
    sigmoid = kinds["sigmoid"]
    # one that vanishes is not just a little smaller: the others are to have more than ten times its gradient
    tenfold = sigmoid.assign(log_share=sigmoid["log_share"] + 1)
    better = [kind for kind in ("relu", "sigmoid + batch_norm") if kind in kinds]
    pairs: dict[tuple[str, str], Pair] = {}
    for kind in better:
        pairs["accuracy", kind] = Pair(kinds[kind], sigmoid)
        pairs["gradient", kind] = Pair(kinds[kind], tenfold, "log_share")
    family = paired_differences(pairs)
    sentence = (
        f"With {deepest} hidden layers the first layer's gradient is {share['sigmoid']:.0e} of the last one's through "
        f"sigmoid units and {share['relu']:.2g} through ReLU (over ten times as much: "
        f"{_shown(family['gradient', 'relu'])}); test accuracy {percent(sigmoid['accuracy'])} against "
        f"{percent(kinds['relu']['accuracy'])} (ReLU {describe(family['accuracy', 'relu'])})."
    )
    if (normed := "sigmoid + batch_norm") in kinds:
        sentence += (
            f" Batch normalisation changes the sigmoid network by {describe(family['accuracy', normed])}, and the "
            f"first layer's gradient to {share[normed]:.2g} of the last one's (over ten times as much: "
            f"{_shown(family['gradient', normed])})."
        )
    supported = [difference.is_better for difference in family.values()]
    return ClaimResult(
        f"{verdict_opening(*supported)} {sentence} {tests_note(family)}",
        [
            line_figure(
                f"The gradient by layer, {deepest} hidden layers", "Before training, root mean square over the weights "
                "of a layer; layer 1 is next to the input.", by_layer[by_layer["depth"] == deepest], x="layer",
                y="gradient", group="kind", titles=("layer", "size of the gradient"), log=["y"],
            ),
            line_figure(
                "What reaches the first layer", "The first layer's gradient as a share of the last one's.",
                trials.assign(share=shares), x="depth", y="share", group="kind",
                titles=("hidden layers", "first layer's share"), log=["y"],
            ),
            line_figure(
                "What it does to learning", "Bars: 95 % intervals of the means.", trials, x="depth", y="accuracy",
                group="kind", titles=("hidden layers", "test accuracy, %"), percent=True,
            ),
        ],
    )  # fmt: skip
