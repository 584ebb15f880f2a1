"""The audit's page shows what the pack says: classes, sizes, pairs, odd files, label issues."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from overcast.audit.audit import audit, classes, look_at_classes
from overcast.audit.views import Views
from overcast.core.errors import UserError
from overcast.data.recordings import Recordings
from overcast.data.texts import Texts
from overcast.prepare.download import download
from overcast.prepare.pack import open_pack, pack

OPTIONS: dict[str, Any] = {"path": "?", "size": 16, "channels": 1}
OPTIONS_OF_SKIES: dict[str, Any] = {"n_samples": 100, "size": 16, "difficulty": 0.2, "seed": 0}


def test_a_page_about_pictures(folder: Path, home: Path) -> None:
    page = audit("folder", OPTIONS, folder)
    assert page == Path("reports/audit/folder/index.html")
    text = page.read_text()
    for words in (
        "Audit of folder",
        "14 samples in 2 classes",
        "Pairs: 2.",
        "different labels, shown first: 1",
        "None are told: ",
    ):
        assert words in text
    assert "a or b?" in text
    assert text.index("a or b?") < text.index("both a")
    assert "empty &lt;b&gt;.jpg" in text
    files = {path.name for path in page.parent.glob("*.png")}
    assert {"classes.png", "sizes.png", "class-0.png", "class-1.png", "pair-1a.png", "pair-2b.png"} <= files


def test_of_many_classes_some_are_shown(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture of thousands of bars is larger than can be drawn."""
    skies = open_pack(data, "skies")
    assert "largest and the" not in classes(skies).text
    assert len(look_at_classes(Views(skies, data))[0].parts) == 2 * 5  # a name and a sheet each
    monkeypatch.setattr("overcast.audit.audit.MOST_CLASSES", 2)
    assert classes(skies).text.endswith("Below are the 1 largest and the 1 smallest.")
    (sheets,) = look_at_classes(Views(skies, data))
    assert "2 of the 5 classes, evenly spaced." in sheets.text
    assert len(sheets.parts) == 2 * 2


def test_a_page_about_sequences(data: Path, home: Path) -> None:
    text = audit("waves", {}, data).read_text()
    assert "Lengths" in text
    assert "4 to 12 in all" in text
    assert "Every class has the same number" in text
    assert "No unreadable files, no duplicates, no copies with two labels, no missing files" in text
    assert "near-duplicates" not in text  # are looked for in pictures alone
    assert "nothing. Listed" not in text
    assert "<table>" not in text


def test_no_pack_and_other_options(data: Path, home: Path) -> None:
    with pytest.raises(UserError, match="There is no pack"):
        audit("nothing", {}, data)
    with pytest.raises(UserError, match="but the config asks for"):
        audit("skies", {"size": 99}, data)
    assert not (home / "reports").exists()


def test_a_page_in_korean(data: Path, home: Path) -> None:
    text = audit("skies", OPTIONS_OF_SKIES, data, language="ko").read_text()
    assert '<html lang="ko">' in text
    assert "skies 데이터 점검" in text
    assert "읽을 수 없는 파일 없음" in text
    assert "samples" not in text.partition("<main>")[2].partition("<footer>")[0].replace("samples.csv", "")
    with pytest.raises(UserError, match="there is no such language"):
        audit("skies", OPTIONS_OF_SKIES, data, language="kr")


def test_what_is_odd_is_named_in_korean(folder: Path, home: Path) -> None:
    text = audit("folder", OPTIONS, folder, language="ko").read_text().partition("<main>")[2]
    assert "읽을 수 없음" in text
    assert "너무 작음" in text
    for english in ("unreadable", "tiny", "an empty file", "fewer than two samples"):
        assert english not in text


def test_recordings_are_played_on_the_page(tmp_path: Path, home: Path) -> None:
    for label, tone in (("low", 300), ("high", 2000)):
        (tmp_path / "in" / label).mkdir(parents=True)
        for i in range(6):
            wave = 0.5 * np.sin(2 * np.pi * (tone + 30 * i) * np.arange(4000) / 8000)
            soundfile.write(tmp_path / "in" / label / f"{i}.wav", wave, 8000)
    (tmp_path / "in/low/again.wav").write_bytes((tmp_path / "in/low/0.wav").read_bytes())
    dataset = Recordings(str(tmp_path / "in"), rate=8000)
    download("recordings", dataset, tmp_path / "data", None)
    pack("recordings", dataset, {"hop": 10}, tmp_path / "data")
    text = audit("recordings", {"hop": 10}, tmp_path / "data", dataset=dataset).read_text()
    sounds = re.findall(r'<audio controls [^>]*src="data:audio/wav;base64,([^"]+)"', text)
    assert len(sounds) >= 2 * 4 + 2  # some of each class, and the two copies side by side
    wave, rate = soundfile.read(io.BytesIO(base64.b64decode(sounds[0])))
    assert (rate, len(wave)) == (8000, 4000)
    assert "both low" in text
    assert "A step is 10 milliseconds" in text


def test_texts_are_shown_in_their_own_words(tmp_path: Path, home: Path) -> None:
    lines = [f"{'fine' if i % 2 else 'poor'} film number {'x' * i}," + "ab"[i % 2] for i in range(20)]
    lines += ["fine film number xxx,b", ",a", f"poor {'very ' * 200}film,a"]
    (tmp_path / "t.csv").write_text("\n".join(["text,label", *lines]))
    options = {"path": str(tmp_path / "t.csv")}
    dataset = Texts(str(tmp_path / "t.csv"))
    download("texts", dataset, tmp_path / "data", None)
    pack("texts", dataset, options, tmp_path / "data")
    text = audit("texts", options, tmp_path / "data", dataset=dataset).read_text()
    assert "fine film number xxxxxxx<" in text  # a word that the pack has but once
    assert re.search(r"poor very very [a-z ]+… \(\d,?\d+ characters\)", text)
    assert text.count("t.csv:5: fine film number xxx<") + text.count("t.csv:22: fine film number xxx<") >= 2
    assert "no words: the text is empty" in text
    assert "? film" not in text
