"""Draw docs/skies.png, the contact sheet of the synthetic pictures: python docs/contact_sheet.py"""

from pathlib import Path

import numpy as np

from overcast.data._sky_painter import CLASSES, label_of, render
from overcast.html.figures import image_grid, png
from overcast.html.thumbnails import draw_sample

COLUMNS = 8


def main() -> None:
    indices = np.arange(len(CLASSES) * COLUMNS)
    pictures = render(indices, seed=0, size=128, difficulty=0.5)
    figure, panels = image_grid(len(CLASSES), COLUMNS, 0.85, top=0.08, left=0.7)
    for index in indices:
        draw_sample(panels[label_of(index), index // len(CLASSES)], pictures[index].transpose(2, 0, 1))
    for (axes, *_), name in zip(panels, CLASSES, strict=True):
        axes.text(-0.1, 0.5, name, transform=axes.transAxes, ha="right", va="center")
    Path(__file__).with_name("skies.png").write_bytes(png(figure))


if __name__ == "__main__":
    main()
