"""The report's page as a mail's reader opens it: from the disk, with no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser


def test_every_picture_is_drawn_without_a_network(view: Any, made: Any) -> None:
    page = view.page
    page.context.set_offline(True)
    page.goto(made.report.as_uri())
    assert page.locator("figure.figure").count() >= 3
    assert view.undrawn() == []
    assert made.said.strip().splitlines()[0] in page.locator("main, header").all_inner_texts()[0]
    assert (view.errors, view.outside) == ([], [])


def test_in_korean(view: Any, korean_report: Path) -> None:
    view.page.goto(korean_report.as_uri())
    assert view.undrawn() == []
    assert view.page.evaluate("document.documentElement.lang") == "ko"
    assert view.page.locator("h2").first.inner_text() == "글로 보는 결과"
    assert view.page.locator(".modebar-btn").first.get_attribute("data-title") == "PNG로 저장"
    assert (view.errors, view.outside) == ([], [])


def test_its_table_sorts(view: Any, made: Any) -> None:
    view.page.goto(made.report.as_uri())
    first = view.page.locator("table.sortable tbody tr > :first-child")
    view.page.locator("thead th button").first.click()
    descending = first.all_inner_texts()
    view.page.locator("thead th button").first.click()
    assert first.all_inner_texts() == descending[::-1]
    assert sorted(descending) == ["dropout", "linear (no network)", "majority (no network)", "none"]
    assert view.errors == []


def test_on_a_phone_nothing_overflows_and_a_swipe_moves_the_page(chromium: Any, made: Any) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 850}, is_mobile=True, has_touch=True, offline=True)
    page = context.new_page()
    page.goto(made.report.as_uri())
    plot = page.locator(".js-plotly-plot").nth(1)  # accuracy against the gap, which is the higher one
    plot.locator("svg.main-svg").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    plot.evaluate("plot => plot.scrollIntoView()")
    before, shown = page.evaluate("scrollY"), plot.evaluate("plot => plot.layout.xaxis.range")
    finger = context.new_cdp_session(page)
    places = [[{"x": 250, "y": y}] for y in range(220, 110, -10)]
    for kind, points in [("touchStart", places[0]), *(("touchMove", place) for place in places[1:]), ("touchEnd", [])]:
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.wait_for_function(f"scrollY > {before + 50}")
    assert plot.evaluate("plot => plot.layout.xaxis.range") == shown
    context.close()
