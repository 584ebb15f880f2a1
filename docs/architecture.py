"""Draw the two pictures of docs/guide/architecture.md: the steps of a run, and the rooms by what they import.

python docs/architecture.py
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

DOCS = Path(__file__).parent
SOURCE = DOCS.parent / "src" / "overcast"
WIDTH, MARGIN, GAP = 760, 20, 14
INK, LINE, FILL, STRONG = "#1c2733", "#5b6b7a", "#eef3f8", "#cfe3f5"
STEPS = (
    ("download", "raw files"),
    ("pack", "one array, index"),
    ("split", "parts and folds"),
    ("train", "weights, curves"),
    ("evaluate", "figures, answers"),
)
AFTER = (
    ("compare", "a study's verdicts"),
    ("tune, plan", "recipe; how many runs"),
    ("predict, explain", "labels; what it looks at"),
    ("register, drift", "served; watched"),
)


def main() -> None:
    for name, picture in (("steps", steps()), ("rooms", rooms())):
        (DOCS / "guide" / f"{name}.svg").write_text(picture, encoding="utf8")


def steps() -> str:
    """The five steps of `dvc repro` in a row, a study around the last two, and what is made of runs below."""
    width = (WIDTH - 2 * MARGIN - 4 * 26) / 5
    places = [MARGIN + number * (width + 26) for number in range(5)]
    drawn = [box(x, 40, width, 62, *step) for x, step in zip(places, STEPS, strict=True)]
    drawn += [arrow(x + width, 71, x + width + 26, 71) for x in places[:-1]]
    left = places[3] - 13
    drawn.append(f'<rect x="{left:.0f}" y="14" width="{WIDTH - left - 7:.0f}" height="102" rx="8" fill="none"'
                 f' stroke="{LINE}" stroke-dasharray="5 4"/>')  # fmt: skip
    drawn.append(words((left + WIDTH - 7) / 2, 31, "study: cells × folds × seeds", 13))
    below = (WIDTH - 2 * MARGIN - 3 * GAP) / 4
    for number, made in enumerate(AFTER):
        x = MARGIN + number * (below + GAP)
        drawn += [box(x, 160, below, 62, *made), arrow(x + below / 2, 138, x + below / 2, 160)]
    middle = left + (WIDTH - 7 - left) / 2
    drawn += [line(middle, 116, middle, 138), line(MARGIN + below / 2, 138, WIDTH - MARGIN - below / 2, 138)]
    return svg(drawn, 236, "The steps: download, pack, split, train, evaluate; then compare, tune, predict, register")


def rooms() -> str:
    """A row a level: a room lies one above the highest room that it imports."""
    levels: dict[int, list[str]] = {}
    for room in sorted(path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()):
        levels.setdefault(level(room), []).append(room)
    drawn = []
    for row, number in enumerate(sorted(levels, reverse=True)):
        names = levels[number]
        width = (WIDTH - 2 * MARGIN - (len(names) - 1) * GAP) / len(names)
        for place, name in enumerate(names):
            drawn.append(box(MARGIN + place * (width + GAP), 12 + row * 42, width, 32, name, ""))
    return svg(drawn, 12 + len(levels) * 42 + 4, "The rooms of src/overcast, each above what it imports")


@cache
def level(room: str) -> int:
    return 1 + max((level(used) for used in imported(room)), default=0)


def imported(room: str) -> set[str]:
    """The other rooms that a room imports, not counting what is there for types alone."""
    used: set[str] = set()
    for path in (SOURCE / room).rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf8"))
        typing = [
            node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        ]
        unseen = {inner for block in typing for inner in ast.walk(block)}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node not in unseen and (node.module or "").startswith("overcast"):
                parts = str(node.module).split(".")
                used |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
    return {name for name in used if (SOURCE / name).is_dir()} - {room}


def box(x: float, y: float, width: float, height: float, name: str, below: str) -> str:
    fill = STRONG if below else FILL
    shape = f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{height}" rx="6" fill="{fill}" stroke="{LINE}"/>'
    middle = y + (26 if below else height / 2 + 5)
    return (
        shape
        + words(x + width / 2, middle, name, 16, "bold")
        + (words(x + width / 2, y + 48, below, 13) if below else "")
    )


def words(x: float, y: float, text: str, size: int, weight: str = "normal") -> str:
    style = f'font-size="{size}" font-weight="{weight}" text-anchor="middle" fill="{INK}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'


def line(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<path d="M{x:.1f} {y:.1f} L{to_x:.1f} {to_y:.1f}" stroke="{LINE}" fill="none"/>'


def arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    return line(x, y, to_x, to_y).replace("/>", ' marker-end="url(#tip)"/>')


def svg(drawn: list[str], height: int, title: str) -> str:
    tip = f'<path d="M0 0 L9 4 L0 8 z" fill="{LINE}"/>'
    tip = f'<marker id="tip" markerWidth="9" markerHeight="8" refX="8" refY="4" orient="auto">{tip}</marker>'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" font-family="sans-serif">'
    )
    ground = f'<rect width="{WIDTH}" height="{height}" rx="10" fill="#ffffff"/>'
    return "\n".join([head, f"<title>{escape(title)}</title><defs>{tip}</defs>", ground, *drawn, "</svg>"]) + "\n"


if __name__ == "__main__":
    main()
