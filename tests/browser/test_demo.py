"""The demo's page in a browser: files good and bad, a typed sentence, a recording; by keyboard, and on a phone."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from overcast.core.paths import HOME, ROOT
from overcast.data._sky_painter import render

pytestmark = pytest.mark.browser

FAST = ["mitigation=none", "epochs=2", "tracking=off", "trainer=cpu", "trainer.threads=1", "prepare=true"]


@pytest.fixture(scope="module")
def pictures(scripts: Any) -> Path:
    """A run on tiny skies with a calibration part, and another network's."""
    data = ["data=skies", "data.n_samples=100", "data.size=16", "split.calibration=0.2"]
    scripts("train", *data, "model=dnn", *FAST)
    scripts("train", *data, "model=ann", *FAST, "run=runs/pictures")
    return Path(scripts.folder / "runs/pictures")


@pytest.fixture(scope="module")
def sentences(scripts: Any) -> Path:
    lines = ["text,label"]
    for i in range(30):
        lines += [f"what a warm and lovely film {i},good", f"such a dull and boring film {i},bad"]
    (scripts.folder / "letters.csv").write_text("\n".join(lines))
    data = ["data=texts", f"data.path={scripts.folder / 'letters.csv'}"]
    scripts("train", *data, "model=lstm", *FAST, "run=runs/sentences")
    return Path(scripts.folder / "runs/sentences")


@pytest.fixture(scope="module")
def sounds(scripts: Any) -> Path:
    for name, pitch in (("low", 300), ("high", 1500)):
        (scripts.folder / "sounds" / name).mkdir(parents=True)
        for i in range(20):
            (scripts.folder / "sounds" / name / f"{i}.wav").write_bytes(tone(pitch + 10 * i))
    data = ["data=recordings", f"data.path={scripts.folder / 'sounds'}", "data.rate=8000", "data.n_mels=16"]
    scripts("train", *data, "model=cnn", *FAST, "epochs=8", "run=runs/sounds")
    return Path(scripts.folder / "runs/sounds")


def tone(pitch: float, seconds: float = 0.4, rate: int = 8000) -> bytes:
    stream = io.BytesIO()
    wave = 0.5 * np.sin(2 * np.pi * pitch * np.arange(int(rate * seconds)) / rate)
    soundfile.write(stream, wave, rate, format="WAV", subtype="PCM_16")
    return stream.getvalue()


def sky() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(render([3], seed=5, size=40, difficulty=0.2)[0]).save(stream, "png")
    return stream.getvalue()


