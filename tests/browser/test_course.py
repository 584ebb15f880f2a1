"""The course's things to play with and its questions: from the disk, by keyboard, on a phone, in two languages."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from overcast.core.paths import ROOT

pytestmark = pytest.mark.browser

THEMES = {"default": ("#fff", "#000000de"), "slate": ("#1e2129", "#e2e4e9d1")}
"""A scheme's background and text, as the site's theme has them."""

NETWORK = '<div class="play" data-play="network" data-pattern="xor"{}></div>'
PREDICT = """
<form class="predict" data-name="xor"><fieldset><legend>How many does one unit get right?</legend>
<label><input type="radio" name="xor" value="0"> half</label>
<label><input type="radio" name="xor" value="1"> three of four</label>
<label><input type="radio" name="xor" value="2"> all</label></fieldset></form>
<details class="verdict" id="verdict-xor"><summary>What was measured</summary><p>It depends.</p></details>
"""


def interval(mean: float) -> dict[str, float]:
    return {"mean": mean, "low": mean - 0.02, "high": mean + 0.01}


def run(depth: int, activation: str, norm: str) -> dict[str, Any]:
    shrink = {"sigmoid": 0.1, "relu": 0.8}[activation] if norm == "none" else 0.9
    best = 0.95 if shrink > 0.5 else 0.9 - 0.1 * depth
    gradients = [0.03 * shrink ** (depth - layer) for layer in range(1, depth + 1)]
    curves = {"train": [[0.3, 0.6, best], [0.35, 0.5, best - 0.02]], "validation": [[0.3, 0.5, best - 0.1], [0.2, 0.4]]}
    choices = {"depth": depth, "activation": activation, "norm": norm}
    return choices | curves | {"gradients": gradients, "epochs": [1, 2, 3], "accuracy": interval(best - 0.1)}


def curve(value: float | None, gap: float) -> dict[str, Any]:
    last = 0.9 - gap
    parts = {"train": [[0.5, 0.8, 0.9], [0.45, 0.75, 0.92]], "validation": [[0.5, 0.7, last], [0.4, 0.6, last]]}
    return parts | {"value": value, "epochs": [1, 2, 3], "test": interval(0.88 - gap), "gap": interval(gap)}


DEPTHS = [
    run(depth, act, norm) for depth in (1, 2, 5) for act in ("sigmoid", "relu") for norm in ("none", "batch_norm")
]
STRENGTHS = [
    {"name": "dropout", "option": "mitigation.dropout.p", "control": curve(None, 0.3)}
    | {"curves": [curve(0.1, 0.25), curve(0.3, 0.15), curve(0.5, 0.12)]},
    {"name": "weight_decay", "option": "mitigation.weight_decay.weight_decay", "control": curve(None, 0.3)}
    | {"curves": [curve(value, 0.2) for value in (1e-4, 1e-3)]},
]
TABLES = {"depth": {"about": {}, "runs": DEPTHS}, "strength": {"about": {}, "mitigations": STRENGTHS}}

Open = Callable[..., Any]


def played(kind: str) -> str:
    """A place with its table, as lesson.md.j2 writes it."""
    table = json.dumps(TABLES[kind]).replace("<", "\\u003c")
    script = f'<script type="application/json" class="play-table" data-table="{kind}">{table}</script>'
    return f'<div class="play" data-play="{kind}"></div>\n{script}'


EVERYTHING = "<h1>Lesson</h1>" + NETWORK.format("") + played("depth") + played("strength") + PREDICT


def write_page(folder: Path, body: str, language: str, scheme: str) -> Path:
    """A page with the site's scripts and style, less its theme."""
    project = tomllib.loads((ROOT / "docs/zensical.en.toml").read_text(encoding="utf8"))["project"]
    ground, ink = THEMES[scheme]
    style = f"--md-default-bg-color:{ground};--md-default-fg-color:{ink};background:{ground};color:{ink}"
    links = [f'<link rel="stylesheet" href="{(ROOT / "docs" / name).as_uri()}">' for name in project["extra_css"]]
    scripts = [f'<script src="{(ROOT / "docs" / name).as_uri()}"></script>' for name in project["extra_javascript"]]
    head = '<meta charset="utf8"><meta name="viewport" content="width=device-width">' + "".join(links)
    page = f'<!doctype html><html lang="{language}"><head><title>Lesson</title>{head}</head>'
    page += f'<body data-md-color-scheme="{scheme}" style="{style}"><main>{body}</main>{"".join(scripts)}</body></html>'
    path = folder / "lesson.html"
    path.write_text(page, encoding="utf8")
    return path


