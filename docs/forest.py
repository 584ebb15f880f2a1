"""Draw a study's comparison as a picture for the documentation, which cannot hold the report's interactive figure.

One line a cell, as in the report's "What each one changes": thick its 95 % interval, thin the same widened for
overlapping train parts, an open circle where the change is not clear.

    python docs/forest.py reports/<study>/table.csv docs/<name>.png
"""

import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd

from overcast.comparison import PRIMARY
from overcast.comparison.figures import STYLES
from overcast.comparison.wording import CHANGE
from overcast.html.figures import canvas, png
from overcast.html.style import BLACK, PALE


def main(source: str, target: str) -> None:
    table = pd.read_csv(source)
    rows = table[~table["is_baseline"]].iloc[::-1].reset_index(drop=True)
    verdicts = np.where(rows[CHANGE] > 0, "clearly better", "clearly worse")
    colours = [STYLES[kind][0] for kind in np.where(rows["clear"], verdicts, "not clear at this size")]
    figure, ((axes,),) = canvas(8, 0.9 + 0.3 * len(rows))
    axes.axvline(0, color=BLACK, linewidth=1)
    for line, (_, row) in enumerate(rows.iterrows()):
        for name, width in (("overlap", 1), (CHANGE, 4)):
            ends = [100 * row[f"{name}/low"], 100 * row[f"{name}/high"]]
            axes.plot(ends, [line, line], color=colours[line], linewidth=width, solid_capstyle="butt")
        fill = "full" if row["clear"] else "none"
        axes.plot(100 * row[CHANGE], line, "o", color=colours[line], fillstyle=fill, markersize=8, markeredgewidth=2)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.set_yticks(range(len(rows)), [textwrap.fill(cell.replace("+", " + "), 44) for cell in rows["cell"]])
    baselines = " or ".join(table.loc[~table["is_baseline"], "against"].unique())
    axes.set_xlabel(f"change in {PRIMARY.label} against {baselines}, points")
    axes.grid(axis="x", color=PALE)
    axes.spines["left"].set_visible(False)
    Path(target).write_bytes(png(figure))


if __name__ == "__main__":
    main(*sys.argv[1:])
