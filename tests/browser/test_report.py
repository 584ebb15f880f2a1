"""The report's page as a mail's reader opens it: from the disk, with no network."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser


def test_every_picture_is_drawn_without_a_network(view: Any, made: Any) -> None:
    page = view.page
    page.context.set_offline(True)
    page.goto(made.report.as_uri())
    assert page.locator("figure").count() >= 3
    assert view.undrawn() == []
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