@pytest.fixture
def lesson(view: Any, tmp_path: Path) -> Open:
    """Opens a page with this body."""

    def show(body: str, language: str = "en", scheme: str = "default") -> Any:
        view.page.goto(write_page(tmp_path, body, language, scheme).as_uri())
        return view.page

    return show


def told(page: Any) -> str:
    return str(page.locator(".play-told").text_content()).replace("\u00a0", " ")


def now(page: Any) -> str:
    return str(page.locator(".play-now").text_content()).replace("\u00a0", " ")


def accuracy(page: Any) -> float:
    return float(re.findall(r"accuracy ([\d.]+) %", now(page))[0])


GRADIENT_ERROR = """activation => {
  const { mlp } = course, points = mlp.pattern("spirals").slice(0, 20), net = mlp.build([4, 3], activation, 3);
  net.layers.forEach(({ biases }) => biases.forEach((_, i) => { biases[i] = 0.1 + 0.07 * i; })); // off ReLU's corner
  const { layers } = mlp.gradients(net, points), step = 1e-5;
  const loss = (values, i, value) => { values[i] = value; return mlp.gradients(net, points).loss; };
  return Math.max(...net.layers.flatMap((layer, l) => ["weights", "biases"].flatMap(kind =>
    [...layer[kind]].map((value, i) => {
      const numeric = (loss(layer[kind], i, value + step) - loss(layer[kind], i, value - step)) / (2 * step);
      layer[kind][i] = value;
      return Math.abs(numeric - layers[l][kind][i]) / (1e-4 + Math.abs(numeric));
    }))));
}"""


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_the_gradient_is_that_of_numerical_differences(lesson: Open, activation: str) -> None:
    assert lesson("").evaluate(GRADIENT_ERROR, activation) < 1e-5


def test_one_unit_does_not_learn_xor(view: Any, lesson: Open) -> None:
    page = lesson(NETWORK.format(""))
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("button", name="Pause").wait_for(state="detached")  # it pauses by itself
    assert now(page).startswith("Step 3000: ")
    assert 45 <= accuracy(page) <= 75
    assert "Its boundary is a straight line" in told(page)
    assert page.get_by_label("Activation").is_disabled()
    assert (view.errors, view.outside) == ([], [])


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_four_hidden_units_learn_xor(view: Any, lesson: Open, activation: str) -> None:
    page = lesson(NETWORK.format(f' data-hidden="1" data-units="4" data-activation="{activation}"'))
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("button", name="Pause").wait_for(state="detached")
    assert accuracy(page) > 98
    assert view.errors == []


def test_the_same_seed_gives_the_same_loss(lesson: Open) -> None:
    page = lesson(NETWORK.format(' data-hidden="2"'))
    said = []
    for button in ("Start over", "New weights", "Start over"):
        page.get_by_role("button", name=button).click()
        for _ in range(5):
            page.get_by_role("button", name="One step").click()
        said.append((page.get_by_label("Seed").input_value(), now(page)))
    assert said[0][1] != said[1][1] == said[2][1]
    assert [seed for seed, _ in said] == ["1", "2", "2"]
    page.get_by_label("Seed").fill("1")
    page.get_by_label("Seed").blur()
    for _ in range(5):
        page.get_by_role("button", name="One step").click()
    assert now(page) == said[0][1]


def test_it_runs_when_asked_and_is_painted_anew_in_the_dark(lesson: Open) -> None:
    page = lesson(NETWORK.format(' data-hidden="1"'))
    picture = "document.querySelector('canvas').toDataURL()"
    first = page.evaluate(picture)
    page.wait_for_timeout(300)
    assert now(page).startswith("Step 0: ")
    assert page.evaluate(picture) == first
    page.evaluate("document.body.dataset.mdColorScheme = 'slate'")
    page.wait_for_function(f"shown => {picture} !== shown", arg=first)


def test_gradients_vanish_through_sigmoids_and_less_through_relus(lesson: Open) -> None:
    page = lesson(NETWORK.format(' data-hidden="6" data-activation="sigmoid"'))
    assert "Gradient from the first layer to the last: 2.1·10⁻⁷, 2.3·10⁻⁶, 1.1·10⁻⁵," in told(page)
    page.get_by_label("Activation").select_option("relu")
    assert "10⁻" not in told(page)


def test_a_slider_moved_by_keyboard_tells_the_runs_numbers(view: Any, lesson: Open) -> None:
    page = lesson(played("depth"))
    assert told(page).startswith(
        "Depth 1, sigmoid, normalisation none. Gradient: 0.03 in the first layer, 0.03 in the last"
    )
    page.get_by_label("Depth (layers)").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.get_by_label("Depth (layers)").get_attribute("aria-valuetext") == "5"
    assert "Depth 5" in told(page)
    assert "3.0·10⁻⁶ in the first layer, 0.03 in the last, a factor of 1.0·10⁴" in told(page)
    assert "After epoch 3: train 39.0 %, validation 35.0 % (means of 2 repeats)." in told(page)
    assert "Test 30.0 %, 95 % interval 28.0 % to 31.0 %." in told(page)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert "Depth 5, ReLU" in told(page)
    assert all(image.get_attribute("aria-label") for image in page.locator("svg[role=img]").all())
    assert (view.errors, view.outside) == ([], [])


