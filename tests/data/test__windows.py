"""A window holds the steps up to ``ahead`` before the one it is named after, and never crosses into another series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from overcast.core.errors import UserError
from overcast.data._windows import TimeSteps, WindowedDataSet


class Made(WindowedDataSet):
    """Step i has the value i; the series are given as a text with a letter a step."""

    def __init__(self, window: int, ahead: int, series: str) -> None:
        super().__init__(window, ahead, by_time=len(set(series)) == 1)
        self.series = list(series)

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        pass

    def read(self, path: Path) -> np.ndarray:
        return np.zeros((self.window, 1))

    def steps(self, raw: Path) -> TimeSteps:
        number = len(self.series)
        return TimeSteps(
            [f"s{i}" for i in range(number)], np.arange(number)[:, None] * 1.0, ["x"] * number, self.series
        )


@pytest.mark.parametrize(
    ("window", "ahead", "first", "seen"),
    [(3, 1, "s3", [0, 1, 2]), (3, 0, "s2", [0, 1, 2]), (2, 4, "s5", [0, 1]), (1, 0, "s0", [0])],
)
def test_which_steps_a_sample_sees(window: int, ahead: int, first: str, seen: list[int]) -> None:
    made = Made(window, ahead, "aaaaaaaa")
    samples = made.samples(Path())
    assert samples[0].file == first
    assert [sample.file for sample in samples] == [f"s{i}" for i in range(int(first[1:]), 8)]
    assert made.load(Path(), samples[0])[:, 0].tolist() == seen


@pytest.mark.parametrize(("window", "ahead"), [(3, 1), (3, 0), (2, 4), (1, 0)])
def test_the_gap_keeps_what_two_samples_touch_apart(window: int, ahead: int) -> None:
    """By brute force: the days seen and told by a sample, and those of the first one beyond the gap."""
    made = Made(window, ahead, "a" * 20)
    samples = made.samples(Path())
    touched = [{*made.load(Path(), s)[:, 0].tolist(), float(s.file[1:])} for s in samples]
    assert not touched[0] & touched[1 + made.gap]
    assert made.gap == 0 or max(touched[0]) + 1 >= min(touched[made.gap])  # and no row more


def test_series_are_sources_and_never_mixed() -> None:
    made = Made(2, 1, "aaabbb")
    samples = made.samples(Path())
    assert not made.by_time
    assert [(sample.file, sample.group) for sample in samples] == [("s2", "a"), ("s5", "b")]
    assert made.load(Path(), samples[1])[:, 0].tolist() == [3, 4]


def test_too_short() -> None:
    with pytest.raises(UserError, match=r"a window of 3 steps, 1 ahead, needs 4 rows of a series.* 6 rows in all"):
        Made(3, 1, "aaabbb").samples(Path())
    with pytest.raises(UserError, match="2 rows, but a window takes 3"):
        Made(3, 1, "a").last(np.zeros((2, 1)))
