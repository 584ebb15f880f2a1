"""The report's page as a mail's reader opens it: from the disk, with no network."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser

DRAWN = """plot => [...plot.querySelectorAll("svg .trace, svg .point, svg .bars path, svg .heatmaplayer image")]
  .filter(mark => { const box = mark.getBoundingClientRect(); return box.width + box.height > 0; }).length"""


def test_every_picture_is_drawn_without_a_network(view: Any, made: Any) -> None:
    from playwright.sync_api import expect

    page = view.page
    page.context.set_offline(True)
    page.goto(made.report.as_uri())
    plots = page.locator(".js-plotly-plot")
    figures = page.locator("figure").count()
    assert figures >= 3
    expect(plots).to_have_count(figures)
    for index in range(figures):
        plots.nth(index).scroll_into_view_if_needed()
        expect(plots.nth(index).locator("svg.main-svg").first).to_be_visible()
        assert plots.nth(index).evaluate(DRAWN) > 0, page.locator("figure h2").nth(index).inner_text()
    assert made.said.strip().splitlines()[0] in page.locator("main, header").all_inner_texts()[0]
    assert (view.errors, view.outside) == ([], [])


def test_its_table_sorts(view: Any, made: Any) -> None:
    view.page.goto(made.report.as_uri())
    first = view.page.locator("tbody tr td:first-child")
    view.page.locator("thead th button").first.click()
    descending = first.all_inner_texts()
    view.page.locator("thead th button").first.click()
    assert first.all_inner_texts() == descending[::-1]
    assert sorted(descending) == ["dropout", "none"]
    assert view.errors == []
