"""Draw a study's comparison for the README: python docs/forest.py reports/<study>/table.csv docs/<name>.png"""

import sys
import textwrap
from pathlib import Path

import pandas as pd

from overcast.html.figures import canvas, png
from overcast.html.style import BLACK, BLUE, GREY, ORANGE, PALE

CHANGE = "change/test/accuracy"


def main(source: str, target: str) -> None:
    table = pd.read_csv(source)
    rows = table[~table["is_baseline"]].iloc[::-1].reset_index(drop=True)
    colours = [
        GREY if not clear else BLUE if up else ORANGE for clear, up in zip(rows["clear"], rows[CHANGE] > 0, strict=True)
    ]
    figure, ((axes,),) = canvas(8, 0.9 + 0.3 * len(rows))
    axes.axvline(0, color=BLACK, linewidth=1)
    for at, (_, row) in enumerate(rows.iterrows()):
        for name, width in (("overlap", 1), (CHANGE, 4)):
            ends = [100 * row[f"{name}/low"], 100 * row[f"{name}/high"]]
            axes.plot(ends, [at, at], color=colours[at], linewidth=width, solid_capstyle="butt")
        shown = "full" if row["clear"] else "none"
        axes.plot(100 * row[CHANGE], at, "o", color=colours[at], fillstyle=shown, markersize=8, markeredgewidth=2)
    axes.set_yticks(range(len(rows)), [textwrap.fill(cell.replace("+", " + "), 36) for cell in rows["cell"]])
    axes.set_xlabel("change in test accuracy against none, points")
    axes.grid(axis="x", color=PALE)
    axes.spines["left"].set_visible(False)
    Path(target).write_bytes(png(figure))


if __name__ == "__main__":
    main(*sys.argv[1:])
