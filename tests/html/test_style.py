"""Train and validation look the same everywhere; lines that share a figure can be told apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from overcast.html.style import DASHES, ORANGE, PARTS, LineStyle, series


def test_dvc_gives_train_and_validation_the_same_dashes() -> None:
    """Its own template, which knows no styles of ours, filled as `dvc plots show` does."""
    vega = pytest.importorskip("dvc_render.vega")
    names = [f"{part}/loss" for part in PARTS]
    points = [{"epoch": 1, "value": 0.5, "field": name, "rev": "workspace"} for name in names]
    anchors = [{"filename": "history.csv", "field": name} for name in names]
    drawn = vega.VegaRenderer(points, "loss", x="epoch", y="value", anchors_y_definitions=anchors)
    scale = json.loads(drawn.partial_html())["encoding"]["strokeDash"]["scale"]
    plain = {name: dash == [1, 0] for name, dash in zip(scale["domain"], scale["range"], strict=True)}
    assert plain == {f"{part}/loss": style.dash == "solid" for part, style in PARTS.items()}


def test_no_file_but_this_one_names_a_colour_of_a_part() -> None:
    """Nobody draws train or validation in a colour of their own again."""
    root = Path(__file__).parents[2]
    files = [*(root / "src/overcast").rglob("*.py"), *(root / "docs").glob("*.py")]
    coded = {
        path.relative_to(root).as_posix()
        for path in files
        for style in PARTS.values()
        if style.colour.lower() in path.read_text().lower()
    }
    assert coded == {"src/overcast/html/style.py"}


def test_a_line_style_says_the_same_to_both_libraries() -> None:
    style = LineStyle(ORANGE, "dash")
    assert style.plotly() == {"color": ORANGE, "dash": "dash", "width": 2}
    assert style.matplotlib() == {"color": ORANGE, "linestyle": "--"}
    assert len({str(dash) for dash in DASHES.values()}) == len(DASHES)


def test_many_lines_differ() -> None:
    assert len({series(number) for number in range(280)}) == 280
