"""Draw docs/skies.png, the contact sheet of the synthetic pictures: python docs/contact_sheet.py"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from overcast.data.skies import CLASSES, label_of, render

COLUMNS = 8


def main() -> None:
    indices = np.arange(len(CLASSES) * COLUMNS)
    pictures = render(indices, seed=0, size=128, difficulty=0.5)
    figure = Figure(figsize=(COLUMNS * 1.15, len(CLASSES) * 1.2), layout="constrained", dpi=100)
    axes = figure.subplots(len(CLASSES), COLUMNS)
    for index in indices:
        cell = axes[label_of(index), index // len(CLASSES)]
        cell.imshow(pictures[index])
        cell.set(xticks=[], yticks=[])
        cell.spines[:].set_visible(False)
    for row, name in zip(axes, CLASSES, strict=True):
        row[0].set_ylabel(name)
    figure.savefig(Path(__file__).with_name("skies.png"))


if __name__ == "__main__":
    main()
