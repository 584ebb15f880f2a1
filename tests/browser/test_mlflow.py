"""MLflow's own UI, by the links that a study prints: its saved view is undocumented, so every release is looked at."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from overcast.study.outcomes import families
from overcast.tracking.ui_views import BASE, CURVES, TRIALS

pytestmark = pytest.mark.browser

NAMES = [f"ann · {mitigation} · seed {seed}" for mitigation in ("none", "dropout") for seed in (0, 1)]


@pytest.fixture
def expect() -> Any:
    """Playwright's patient assertions."""
    from playwright.sync_api import expect

    return expect


@pytest.fixture
def at(made: Any, ui: str) -> Any:
    """A printed link as an address of the UI under test."""
    return lambda title: made.links[title].replace(BASE, ui)


def row(page: Any, name: str) -> Any:
    """The part of a run's row with its check box and its name."""
    return page.locator(".ag-pinned-left-cols-container .ag-row", has_text=name)


def test_the_links_printed(made: Any) -> None:
    assert list(made.links) == ["runs by mitigation", "charts", "trial by trial", "compare page", "the study"]
    assert all(link.startswith(BASE) for link in made.links.values())


def test_runs_by_mitigation(view: Any, at: Any, expect: Any) -> None:
    view.page.goto(at("runs by mitigation"))
    for group in ("none", "dropout"):
        expect(view.page.get_by_text(f"Group: {group}", exact=True)).to_be_visible()
    for name in NAMES:
        expect(row(view.page, name)).to_be_visible()
    for head in ("gap/nll", "test/nll", "test/accuracy", "cost/seconds", "mitigation", "model"):
        expect(view.page.locator(".ag-header-cell", has_text=head).first).to_be_visible()
    expect(view.page.get_by_text("4 matching runs")).to_be_visible()


def test_two_selected_open_the_compare_page(view: Any, made: Any, ui: str, expect: Any) -> None:
    wanted = quote(f"tags.study = '{made.id}' and tags.role = 'trial'")
    order = quote("metrics.`test/accuracy`")
    runs = made.links["runs by mitigation"].partition("?")[0].replace(BASE, ui)
    page = view.page
    page.goto(f"{runs}?searchFilter={wanted}&orderByKey={order}&orderByAsc=false&workflowType=machine_learning")
    for name in NAMES:
        expect(row(page, name)).to_be_visible()
    for name in (NAMES[0], NAMES[3]):
        row(page, name).locator("input[type=checkbox]:visible").first.click()
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_text("Comparing 2 Runs from 1 Experiment").first).to_be_visible()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    for parameter, values in {"mitigation": {"none", "dropout"}, "seed": {"0", "1"}, "model": {"ann"}}.items():
        named = page.get_by_role("rowheader", name=parameter, exact=True)
        assert set(page.get_by_role("row").filter(has=named).locator("td").all_inner_texts()) == values
    scrolled_to(page, "best/epoch", "test/accuracy")
    expect(page.get_by_text("test/accuracy", exact=True)).to_be_visible()


def scrolled_to(page: Any, first: str, metric: str) -> None:
    """Turn the wheel over the table of metrics, which draws only the rows in sight."""
    link = page.get_by_text(first, exact=True)
    link.evaluate("link => link.scrollIntoView({block: 'center'})")
    box = link.bounding_box()
    page.mouse.move(box["x"] + 600, box["y"])  # over the values: the column of names does not scroll
    for _ in range(60):
        if page.get_by_text(metric, exact=True).count():
            return
        page.mouse.wheel(0, 100)
        page.wait_for_timeout(100)


def test_charts(view: Any, at: Any, expect: Any) -> None:
    """Means, below the words which way is better, then learning curves; what is out of sight is not drawn."""
    view.page.goto(at("charts"))
    bars = view.page.locator(".js-plotly-plot svg .bars")
    expect(bars.first.locator(".point")).to_have_count(2)  # one a mitigation
    sections = {"means: lower is better": ["gap/nll", "test/nll"], "means: higher is better": ["test/accuracy"]}
    for section, metrics in (sections | CURVES).items():
        head = view.page.get_by_text(section, exact=True)
        head.evaluate("head => head.scrollIntoView({block: 'start'})")
        for metric in metrics:
            expect(view.page.get_by_text(metric, exact=True).first).to_be_visible()
    expect(view.page.locator(".js-plotly-plot svg .scatterlayer .trace .js-line").first).to_be_attached()
    expect(view.page.get_by_text("test/macro_f1", exact=True)).to_have_count(0)  # other metrics are folded


def test_trial_by_trial(view: Any, at: Any, expect: Any) -> None:
    """An axis a parameter that tells trials apart, one an outcome, and a line a trial."""
    view.page.goto(at("trial by trial"))
    expect(view.page.get_by_text(TRIALS)).to_be_visible()
    axes = view.page.locator(".parcoords .dimension .label")
    expect(axes).to_have_text(["fold", "seed", "mitigation", *families().larger_is_better])
    for name in NAMES:
        expect(view.page.get_by_text(name).first).to_be_visible()


def test_compare_page(view: Any, at: Any, expect: Any) -> None:
    view.page.goto(at("compare page"))
    expect(view.page.get_by_text("Comparing 4 Runs from 1 Experiment").first).to_be_visible()
    names = view.page.locator("tr", has_text="Run Name:").locator("td")
    expect(names).to_have_text([NAMES[i] for i in (0, 2, 1, 3)])
    expect(view.page.locator(".js-plotly-plot").first).to_be_visible()
    chosen = view.page.locator("[class*=select-selection-item]")
    expect(chosen.first).to_be_visible()
    told = [text for text in dict.fromkeys(chosen.all_inner_texts()) if text]
    assert told == ["mitigation", "seed", "strengths", "validation/accuracy"]  # what differs, and the first metric


def test_the_study_tells_its_verdict(view: Any, made: Any, at: Any, expect: Any) -> None:
    view.page.goto(at("the study"))
    headline = made.said.strip().splitlines()[0]
    expect(view.page.get_by_text(headline).first).to_be_visible()
    view.page.get_by_text("Show more").click()
    for head in ("test accuracy (higher is better), %", "gap in negative log-likelihood (lower is better)"):
        expect(view.page.get_by_role("columnheader", name=head)).to_be_visible()
    expect(view.page.get_by_text("Child runs", exact=True).first).to_be_visible()
    expect(view.page.get_by_text(NAMES[0]).first).to_be_visible()
