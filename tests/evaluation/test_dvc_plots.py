"""DVC fills this page in, and it draws without a network; a browser's test opens one."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
from dvc_render import VegaRenderer, render_html

from overcast.evaluation.dvc_plots import page


@pytest.fixture(scope="module")
def text() -> str:
    return page()


def test_dvc_fills_each_place_once_and_brings_no_scripts_of_its_own(text: str, tmp_path: Path) -> None:
    assert [text.count(place) for place in ("{plot_divs}", "{refresh_tag}", "{scripts}")] == [1, 1, 0]
    points = [{"epoch": e, "loss": 1 / (1 + e), "rev": rev} for e in range(3) for rev in ("HEAD", "workspace")]
    plot = VegaRenderer(points, "loss", x="epoch", y="loss", title="loss")
    (tmp_path / "plots.html").write_text(text, encoding="utf8")
    render_html([plot], tmp_path / "index.html", html_template=tmp_path / "plots.html")
    filled = (tmp_path / "index.html").read_text(encoding="utf8")
    head, body = filled.split("</head>\n<body>")
    assert (body.count("vegaEmbed("), body.count("<script")) == (1, 1)
    assert (head.count("</script>"), "<script src" in filled) == (1, False)


def test_it_is_written_where_it_is_asked_for(tmp_path: Path, monkeypatch: Any, text: str) -> None:
    monkeypatch.setattr(sys, "argv", ["dvc_plots", str(tmp_path / "plots.html")])
    monkeypatch.delitem(sys.modules, "overcast.evaluation.dvc_plots")
    runpy.run_module("overcast.evaluation.dvc_plots", run_name="__main__")
    assert (tmp_path / "plots.html").read_text(encoding="utf8") == text
