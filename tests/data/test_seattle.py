"""The weather of Seattle: what a sample sees, and that it sees nothing of the day it is to tell, nor later."""

from __future__ import annotations

import os
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from overcast.core.errors import UserError
from overcast.data.seattle import CLASSES, FILE, WEATHER, Seattle
from overcast.fetch.manifest import VERIFIED

MIRROR = Path(os.environ.get("OVERCAST_MIRROR", "no mirror"))
DAYS = 20


def rows() -> list[list[str]]:
    rng = np.random.default_rng(0)
    days = [date(2012, 2, 20) + timedelta(i) for i in range(DAYS)]  # over a leap day
    return [[str(d), *(f"{v:.1f}" for v in rng.normal(5, 3, 4)), CLASSES[i % 5]] for i, d in enumerate(days)]


def written(folder: Path, lines: list[list[str]]) -> Path:
    folder.mkdir(exist_ok=True)
    header = "date,precipitation,temp_max,temp_min,wind,weather"
    (folder / FILE).write_text("\n".join([header, *(",".join(line) for line in lines), ""]))
    return folder


def seen(folder: Path, lines: list[list[str]], same_day: bool) -> dict[str, np.ndarray]:
    """What each day is told from, by its date."""
    dataset, raw = Seattle(days=3, same_day=same_day), written(folder, lines)
    return {sample.file.removeprefix(f"{FILE}:"): dataset.load(raw, sample) for sample in dataset.samples(raw)}


def test_the_days_before(tmp_path: Path) -> None:
    raw = written(tmp_path, rows())
    dataset = Seattle(days=3)
    first = dataset.samples(raw)[0]
    assert (first.file, first.label, first.group) == (f"{FILE}:2012-02-23", CLASSES[3], "")
    days = dataset.load(raw, first)
    assert (days.shape, days.dtype) == ((3, 11), np.float32)
    assert days[:, :4] == pytest.approx(np.array([row[1:5] for row in rows()[:3]], float))
    assert days[:, WEATHER].argmax(1).tolist() == [0, 1, 2]
    angle = 2 * np.pi * 53 / 365.25  # 22 February
    assert days[2, -2:] == pytest.approx([np.sin(angle), np.cos(angle)])
    assert (dataset.by_time, dataset.gap) == (True, 3)


def test_the_same_day_without_its_own_weather(tmp_path: Path) -> None:
    raw = written(tmp_path, rows())
    dataset = Seattle(days=3, same_day=True)
    first = dataset.samples(raw)[0]
    assert (first.file, first.label) == (f"{FILE}:2012-02-22", CLASSES[2])
    days = dataset.load(raw, first)
    assert days[:, :4] == pytest.approx(np.array([row[1:5] for row in rows()[:3]], float))
    assert days[:, WEATHER].tolist() == [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0] * 5]
    assert (dataset.by_time, dataset.gap) == (True, 2)


@pytest.mark.parametrize("same_day", [False, True])
@pytest.mark.parametrize("changed", range(DAYS))
def test_no_future_leaks(tmp_path: Path, changed: int, same_day: bool) -> None:
    """Any value of a day and of all after it is changed: what that day, or one before it, is told from is not."""
    lines = rows()
    plain = seen(tmp_path / "plain", lines, same_day)
    for line in lines[changed:]:
        measured = line[1:5] if same_day and line is lines[changed] else ["99.9"] * 4
        line[1:] = [*measured, CLASSES[(CLASSES.index(line[5]) + 1) % 5]]
    other = seen(tmp_path / "other", lines, same_day)
    assert plain.keys() == other.keys()
    for day in plain:
        assert (plain[day] == other[day]).all() == (day <= lines[changed][0]), day


def test_a_file_to_predict_from(tmp_path: Path) -> None:
    lines = rows()
    raw = written(tmp_path, lines)
    dataset = Seattle(days=3)
    new = written(tmp_path / "new", lines[:10]) / FILE
    assert (dataset.read(new) == dataset.load(raw, dataset.samples(raw)[7])).all()
    lines[9][5] = ""
    same, new = Seattle(days=3, same_day=True), written(tmp_path / "new", lines[:10]) / FILE
    assert (same.read(new) == same.load(raw, same.samples(raw)[7])).all()
    with pytest.raises(UserError, match="2 rows, but a window takes 3"):
        dataset.read(written(tmp_path / "short", lines[:2]) / FILE)


@pytest.mark.parametrize(
    ("cell", "value", "message"),
    [
        (5, "hail", "weather 'hail' is none of drizzle, fog"),
        (0, "today", r"line 7 of .* has 'today' in column date: write dates"),
        (0, "2012-02-20", "line 7 is 2012-02-20, not the day after"),
        (2, "warm", "line 7 of .* has 'warm' in column temp_max"),
    ],
)
def test_other_tables(tmp_path: Path, cell: int, value: str, message: str) -> None:
    lines = rows()
    lines[5][cell] = value
    with pytest.raises(UserError, match=message):
        Seattle().samples(written(tmp_path, lines))


def test_a_changed_value_is_refused(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    with pytest.raises(UserError, match=r"not what they should be: seattle-weather\.csv"):
        Seattle().fetch(tmp_path / "raw", written(tmp_path / "mirror", rows()))


@pytest.mark.skipif(not (MIRROR / FILE).exists(), reason="needs OVERCAST_MIRROR")
def test_the_mirror(tmp_path: Path) -> None:
    Seattle().fetch(tmp_path, MIRROR)
    assert (tmp_path / VERIFIED).read_text().split() == ["{", '"unlisted":', "[],", '"missing":', "[]", "}"]
    labels = [sample.label for sample in Seattle(days=7).samples(tmp_path)]
    assert len(labels) == 1461 - 7
    assert Counter(labels)["snow"] == 23