def test_a_strength_moves_the_curves_and_tells_the_gap(view: Any, lesson: Open) -> None:
    page = lesson(played("strength"))
    assert told(page).startswith("dropout, off. After epoch 3: train 91.0 %, validation 60.0 %")
    line = page.locator(".play-picture .series.validation .line").first
    before = line.get_attribute("d")
    page.get_by_label("Strength").focus()
    page.keyboard.press("End")
    assert told(page).startswith("dropout, strength 0.5. After epoch 3: train 91.0 %, validation 78.0 %")
    assert "Gap 12.0 points, 95 % interval 10.0 to 13.0 points." in told(page)
    assert line.get_attribute("d") != before
    page.get_by_label("Mitigation").select_option("weight_decay")
    assert told(page).startswith("weight decay, off.")
    assert (view.errors, view.outside) == ([], [])


def test_a_verdict_opens_after_an_answer(view: Any, lesson: Open) -> None:
    page = lesson(PREDICT)
    verdict = page.locator("details.verdict")
    page.locator("summary").click()
    page.locator("summary").press("Enter")
    assert verdict.get_attribute("open") is None
    page.get_by_label("three of four").click()
    assert verdict.get_attribute("open") is not None
    assert page.locator(".predicted").inner_text() == "Your prediction: three of four. The result is open below."
    assert page.get_by_label("three of four").is_checked()
    assert page.get_by_label("all").is_disabled()
    page.locator("summary").click()  # now an ordinary one
    assert verdict.get_attribute("open") is None
    assert view.errors == []


def test_arrow_keys_only_look_through_the_answers(lesson: Open) -> None:
    page = lesson(PREDICT)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.locator("details.verdict").get_attribute("open") is None
    page.keyboard.press("Enter")
    assert page.locator("details.verdict").get_attribute("open") is not None
    assert page.locator(".predicted").inner_text().startswith("Your prediction: all.")


def test_without_javascript_a_verdict_opens_by_a_click(chromium: Any, tmp_path: Path) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(write_page(tmp_path, PREDICT, "en", "default").as_uri())
    page.locator("summary").click()
    assert page.get_by_text("It depends.").is_visible()
    context.close()


def test_what_cannot_be_shown_says_so_and_leaves_the_rest(lesson: Open) -> None:
    page = lesson('<div class="play" data-play="depth"></div>' + NETWORK.format(""))
    assert page.locator(".play").first.inner_text() == "This cannot be shown: its table is missing."
    assert now(page).startswith("Step 0: ")


def test_in_korean_no_word_is_left_in_english(view: Any, lesson: Open) -> None:
    page = lesson(NETWORK.format("") + played("depth") + played("strength"), language="ko")
    labels = "[...document.querySelectorAll('[aria-label]')].map(each => each.ariaLabel).join(' ')"
    text = " ".join(place.inner_text() for place in page.locator(".play").all()) + page.evaluate(labels)
    text = text.replace("\u00a0", " ")
    assert set(re.findall(r"[A-Za-z]{3,}", text)) <= {"XOR", "tanh", "ReLU", "mitigation", "dropout"}
    assert "드롭아웃, 미적용. 에폭 3 뒤: 학습 91.0 %" in text
    assert view.errors == []


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("scheme", list(THEMES))
def test_nothing_stands_in_the_way_of_any_reader(view: Any, lesson: Open, scheme: str, language: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = lesson(EVERYTHING, language, scheme)
    violations = Axe().run(page, options={"preload": False}).response["violations"]  # or it asks for files
    assert [each["id"] for each in violations if each["impact"] in ("serious", "critical")] == []
    assert view.errors == []


@pytest.mark.parametrize("language", ["en", "ko"])
def test_on_a_phone_the_page_is_as_wide_as_the_screen(chromium: Any, tmp_path: Path, language: str) -> None:
    context = chromium.new_context(viewport={"width": 360, "height": 800}, is_mobile=True, has_touch=True, offline=True)
    page = context.new_page()
    page.goto(write_page(tmp_path, EVERYTHING, language, "default").as_uri())
    page.locator(".play-picture svg").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for control in page.locator(".play button, .play select, .play input").all():
        control.scroll_into_view_if_needed()
        box = control.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
    context.close()
