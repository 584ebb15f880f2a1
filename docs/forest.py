"""Draw a study's comparison for the README: python docs/forest.py reports/<study>/table.csv docs/<name>.png"""

import sys
import textwrap

import matplotlib.pyplot as plt
import pandas as pd

CHANGE = "change/test/accuracy"
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#767676"


def main(source: str, target: str) -> None:
    table = pd.read_csv(source)
    rows = table[~table["is_baseline"]].iloc[::-1].reset_index(drop=True)
    colours = [
        GREY if not clear else BLUE if up else ORANGE for clear, up in zip(rows["clear"], rows[CHANGE] > 0, strict=True)
    ]
    figure, axes = plt.subplots(figsize=(8, 0.9 + 0.3 * len(rows)), layout="constrained", dpi=110)
    axes.axvline(0, color="black", linewidth=1)
    for at, (_, row) in enumerate(rows.iterrows()):
        for name, width in (("overlap", 1), (CHANGE, 4)):
            ends = [100 * row[f"{name}/low"], 100 * row[f"{name}/high"]]
            axes.plot(ends, [at, at], color=colours[at], linewidth=width, solid_capstyle="butt")
        shown = "full" if row["clear"] else "none"
        axes.plot(100 * row[CHANGE], at, "o", color=colours[at], fillstyle=shown, markersize=8, markeredgewidth=2)
    axes.set_yticks(range(len(rows)), [textwrap.fill(cell.replace("+", " + "), 36) for cell in rows["cell"]])
    axes.set_xlabel("change in test accuracy against none, points")
    axes.grid(axis="x", color="#e6e6e6")
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.savefig(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
