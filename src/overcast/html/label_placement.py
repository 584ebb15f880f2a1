"""Where to write the names beside the points of a scatter plot, and how to break long ones: Plotly does neither."""

from __future__ import annotations

import numpy as np

WIDTH, HEIGHT, MARGIN = 800, 380, 80
"""About the pixels that the points are spread over, and how far a label may reach beyond them to the right."""


def text_positions(x: np.ndarray, y: np.ndarray, labels: list[str]) -> list[str]:
    """Plotly's ``textposition`` of each label, so that it runs into few points and labels.

    Greedy: the labels of crowded points are placed last.
    """
    x_range, y_range = np.ptp(x) or 1.0, np.ptp(y) or 1.0
    u, v = (x - x.min()) / x_range * WIDTH, (y - y.min()) / y_range * HEIGHT
    taken = [(a - 6, a + 6, b - 6, b + 6) for a, b in zip(u, v, strict=True)]
    positions = [""] * len(x)
    neighbours = [int(((np.abs(u - a) < 90) & (np.abs(v - b) < 40)).sum()) for a, b in zip(u, v, strict=True)]
    for i in np.argsort(neighbours, kind="stable"):
        length = 7 * max(map(len, labels[i].split("<br>")))
        boxes = {
            f"{up} {side}": (u[i] + left * length + dx, u[i] + (left + 1) * length + dx, v[i] + dy - 7, v[i] + dy + 7)
            for up, dy in (("middle", 0), ("top", 14), ("bottom", -14))
            for side, left, dx in (
                ("right", 0, 8 if not dy else 2),
                ("left", -1, -8 if not dy else -2),
                ("center", -0.5, 0),
            )
            if (up, side) != ("middle", "center")
        }
        costs = {
            position: sum(_overlap(box, other) for other in taken) + 10 * max(0, -box[0], box[1] - WIDTH - MARGIN)
            for position, box in boxes.items()
        }
        positions[i] = min(costs, key=costs.__getitem__)
        taken.append(boxes[positions[i]])
    return positions


def folded(name: str, width: int = 36, lines: int | None = None) -> str:
    """A long name, of several mitigations or options, on lines of about this many letters; cut after so many lines."""
    parts = [""]
    for part in name.replace("+", "+\n").replace(" · ", " · \n").split("\n"):
        if len(parts[-1] + part) > width:
            parts.append("")
        parts[-1] += part
    parts = [part for part in parts if part]
    return "<br>".join(
        parts if lines is None or len(parts) <= lines else [*parts[: lines - 1], f"{parts[lines - 1]} …"]
    )


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """The area that two boxes (left, right, bottom, top) share."""
    return float(max(0, min(a[1], b[1]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[2], b[2])))
