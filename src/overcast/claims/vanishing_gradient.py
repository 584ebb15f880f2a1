"""Vanishing gradients: the size of the gradient by layer over depth, sigmoid against ReLU, with and without norm.

The gradients are those at the first weights, which a run's config gives back exactly, on a batch of its train part,
drawn from every class.

    python pipelines/train.py +study=vanishing_gradient && python pipelines/compare.py
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
from overcast.prediction.build import build
from overcast.prediction.preprocessor import build_preprocessor
from overcast.prediction.trained_network import open_run_pack
from overcast.tracking.run_folder import Run

CLAIM = translatable(
    "Through many sigmoid layers the gradient vanishes and the first layers stop learning; "
    "rectified linear units and normalisation keep it alive."
)
NORMED = "sigmoid + batch_norm"
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


def judge(runs: Sequence[Run]) -> ClaimResult:
    trials = _with_gradients(table(runs))
    deepest = int(trials["depth"].max())
    kinds = {str(kind): rows for kind, rows in trials[trials["depth"] == deepest].groupby("kind")}
    family = _against_sigmoid(kinds)
    sentences = [_vanishing(deepest, kinds, family)]
    if NORMED in kinds:
        sentences.append(_normed(kinds, family))
    supported = [difference.is_better for difference in family.values()]
    figures = [_by_layer(trials, deepest), _first_share(trials), _accuracy(trials)]
    return ClaimResult(verdict_text(sentences, supported, family), figures)


def _with_gradients(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials with depth, kind of network, gradients by layer, and the first one's share of the last one's."""
    mitigations = trials["mitigation"].map({"none": ""}).fillna(" + " + trials["mitigation"])
    trials = trials.assign(
        depth=trials["model.hidden"].map(len),
        kind=trials["model.activation"] + mitigations,
        gradients=[gradients(run) for run in trials["run"]],
    )
    share = trials["gradients"].map(lambda sizes: max(sizes[0] / sizes[-1], LEAST))
    return trials.assign(share=share, log_share=np.log10(share))


def _against_sigmoid(kinds: Mapping[str, pd.DataFrame]) -> dict[tuple[str, str], PairedDifference]:
    """Accuracy and first gradient of each kind that the claim names, against those of bare sigmoid units."""
    sigmoid = kinds["sigmoid"]
    # one that vanishes is not just a little smaller: the others are to have more than ten times its gradient
    tenfold = sigmoid.assign(log_share=sigmoid["log_share"] + 1)
    pairs: dict[tuple[str, str], Pair] = {}
    for kind in ("relu", NORMED):
        if kind in kinds:
            pairs["accuracy", kind] = Pair(kinds[kind], sigmoid)
            pairs["gradient", kind] = Pair(kinds[kind], tenfold, "log_share")
    return paired_differences(pairs)


def _vanishing(
    deepest: int, kinds: Mapping[str, pd.DataFrame], family: Mapping[tuple[str, str], PairedDifference]
) -> str:
    return translate(
        "With {deepest} hidden layers the first layer's gradient is {sigmoid:.0e} of the last one's through sigmoid "
        "units and {relu:.2g} through ReLU (over ten times as much: {tenfold}); test accuracy {sigmoid_accuracy} "
        "against {relu_accuracy} (ReLU {change}).",
        deepest=deepest, sigmoid=_mean_share(kinds["sigmoid"]), relu=_mean_share(kinds["relu"]),
        tenfold=_shown(family["gradient", "relu"]), sigmoid_accuracy=percent(kinds["sigmoid"]["accuracy"]),
        relu_accuracy=percent(kinds["relu"]["accuracy"]), change=describe(family["accuracy", "relu"]),
    )  # fmt: skip


def _normed(kinds: Mapping[str, pd.DataFrame], family: Mapping[tuple[str, str], PairedDifference]) -> str:
    return translate(
        "Batch normalisation changes the sigmoid network by {change}, and the first layer's gradient to "
        "{share:.2g} of the last one's (over ten times as much: {tenfold}).",
        change=describe(family["accuracy", NORMED]), share=_mean_share(kinds[NORMED]),
        tenfold=_shown(family["gradient", NORMED]),
    )  # fmt: skip


def _mean_share(rows: pd.DataFrame) -> float:
    """The geometric mean."""
    return float(10 ** float(rows["log_share"].mean()))


def _shown(difference: PairedDifference) -> str:
    return translate("yes" if difference.is_better else "not shown")


def _by_layer(trials: pd.DataFrame, depth: int) -> Section:
    layers = pd.DataFrame(
        [
            {"kind": row["kind"], "layer": layer, "gradient": size}
            for _, row in trials[trials["depth"] == depth].iterrows()
            for layer, size in enumerate(row["gradients"], start=1)
        ]
    )
    return line_figure(
        translate("The gradient by layer, {deepest} hidden layers", deepest=depth),
        translate("Before training, root mean square over the weights of a layer; layer 1 is next to the input."),
        layers, x="layer", y="gradient", group="kind", log=["y"],
        titles=(translate("layer"), translate("size of the gradient")),
    )  # fmt: skip


def _first_share(trials: pd.DataFrame) -> Section:
    return line_figure(
        translate("What reaches the first layer"),
        translate("The first layer's gradient as a share of the last one's."),
        trials, x="depth", y="share", group="kind", log=["y"],
        titles=(translate("hidden layers"), translate("first layer's share")),
    )  # fmt: skip


def _accuracy(trials: pd.DataFrame) -> Section:
    return line_figure(
        translate("What it does to learning"), translate("Bars: 95 % intervals of the means."),
        trials, x="depth", y="accuracy", group="kind", percent=True,
        titles=(translate("hidden layers"), translate("test accuracy, %")),
    )  # fmt: skip
