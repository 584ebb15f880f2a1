"""Features: those made by hand, then a linear model, against learned ones, over the size of the data.

python pipelines/train.py +study=features && python pipelines/compare.py
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from overcast.claims import (
    ClaimResult,
    Pair,
    PairedDifference,
    describe,
    mean_difference,
    paired_differences,
    points,
    table,
    verdict_text,
)
from overcast.comparison.line_figure import line_figure
from overcast.core.words import translatable, translate
from overcast.html.page import Section
from overcast.tracking.run_folder import Run

CLAIM = translatable("Features that are learned do better than features made by hand, given enough data.")


def judge(runs: Sequence[Run]) -> ClaimResult:
    trials = table(runs)
    trials["samples"] = trials["run"].map(lambda run: int((run.parts == "train").sum()))
    everything = trials[trials["train_fraction"] == trials.groupby("data")["train_fraction"].transform("max")]
    pairs = {str(data): _learned_and_handmade(rows) for data, rows in everything.groupby("data", sort=False)}
    family = paired_differences(pairs)
    each = {str(data): rows for data, rows in trials.groupby("data", sort=False)}
    sentences = [_few_and_many(data, rows, family[data]) for data, rows in each.items()]
    supported = [difference.is_better for difference in family.values()]
    figures = [_over_samples(data, rows) for data, rows in each.items()]
    return ClaimResult(verdict_text(sentences, supported, family), figures)


def _few_and_many(data: str, rows: pd.DataFrame, with_many: PairedDifference) -> str:
    """What learned features gain with the fewest samples, which is described, and with all, which is tested."""
    sizes = rows["train_fraction"]
    fewest, all_samples = rows[sizes == sizes.min()], rows[sizes == sizes.max()]
    return translate(
        "{data}: learned ({network}) against made by hand {least} with {few:,} samples; with {many:,} {change}.",
        data=data, network=next(name for name in rows["model"] if name != "handmade"),
        least=points(mean_difference(_learned_and_handmade(fewest))), few=round(fewest["samples"].mean()),
        many=round(all_samples["samples"].mean()), change=describe(with_many),
    )  # fmt: skip


def _over_samples(data: str, rows: pd.DataFrame) -> Section:
    samples = rows.groupby("train_fraction")["samples"].transform("mean").round()
    return line_figure(
        translate("Learned against made by hand: {data}", data=data),
        translate("Bars: 95 % intervals of the means over the repeats."),
        rows.assign(samples=samples), x="samples", y="accuracy", group="model", log=["x"], percent=True,
        titles=(translate("train samples"), translate("test accuracy, %")),
    )  # fmt: skip


def _learned_and_handmade(rows: pd.DataFrame) -> Pair:
    return Pair(better=rows[rows["model"] != "handmade"], worse=rows[rows["model"] == "handmade"])
