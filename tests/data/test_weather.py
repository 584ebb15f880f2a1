"""The weather photographs, from the mirror where there is one."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from overcast.config.options import Option
from overcast.core.errors import UserError
from overcast.data import build_dataset, weather
from overcast.data.weather import MANIFEST, Weather
from overcast.fetch.archives import member_target
from overcast.fetch.manifest import VERIFIED, read_manifest

MIRROR = Path(os.environ.get("OVERCAST_MIRROR", "no mirror"))
EACH = {"cloudy": 255, "foggy": 255, "rainy": 253, "shine": 212, "sunrise": 294}


@pytest.mark.parametrize(
    ("member", "target"),
    [
        ("repo-1/dataset/cloudy/cloudy1.jpg", "cloudy/cloudy1.jpg"),
        ("repo-1/dataset/cloudy/augmented_image_3.jpg", None),
        ("repo-1/dataset/cloudy/.DS_Store", None),
        ("repo-1/dataset/cloudy/../../evil.jpg", None),
        ("repo-1/dataset/other/1.jpg", None),
        ("repo-1/test_dataset/cloudy/cloudy1.jpg", None),
        ("repo-1/notebook.ipynb", None),
    ],
)
def test_only_the_photographs_are_wanted(member: str, target: str | None) -> None:
    assert member_target(weather.MEMBERS, member) == target


def test_the_manifest_lists_every_class() -> None:
    assert Counter(name.split("/")[0] for name in read_manifest(MANIFEST)) == EACH


@pytest.mark.skipif(not (MIRROR / "weather5.zip").exists(), reason="needs OVERCAST_MIRROR")
def test_fetched_verified_listed_and_read(tmp_path: Path) -> None:
    Weather().fetch(tmp_path, MIRROR)
    assert (tmp_path / VERIFIED).read_text().split() == ["{", '"unlisted":', "[],", '"missing":', "[]", "}"]
    samples = Weather().samples(tmp_path)
    assert Counter(sample.label for sample in samples) == EACH
    assert [sample.file for sample in samples] == sorted(sample.file for sample in samples)
    assert Counter(sample.label for sample in Weather(max_per_class=7).samples(tmp_path)) == dict.fromkeys(EACH, 7)
    pixels = Weather(size=32).load(tmp_path, samples[0])
    assert pixels.shape == (3, 32, 32)
    assert pixels.dtype == np.uint8


@pytest.mark.parametrize(
    ("option", "value"), [("size", 0), ("size", -3), ("size", 7), ("size", 1025), ("max_per_class", -1)]
)
def test_impossible_options(option: str, value: float) -> None:
    with pytest.raises(UserError, match=rf"data\.{option}={value}: must be"):
        build_dataset(Option.from_dict({"_target_": "overcast.data.weather.Weather", option: value}))
