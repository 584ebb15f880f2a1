"""Features: those made by hand, then a linear model, against learned ones, over the size of the data.

python pipelines/train.py +study=features && python pipelines/compare.py
"""

from __future__ import annotations

from collections.abc import Sequence

from overcast.claims import Measured, clear, difference, judged, points, table
from overcast.report.lines import lines
from overcast.runs import Run

CLAIM = "Features that are learned do better than features made by hand, given enough data."


def measured(runs: Sequence[Run]) -> Measured:
    found = table(runs)
    found["samples"] = found["run"].map(lambda run: int((run.parts == "train").sum()))
    told, held, pictures = [], [], []
    for data, rows in found.groupby("data", sort=False):
        sizes = sorted(rows["share"].unique())
        at = {size: rows[rows["share"] == size] for size in sizes}
        gain = {
            size: difference(some[some["model"] != "handmade"], some[some["model"] == "handmade"])
            for size, some in at.items()
        }
        learned = next(name for name in rows["model"] if name != "handmade")
        few, many = (round(at[size]["samples"].mean()) for size in (sizes[0], sizes[-1]))
        told.append(
            f"{data}: learned ({learned}) against made by hand {points(gain[sizes[0]])} with {few:,} samples, "
            f"{points(gain[sizes[-1]])} with {many:,}."
        )
        held.append(clear(gain[sizes[-1]]))
        rows = rows.assign(samples=rows.groupby("share")["samples"].transform("mean").round())
        pictures.append(
            lines(
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
    return Measured(f"{judged(*held)} {' '.join(told)}", pictures)
