"""The documentation as it is built: every page in a browser, wide and narrow, light and dark; the lessons played."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.signal import correlate2d

pytestmark = pytest.mark.browser

LESSONS = 8
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 800}


def pages(site: Path, language: str) -> list[Path]:
    """Those of one language; 404 is a server's, and the report is tested with the comparison."""
    found = [path for path in (site / language).rglob("*.html") if path.name not in ("404.html", "how-sure.html")]
    return sorted(path for path in found if language or "ko" not in path.relative_to(site).parts)


def errors(view: Any) -> list[str]:
    """What went wrong, but for what only a server can give: the list of pages in the other language."""
    return [
        text for text in view.errors if "sitemap.xml" not in text and text != "Failed to load resource: net::ERR_FAILED"
    ]


def serious(page: Any) -> list[str]:
    """What axe finds that keeps people out."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"preload": False}).response["violations"]
    grave = [each for each in found if each["impact"] in ("serious", "critical")]
    return [f"{each['id']}: {node['html'][:120]}" for each in grave for node in each["nodes"][:2]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["", "ko"])
def test_every_page_is_whole_and_keeps_nobody_out(view: Any, site: Path, language: str, scheme: str) -> None:
    page, wrong = view.page, {}
    page.emulate_media(color_scheme=scheme)
    every = pages(site, language)
    assert len(every) > LESSONS
    for path in every:
        page.set_viewport_size(WIDE)
        page.goto(path.as_uri())
        found = serious(page)
        page.set_viewport_size(NARROW)
        if (width := page.evaluate("document.documentElement.scrollWidth")) > NARROW["width"]:
            found.append(f"{width} pixels wide on a phone")
        if found:
            wrong[str(path.relative_to(site))] = found
    assert not wrong, json.dumps(wrong, indent=1)
    assert view.outside == []
    assert errors(view) == []


@pytest.mark.parametrize("language", ["", "ko"])
def test_all_there_is_to_play_with_draws_itself(view: Any, site: Path, language: str) -> None:
    kinds = set()
    for path in sorted((site / language / "course").glob("[1-8]-*.html")):
        view.page.goto(path.as_uri())
        assert view.page.locator("form.predict").count() >= 1
        assert view.page.locator("details.solution").count() == 3
        for place in view.page.locator(".play").all():
            kinds.add(place.get_attribute("data-play"))
            assert place.locator(".play-picture :is(svg, canvas)").count() > 0, place.inner_text()
            assert place.locator("[role=status]").first.text_content(), path
    assert kinds == {"network", "depth", "strength", "bars", "memory", "convolution"}
    assert errors(view) == []


@pytest.mark.parametrize("language", ["", "ko"])
@pytest.mark.parametrize(("lesson", "starts"), [("2-hidden-layer", ["1", "8"]), ("3-depth", ["6", "6"])])
def test_the_live_network_starts_as_its_lesson_says(
    view: Any, site: Path, language: str, lesson: str, starts: list[str]
) -> None:
    view.page.goto((site / language / f"course/{lesson}.html").as_uri())
    sliders = view.page.locator("[data-play=network] .play-slider output").all()
    assert [each.text_content() for each in sliders[:2]] == starts


def test_a_verdict_opens_after_the_answer(view: Any, site: Path) -> None:
    view.page.goto((site / "course/1-one-unit.html").as_uri())
    verdict = view.page.locator("#verdict-one-unit")
    assert not verdict.evaluate("each => each.open")
    view.page.get_by_label("about half").check()
    assert verdict.evaluate("each => each.open")
    assert re.search(r"\d+ %", verdict.inner_text())


def test_another_data_set_has_other_bars(view: Any, site: Path) -> None:
    view.page.goto((site / "course/7-problem.html").as_uri())
    place = view.page.locator("[data-play=bars]")
    told = place.locator("[role=status]")
    before = told.text_content()
    place.locator("select").focus()
    view.page.keyboard.press("ArrowDown")
    assert told.text_content() != before


def test_a_gate_of_one_forgets_nothing(view: Any, site: Path) -> None:
    view.page.goto((site / "course/6-memory.html").as_uri())
    place = view.page.locator("[data-play=memory]")
    weight, gate = place.locator("input[type=range]").all()
    weight.focus()
    view.page.keyboard.press("Home")
    gate.focus()
    view.page.keyboard.press("End")
    told = place.locator("[role=status]").text_content()
    assert "LSTM 1 of" in told
    assert "7.9·10⁻³¹" in told  # 0.5 to the power of 100


def test_a_convolution_is_the_sum_that_scipy_makes(view: Any, site: Path) -> None:
    view.page.goto((site / "course/4-convolution.html").as_uri())
    rng = np.random.default_rng(0)
    pixels, weights = rng.random((7, 7)), rng.normal(size=(3, 3))
    ask = """([pixels, weights]) => {
      const map = course.convolve(pixels, 7, weights);
      return [[...map], [...course.pool(map, 5)]];
    }"""
    map_, pooled = view.page.evaluate(ask, [pixels.ravel().tolist(), weights.ravel().tolist()])
    expected = correlate2d(pixels, weights, mode="valid")
    assert np.reshape(map_, (5, 5)) == pytest.approx(expected)
    assert np.reshape(pooled, (2, 2)) == pytest.approx(expected[:4, :4].reshape(2, 2, 2, 2).max((1, 3)))


def test_other_weights_make_another_map(view: Any, site: Path) -> None:
    view.page.goto((site / "course/4-convolution.html").as_uri())
    place = view.page.locator("[data-play=convolution]")
    told = place.locator("[role=status]")
    before = told.text_content()
    place.locator("input[type=number]").first.fill("3")
    assert told.text_content() != before
    assert place.locator("select").nth(1).input_value() == "own"
    place.get_by_label("pooling").check()
    assert "31 × 31" in told.text_content()


@pytest.mark.parametrize(("start", "asked"), [("index", "margin"), ("ko/index", "이미지")])
def test_a_search_finds_pages_from_the_disk(view: Any, site: Path, start: str, asked: str) -> None:
    view.page.goto((site / f"{start}.html").as_uri())
    view.page.keyboard.press("Control+k")
    view.page.get_by_role("combobox").press_sequentially(asked, delay=50)
    view.page.get_by_role("status").filter(has_text=re.compile(r"^[1-9]\d* results?$")).wait_for()
    assert view.page.get_by_role("combobox").input_value() == asked
    assert view.outside == []


def test_a_language_leads_to_the_same_page_in_it(view: Any, site: Path) -> None:
    view.page.goto((site / "course/3-depth.html").as_uri())
    view.page.goto(view.page.locator("a[hreflang=ko]").first.evaluate("each => each.href"))
    assert view.page.url.endswith("/ko/course/3-depth.html")
    assert view.page.locator("html").get_attribute("lang") == "ko"
