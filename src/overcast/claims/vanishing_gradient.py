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
from overcast.core.words import translatable, translate
from overcast.prediction.build import build
from overcast.prediction.preprocessor import build_preprocessor
from overcast.prediction.trained_network import open_run_pack
from overcast.tracking.run_folder import Run

CLAIM = translatable(
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
    return translate("yes" if difference.is_better else "not shown")


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
    vanishes = translate(
        "With {deepest} hidden layers the first layer's gradient is {sigmoid:.0e} of the last one's through sigmoid "
        "units and {relu:.2g} through ReLU (over ten times as much: {tenfold}); test accuracy {sigmoid_accuracy} "
        "against {relu_accuracy} (ReLU {change}).",
        deepest=deepest, sigmoid=share["sigmoid"], relu=share["relu"], tenfold=_shown(family["gradient", "relu"]),
        sigmoid_accuracy=percent(sigmoid["accuracy"]), relu_accuracy=percent(kinds["relu"]["accuracy"]),
        change=describe(family["accuracy", "relu"]),
    )  # fmt: skip
    sentences = [vanishes]
    if (normed := "sigmoid + batch_norm") in kinds:
        text = (
            "Batch normalisation changes the sigmoid network by {change}, and the first layer's gradient to "
            "{share:.2g} of the last one's (over ten times as much: {tenfold})."
        )
        values = {"change": describe(family["accuracy", normed]), "tenfold": _shown(family["gradient", normed])}
        sentences.append(translate(text, share=share[normed], **values))
    supported = [difference.is_better for difference in family.values()]
    return ClaimResult(
        f"{verdict_opening(*supported)} {' '.join(sentences)} {tests_note(family)}",
        [
            line_figure(
                translate("The gradient by layer, {deepest} hidden layers", deepest=deepest),
                translate(
                    "Before training, root mean square over the weights of a layer; layer 1 is next to the input."
                ),
                by_layer[by_layer["depth"] == deepest], x="layer", y="gradient", group="kind",
                titles=(translate("layer"), translate("size of the gradient")), log=["y"],
            ),
            line_figure(
                translate("What reaches the first layer"),
                translate("The first layer's gradient as a share of the last one's."),
                trials.assign(share=shares), x="depth", y="share", group="kind",
                titles=(translate("hidden layers"), translate("first layer's share")), log=["y"],
            ),
            line_figure(
                translate("What it does to learning"), translate("Bars: 95 % intervals of the means."), trials,
                x="depth", y="accuracy", group="kind", percent=True,
                titles=(translate("hidden layers"), translate("test accuracy, %")),
            ),
        ],
    )  # fmt: skip
