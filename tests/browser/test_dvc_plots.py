"""The page of `dvc plots diff`, opened from the disk with no network: every plot is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dvc_render import VegaRenderer, render_html

from overcast.evaluation.dvc_plots import page

pytestmark = pytest.mark.browser


def test_plots_of_two_revisions_are_drawn_without_a_network(view: Any, tmp_path: Path) -> None:
    revisions = ("HEAD", "workspace")
    curves = [{"epoch": e, "loss": 1 / (1 + e), "rev": rev} for e in range(3) for rev in revisions]
    guesses = [{"label": a, "predicted": b, "rev": rev} for a in "xyz" for b in "xy" for rev in revisions]
    plots = [
        VegaRenderer(curves, "loss", x="epoch", y="loss", title="loss"),
        VegaRenderer(guesses, "test part", template="confusion", x="predicted", y="label"),
    ]
    (tmp_path / "plots.html").write_text(page(), encoding="utf8")
    render_html(plots, tmp_path / "index.html", html_template=tmp_path / "plots.html")
    view.page.context.set_offline(True)
    view.page.goto((tmp_path / "index.html").as_uri())
    drawings = view.page.locator(".vega-embed canvas, .vega-embed svg.marks")
    drawings.nth(1).wait_for()
    assert drawings.count() == 2
    assert all(box["height"] > 100 for box in (drawings.nth(i).bounding_box() for i in range(2)))
    assert (view.errors, view.outside) == ([], [])