@contextmanager
def demo(run: Path, *words: str) -> Iterator[str]:
    """The script on this run; the page's address."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONWARNINGS"} | {HOME: str(run.parents[1])}
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "pipelines/demo.py"), f"run={run}", *words],
        env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[1]
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def give(page: Any, name: str, content: bytes) -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "application/octet-stream", "buffer": content})


def answered(page: Any) -> str:
    """What is read out, once there is an answer."""
    page.locator("#result:not([hidden])").wait_for()
    page.locator("#explanation > *").first.wait_for()
    return str(page.locator("#status").inner_text())


def refused(page: Any) -> str:
    """The one sentence, where there is no answer."""
    page.locator("#error:not(:empty)").wait_for()
    assert page.locator("#result").is_hidden()
    return str(page.locator("#error").inner_text())


def unexpected(view: Any) -> list[str]:
    """What went wrong on the page, but for the 4xx that a browser notes by itself."""
    return [text for text in view.errors if not re.search(r"status of 4\d\d", text)]


def test_pictures_good_and_bad(view: Any, pictures: Path) -> None:
    page = view.page
    with demo(pictures) as address:
        page.goto(address)
        give(page, "sky.png", sky())
        told = answered(page)
        names = page.locator("#classes th").all_inner_texts()
        assert sorted(names) == ["cloudy", "foggy", "rainy", "shine", "sunrise"]
        assert names[0] in told
        assert page.locator("#nearest img").count() == 6
        assert page.locator("#nearest img").evaluate_all("all => all.every(each => each.naturalWidth > 0)")
        assert page.locator("#others tbody th").all_inner_texts() == ["dnn"]
        assert "temperature" in page.locator("#calibration").inner_text()
        assert page.locator("#explanation img").evaluate("image => image.naturalWidth") > 100
        for name, content, reason in (
            ("broken.png", sky()[:200], "damaged or cut short"),
            ("text.png", b"this is a text", "not a picture"),
            ("empty.jpg", b"", "an empty file"),
            ("page.pdf", b"%PDF-1.7", "not a picture"),
        ):
            give(page, name, content)
            page.wait_for_timeout(50)
            assert reason in refused(page)
        give(page, "large.png", bytes((20 << 20) + 1))
        page.get_by_text("This file is larger than 20 MB: choose a smaller one.").wait_for()
        give(page, "sky.png", sky())
        assert answered(page) == told
        assert page.locator("#error").inner_text() == ""
    give(page, "sky.png", sky())
    assert refused(page) == "The server does not answer: is the script still running?"
    assert [text for text in unexpected(view) if "ERR_CONNECTION_REFUSED" not in text] == []
    assert view.outside == []


def test_a_dropped_picture(view: Any, pictures: Path) -> None:
    drop = """([content, names]) => {
      const data = new DataTransfer();
      for (const name of names) data.items.add(new File([new Uint8Array(content)], name));
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    }"""
    with demo(pictures) as address:
        view.page.goto(address)
        view.page.evaluate(drop, [list(sky()), ["sky.png", "other.png"]])
        assert "Only the first of the files is taken." in answered(view.page)
    assert unexpected(view) == []


def test_a_typed_sentence(view: Any, sentences: Path) -> None:
    page = view.page
    with demo(sentences) as address:
        page.goto(address)
        page.keyboard.press("Tab")
        page.keyboard.type("A <b>lovely</b> film")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert re.match(r"(good|bad), \d", answered(page))
        assert "<" in page.locator("#seen").inner_text() or "?" in page.locator("#seen").inner_text()
        assert page.locator("#result b:text('lovely')").count() == 0
        assert page.locator("#explanation span").count() > 3
        assert "film" in page.locator("#nearest li").first.inner_text()
        page.locator("#text").fill("  \n ")
        page.get_by_role("button", name="Tell the class").click()
        assert refused(page) == "This cannot be read: no words: the text is empty."
        give(page, "letter.txt", b"such a boring film")
        assert re.match(r"(good|bad), \d", answered(page))
    assert unexpected(view) == []


def test_a_sound_file_and_a_recording(chromium: Any, chromium_path: str, sounds: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "said.wav", soundfile.read(io.BytesIO(tone(1600, 9.0, 48000)))[0], 48000)
    fake = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    fake += [f"--use-file-for-fake-audio-capture={tmp_path / 'said.wav'}"]
    browser = chromium.browser_type.launch(executable_path=chromium_path, args=fake)
    try:
        page = browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        with demo(sounds) as address:
            page.goto(address)
            give(page, "low.wav", tone(320))
            assert answered(page).startswith("low, ")
            assert page.locator("#nearest audio").count() == 6
            assert page.locator("#seen audio").count() == 1
            empty = io.BytesIO()
            soundfile.write(empty, np.zeros(0), 8000, format="WAV")
            for content, reason in ((empty.getvalue(), "no samples in it"), (b"", "an empty file"), (b"x", "no sound")):
                give(page, "x.wav", content)
                page.wait_for_timeout(50)
                assert reason in refused(page)
            page.locator("#record").focus()
            page.keyboard.press("Enter")
            page.locator("#record[aria-pressed=true]").wait_for()
            assert page.locator("#status").inner_text() == "Recording: speak now."
            page.wait_for_timeout(1500)
            page.keyboard.press("Enter")
            assert answered(page).startswith("high, ")
            assert page.locator("#record").get_attribute("aria-pressed") == "false"
        assert errors == []
    finally:
        browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_and_in_korean(chromium: Any, pictures: Path, scheme: str) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 850}, is_mobile=True, color_scheme=scheme)
    page = context.new_page()
    with demo(pictures, "language=ko", "min_probability=0.999") as address:
        page.goto(address)
        give(page, "sky.png", sky())
        assert answered(page).startswith("답하지 않는 편이 낫습니다")
        assert page.evaluate("document.documentElement.lang") == "ko"
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        for selector in ("body", "#answer", "#doubts", "#calibration", ".drop"):
            assert page.locator(selector).evaluate(CONTRAST) >= 4.5
        give(page, "text.png", b"this is a text")
        assert "읽을 수 없습니다" in refused(page)
        assert page.locator("#error").evaluate(CONTRAST) >= 4.5
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    context.close()


CONTRAST = """element => {
  const light = text => {
    const [r, g, b] = text.match(/[\\d.]+/g).slice(0, 3).map(x => x / 255)
      .map(x => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let ground = element;
  while (/, 0\\)$/.test(getComputedStyle(ground).backgroundColor)) ground = ground.parentElement;
  const [low, high] = [getComputedStyle(ground).backgroundColor, getComputedStyle(element).color].map(light)
    .sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}"""
"""Between an element's text and what is behind it, as WCAG counts it."""
