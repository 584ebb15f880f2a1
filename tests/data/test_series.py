"""Anyone's time series: sorted, cut into windows, and each way in which the csv can be the wrong one."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overcast.config.options import Option
from overcast.core.errors import UserError
from overcast.core.spec import Spec
from overcast.data import build_dataset
from overcast.data.series import Series
from overcast.fetch.left_out import read_left_out
from overcast.prepare.download import download
from overcast.prepare.pack import open_pack, pack

LINES = ("when,heat,b,state", "2024-01-03,3,30,on", "2024-01-01,1,10,off", "2024-01-04,4,40,off", "2024-01-02,2,20,on")


def csv(tmp_path: Path, *lines: str) -> str:
    (tmp_path / "x.csv").write_text("\n".join(lines) + "\n")
    return str(tmp_path / "x.csv")


def fetched(tmp_path: Path, path: str, **options: Any) -> tuple[Series, Path]:
    raw = tmp_path / "raw"
    raw.mkdir(exist_ok=True)
    dataset = Series(path, **{"label": "state", "window": 2, **options})
    dataset.fetch(raw, None)
    return dataset, raw


def test_sorted_by_time_and_told_ahead(tmp_path: Path) -> None:
    dataset, raw = fetched(tmp_path, csv(tmp_path, *LINES), time="when")
    samples = dataset.samples(raw)
    assert [(s.file, s.label, s.group) for s in samples] == [("x.csv:2", "on", ""), ("x.csv:4", "off", "")]
    assert dataset.load(raw, samples[0]).tolist() == [[10, 1], [20, 2]]  # b and heat: by name
    assert dataset.load(raw, samples[1]).tolist() == [[20, 2], [30, 3]]
    assert (dataset.by_time, dataset.gap, dataset.known) == (True, 2, 1)


def test_the_same_step_and_named_features(tmp_path: Path) -> None:
    dataset, raw = fetched(tmp_path, csv(tmp_path, *LINES), horizon=0, features=("heat",))
    samples = dataset.samples(raw)
    assert [sample.file for sample in samples] == ["x.csv:3", "x.csv:4", "x.csv:5"]
    assert dataset.load(raw, samples[0]).tolist() == [[3], [1]]


def test_independent_series_are_groups(tmp_path: Path) -> None:
    lines = [f"{i},{'xy'[i % 2]},{i},{'ab'[i % 3 > 0]}" for i in range(8)]
    dataset, raw = fetched(tmp_path, csv(tmp_path, "t,who,v,state", *lines), series="who", time="t")
    samples = dataset.samples(raw)
    assert [(s.file, s.group) for s in samples] == [
        ("x.csv:6", "x"),
        ("x.csv:8", "x"),
        ("x.csv:7", "y"),
        ("x.csv:9", "y"),
    ]
    assert dataset.load(raw, samples[0])[:, 0].tolist() == [0, 2]
    assert not dataset.by_time


def test_a_file_to_predict_from_may_have_other_columns_order_and_no_label(tmp_path: Path) -> None:
    dataset, _ = fetched(tmp_path, csv(tmp_path, *LINES), time="when")
    (tmp_path / "new.csv").write_text("heat,when,b\n7,2024-02-02,70\n6,2024-02-01,60\n5,2024-01-31,50\n")
    assert dataset.read(tmp_path / "new.csv").tolist() == [[60, 6], [70, 7]]
    several, _ = fetched(tmp_path, csv(tmp_path, "who,v,state", "x,1,a", "x,2,b", "x,3,b", "y,1,a"), series="who")
    with pytest.raises(UserError, match="2 series: give each in a file of its own"):
        several.read(tmp_path / "x.csv")
    (tmp_path / "new.csv").write_text("v\n7\n8\n")
    assert several.read(tmp_path / "new.csv").tolist() == [[7], [8]]


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        (("a,b", "1,x"), {}, r"data\.label=state: x\.csv has no such column; it has a, b"),
        (("a,state", "1,x"), {"time": "t"}, r"data\.time=t: .* it has a, state"),
        (("a,state", "1,x"), {"series": "s"}, r"data\.series=s: .* it has a, state"),
        (("a,state", "1,x"), {"features": ("c",)}, r"data\.features=c: .* it has a, state"),
        (("a,state", "1,x", ",y"), {}, r"data\.features: line 3 of x\.csv has no value in column a"),
        (("a,state", "1,x", "nan,y"), {}, r"line 3 of x\.csv has 'nan' in column a, no number"),
        (("a,state", "1,x", "1e301,y"), {}, r"line 3 of x\.csv has '1e301' in column a, but no number beyond 1e\+300"),
        (("a,state", "1,x", "-inf,y"), {}, r"line 3 of x\.csv has '-inf' in column a, no number"),
        (("a,state", "1,x", f"{2**53 + 1},y"), {}, r"line 3 .*'9007199254740993' in column a, which has more digits"),
        (("a,state", "1,x", "2,"), {}, r"data\.label: line 3 of x\.csv has no value in column state"),
        (("a,state", "1,x", "red,y"), {}, r"line 3 of x\.csv has 'red' in column a, no number"),
        ((",a,state", "0,1,x", "1,2,y"), {}, r"data\.features: column 1 of x\.csv has no name: is it an index"),
        (("state", "x", "y"), {}, r"data\.features: x\.csv has label, time and series alone"),
        (("a,state", "1,2", "2,3"), {"features": ("a", "state"), "horizon": 0}, "state is what is to be told"),
        (("a,state", "1,x", "2,y"), {}, "needs 3 rows of a series"),
        (
            ("a,t,state", "1,5,x", "2,4,x", "3,5.0,y"),
            {"time": "t"},
            "lines 2 and 4 of .* have the same t",
        ),
        (
            ("a,t,state", "1,noon,x"),
            {"time": "t"},
            "line 2 .* 'noon' in column t: write numbers, or dates",
        ),
    ],
)
def test_wrong_tables(tmp_path: Path, lines: tuple[str, ...], options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        fetched(tmp_path, csv(tmp_path, *lines), **options)


UNITS = {
    "unix seconds": lambda x: 1_700_000_000 + x,
    "ampere": lambda x: x * 1e-9,
    "an offset of 1e15": lambda x: 1e15 + x,
    "1e300": lambda x: x * 1e297,
    "both ends": lambda x: (x - 50) * 2e298,
    "denormals": lambda x: x * 1e-310,
    "below zero": lambda x: -1e12 - x,
}


@pytest.mark.parametrize("unit", UNITS)
def test_a_pack_tells_the_values_of_any_unit_apart(tmp_path: Path, unit: str) -> None:
    values = [float(UNITS[unit](x)) for x in range(101)]
    path = csv(tmp_path, "v,state", *(f"{value!r},{'ab'[i % 2]}" for i, value in enumerate(values)))
    options = {"label": "state", "window": 1, "horizon": 0}
    download("x", Series(path, **options), tmp_path, None)
    pack("x", Series(path, **options), {}, tmp_path)
    packed = open_pack(tmp_path, "x")
    assert packed.values.dtype == np.float32
    assert np.diff(packed.values[:, 0].astype(float)) == pytest.approx(
        np.sign(values[1] - values[0]) * 2 / 100, rel=1e-2
    )
    assert (packed.spec.encode(np.array(values)[:, None]) == packed.values).all()
    assert Spec.load(tmp_path / "x/pack/spec.json") == packed.spec


def test_one_value_too_far_from_the_rest_is_named(tmp_path: Path) -> None:
    lines = [f"{'1e39' if i == 7 else i % 10},{'ab'[i % 2]}" for i in range(40)]
    with pytest.raises(UserError, match=r"line 9 of x\.csv has 1e\+39 in column v, so far from the rest"):
        fetched(tmp_path, csv(tmp_path, "v,state", *lines))


def test_a_column_that_never_changes_is_told_of(tmp_path: Path) -> None:
    lines = [f"1e-9,{i},{'ab'[i % 2]}" for i in range(9)]
    _, raw = fetched(tmp_path, csv(tmp_path, "same,v,state", *lines))
    told = "column same is always 1e-09: nothing can be learned from it"
    assert read_left_out(raw) == [("x.csv", "constant", told)]


@pytest.mark.parametrize("value", ["0.1", "0.30000000000000004", "16777217"])
def test_a_number_that_is_always_the_same_loses_nothing(tmp_path: Path, value: str) -> None:
    lines = [f"{value},{i}.1,{'ab'[i % 2]}" for i in range(9)]
    dataset, raw = fetched(tmp_path, csv(tmp_path, "same,v,state", *lines))
    assert len(dataset.samples(raw)) == 7


def test_columns_that_are_called_by_a_number(tmp_path: Path) -> None:
    path = csv(tmp_path, "0,1.5,2,3", *(f"{i},{i},s,{'ab'[i % 2]}" for i in range(9)))
    option = {"path": path, "label": 3, "time": 0, "series": 2, "features": [1.5], "window": 2}
    dataset = build_dataset(Option("series", "overcast.data.series.Series", option))
    assert [sample.group for sample in dataset.samples(tmp_path)] == ["s"] * 7


def test_a_column_is_found_however_its_letters_are_written(tmp_path: Path) -> None:
    path = csv(
        tmp_path,
        "x,상태".replace("상태", unicodedata.normalize("NFD", "상태")),
        *(f"{i},{'ab'[i % 2]}" for i in range(9)),
    )
    for form in ("NFC", "NFD"):
        option = {"path": path, "label": unicodedata.normalize(form, "상태"), "window": 2}
        dataset = build_dataset(Option("series", "overcast.data.series.Series", option))
        assert len(dataset.samples(tmp_path)) == 7


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data\.path: there is no file .*nothing\.csv"):
        fetched(tmp_path, str(tmp_path / "nothing.csv"))
