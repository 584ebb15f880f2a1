"""The looks of a study and its folds, moved by a reader: from the disk, by keyboard, with the table's own figures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from overcast.comparison import OUTCOMES, comparison_table, families
from overcast.comparison.intervals import looks_section, resampling_section
from overcast.comparison.sequential import look_tables
from overcast.comparison.wording import change, judgement, places
from overcast.html.page import Page
from overcast.html.writer import render
from overcast.statistics.simultaneous import compare_with_control
from overcast.study.outcomes import Families

pytestmark = pytest.mark.browser

JUDGED = families(("accuracy",))
FOLDS = 6
EFFECTS = {"none": 0.0, "good": 0.1, "half": 0.02, "same": 0.0}


def trials() -> pd.DataFrame:
    """Made up: of each cell by how much its accuracy, and the likelihood of its gap, differ from none."""
    draw, rows = np.random.default_rng(4).normal, []
    for name, effect in EFFECTS.items():
        for fold in range(FOLDS):
            row: dict[str, Any] = dict.fromkeys((outcome.column for outcome in OUTCOMES), 0.3)
            row |= {"test/accuracy": 0.8 + effect + draw(0, 0.01), "gap/nll": 0.5 - 10 * effect + draw(0, 0.05)}
            row |= {"data": "sky", "model": "cnn", "mitigation": name, "cell": name, "train_fraction": 1.0, "epochs": 5}
            row |= {"run_id": f"{name}{fold}", "fold": fold, "seed": 0, "seconds": 1.0, "diverged": False}
            rows.append(row | {"repeat": f"{fold}-0"})
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return comparison_table(trials(), {"families": JUDGED})


@pytest.fixture(scope="module")
def resampling(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    section = resampling_section(table, trials(), JUDGED, {})
    assert section
    path = tmp_path_factory.mktemp("page") / "again.html"
    path.write_text(render(Page("Again", "lead", [section], {})), encoding="utf8")
    return path


@pytest.fixture(scope="module")
def looks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    section = looks_section(look_tables(trials(), {"looks": [4, 6], "families": JUDGED}, {}), JUDGED)
    assert section
    path = tmp_path_factory.mktemp("page") / "looks.html"
    path.write_text(render(Page("Looks", "lead", [section], {})), encoding="utf8")
    return path


def expected(row: pd.Series, table: pd.DataFrame, judged: Families) -> list[str]:
    """What the fields of a comparison show: the difference with its interval, the verdict; for each outcome."""
    fields = []
    for outcome in judged.judged:
        shown = change(row, outcome, places(table, outcome)).replace(" points", "")
        fields += [shown, judgement(row, outcome)]
    return fields


def test_with_all_folds_the_figures_are_those_of_the_table(view: Any, resampling: Path, table: pd.DataFrame) -> None:
    view.page.goto(resampling.as_uri())
    rows = table[~table["is_baseline"]]
    assert set(rows["verdict/test/accuracy"]) >= {"better", "equivalent"}
    for line, (_, row) in zip(view.page.locator(".intervals tbody tr").all(), rows.iterrows(), strict=True):
        assert line.locator("th").inner_text() == row["cell"]
        assert line.locator("td").all_inner_texts() == expected(row, table, JUDGED)
    assert (view.errors, view.outside) == ([], [])


@pytest.mark.parametrize("folds", [[0, 1, 2, 3, 4, 5], [0, 0, 1, 4, 4, 5], [3, 3, 3, 3, 3, 2], [2, 2, 2, 2, 2, 2]])
def test_drawn_folds_are_judged_by_the_study_s_rule(view: Any, resampling: Path, folds: list[int]) -> None:
    view.page.goto(resampling.as_uri())
    drawn = view.page.evaluate(ESTIMATES, folds)
    known = view.page.evaluate("JSON.parse(document.querySelector('.intervals script').textContent)")
    for ours, told in zip(drawn, known["groups"][0], strict=True):
        differences = np.array(told["differences"])[:, folds, None]
        again = compare_with_control(differences)
        reach = told["critical"] * np.sqrt(again.standard_error**2 + np.array(told["fixed"]))
        np.testing.assert_allclose(ours, np.stack([again.mean, again.mean - reach, again.mean + reach], 1), rtol=1e-9)


ESTIMATES = """folds => {
  const data = JSON.parse(document.querySelector(".intervals script").textContent);
  return data.groups[0].map(column => estimates(column, folds, data.agreeing));
}"""


def test_draws_are_counted_beside_the_study_s_verdict(view: Any, resampling: Path) -> None:
    page = view.page
    page.goto(resampling.as_uri())
    before = page.locator(".intervals tbody").inner_text()
    page.keyboard.press("Tab")  # past the link to the section
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    said = page.locator("output").inner_text()
    assert set(re.findall(r"\d+", said.removeprefix("Draw 1, of folds ").partition(".")[0])) <= set("012345"), said
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.locator("output").inner_text().startswith("Draw 101, of folds ")
    for line in page.locator(".intervals tbody tr").all():
        for cell in line.locator("td:not(.interval)").all():
            held, *flips = cell.locator(".detail").all_inner_texts()
            words = held.split()
            assert (words[:2], words[3:]) == (["held", "in"], ["of", "101"])
            assert int(words[2]) + sum(int(each.split()[-1]) for each in flips) == 101
    good = page.locator("tbody tr", has_text="good").locator("td").nth(3)
    assert good.locator(".detail").all_inner_texts() == ["held in 101 of 101"]
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator(".intervals tbody").inner_text() == before
    assert view.errors == []


def test_the_slider_goes_through_the_looks(view: Any, looks: Path) -> None:
    page = view.page
    page.goto(looks.as_uri())
    slider = page.get_by_label("Look")
    notes = page.locator("tbody tr td:last-child")
    assert page.locator("output").inner_text() == slider.get_attribute("aria-valuetext") == "after 6 folds"
    last = page.locator(".intervals tbody").inner_text()
    slider.focus()
    page.keyboard.press("Home")
    assert page.locator("output").inner_text() == slider.get_attribute("aria-valuetext") == "after 4 folds"
    assert {"decided after 4 folds", "goes on"} <= set(notes.all_inner_texts())
    assert page.locator(".intervals tbody").inner_text() != last
    page.keyboard.press("ArrowRight")
    assert page.locator(".intervals tbody").inner_text() == last
    assert "goes on" not in notes.all_inner_texts()
    assert (view.errors, view.outside) == ([], [])


@pytest.mark.parametrize("which", ["resampling", "looks"])
def test_on_a_phone_the_page_is_as_wide_as_the_screen(
    chromium: Any, which: str, request: pytest.FixtureRequest
) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 850}, is_mobile=True, has_touch=True, offline=True)
    page = context.new_page()
    page.goto(request.getfixturevalue(which).as_uri())
    page.locator(".intervals svg").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for control in page.locator(".controls button, .controls input").all():
        control.scroll_into_view_if_needed()
        box = control.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["height"] >= 30  # a finger's
    context.close()
