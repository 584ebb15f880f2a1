"""Features: those made by hand, then a linear model, against learned ones, over the size of the data.

python pipelines/train.py +study=features && python pipelines/compare.py
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from overcast.claims import ClaimResult, compared, difference, how, points, shown, table, verdict_opening
from overcast.comparison.line_figure import line_figure
from overcast.tracking.run_folder import Run

CLAIM = "Features that are learned do better than features made by hand, given enough data."


def measured(runs: Sequence[Run]) -> ClaimResult:
    trials = table(runs)
    trials["samples"] = trials["run"].map(lambda run: int((run.parts == "train").sum()))
    everything = trials[trials["train_fraction"] == trials.groupby("data")["train_fraction"].transform("max")]
    family = compared({str(data): _learned_and_made(rows) for data, rows in everything.groupby("data", sort=False)})
    sentences, pictures = [], []
    for data, rows in trials.groupby("data", sort=False):
        sizes = sorted(rows["train_fraction"].unique())
        at = {size: rows[rows["train_fraction"] == size] for size in sizes}
        learned = next(name for name in rows["model"] if name != "handmade")
        few, many = (round(at[size]["samples"].mean()) for size in (sizes[0], sizes[-1]))
        sentences.append(
            f"{data}: learned ({learned}) against made by hand {points(difference(*_learned_and_made(at[sizes[0]])))} "
            f"with {few:,} samples; with {many:,} {shown(family[str(data)])}."
        )
        rows = rows.assign(samples=rows.groupby("train_fraction")["samples"].transform("mean").round())
        pictures.append(
            line_figure(
                f"Learned against made by hand: {data}",
                "Bars: 95 % intervals of the means over the repeats.",
                rows,
                x="samples",
                y="accuracy",
                group="model",
                titles=("train samples", "test accuracy, %"),
                log=["x"],
                percent=True,
            )
        )
    held = [comparison.ahead for comparison in family.values()]
    return ClaimResult(f"{verdict_opening(*held)} {' '.join(sentences)} {how(family)}", pictures)


def _learned_and_made(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The runs with learned features, and those with features made by hand."""
    return rows[rows["model"] != "handmade"], rows[rows["model"] == "handmade"]
