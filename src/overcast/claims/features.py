"""Features: those made by hand, then a linear model, against learned ones, over the size of the data.

python pipelines/train.py +study=features && python pipelines/compare.py
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from overcast.claims import (
    ClaimResult,
    Pair,
    describe,
    mean_difference,
    paired_differences,
    points,
    table,
    tests_note,
    verdict_opening,
)
from overcast.comparison.line_figure import line_figure
from overcast.core.words import translatable, translate
from overcast.tracking.run_folder import Run

CLAIM = translatable("Features that are learned do better than features made by hand, given enough data.")


def judge(runs: Sequence[Run]) -> ClaimResult:
    trials = table(runs)
    trials["samples"] = trials["run"].map(lambda run: int((run.parts == "train").sum()))
    everything = trials[trials["train_fraction"] == trials.groupby("data")["train_fraction"].transform("max")]
    pairs = {str(data): _learned_and_handmade(rows) for data, rows in everything.groupby("data", sort=False)}
    family = paired_differences(pairs)
    sentences, pictures = [], []
    for data, rows in trials.groupby("data", sort=False):
        sizes = sorted(rows["train_fraction"].unique())
        at = {size: rows[rows["train_fraction"] == size] for size in sizes}
        learned = next(name for name in rows["model"] if name != "handmade")
        few, many = (round(at[size]["samples"].mean()) for size in (sizes[0], sizes[-1]))
        least = mean_difference(_learned_and_handmade(at[sizes[0]]))
        text = "{data}: learned ({network}) against made by hand {least} with {few:,} samples; with {many:,} {change}."
        values = {"network": learned, "least": points(least), "change": describe(family[str(data)])}
        sentences.append(translate(text, data=data, few=few, many=many, **values))
        rows = rows.assign(samples=rows.groupby("train_fraction")["samples"].transform("mean").round())
        pictures.append(
            line_figure(
                translate("Learned against made by hand: {data}", data=data),
                translate("Bars: 95 % intervals of the means over the repeats."),
                rows,
                x="samples",
                y="accuracy",
                group="model",
                titles=(translate("train samples"), translate("test accuracy, %")),
                log=["x"],
                percent=True,
            )
        )
    supported = [difference.is_better for difference in family.values()]
    return ClaimResult(f"{verdict_opening(*supported)} {' '.join(sentences)} {tests_note(family)}", pictures)


def _learned_and_handmade(rows: pd.DataFrame) -> Pair:
    return Pair(better=rows[rows["model"] != "handmade"], worse=rows[rows["model"] == "handmade"])
