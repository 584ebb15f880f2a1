"""What lies with a model: its answers to what it was not trained on, as a log would have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overcast.core.spec import UNKNOWN, Spec
from overcast.prediction.predict import prediction_table
from overcast.prepare.folds import VALIDATION
from overcast.prepare.pack import Pack, open_pack
from overcast.serving import reference
from overcast.serving.input_features import input_features
from overcast.serving.reference import PackFeatures, measure_reference, run_identity
from overcast.training.train import train


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_validation_part_answered_and_read_as_in_use(config: Any, data: Path) -> None:
    run = train(config("epochs=1"))
    found = lines(measure_reference([run], run_identity(run)))
    rows = np.flatnonzero(run.parts == VALIDATION)
    pack = open_pack(data, "skies", run.config.data.values)
    files = [data / "skies" / "raw" / file for file in pack.index["file"][rows]]
    expected = prediction_table(run, files)
    assert [line["label"] for line in found] == expected["label"].tolist()
    for line, (_, row), place in zip(found, expected.iterrows(), rows, strict=True):
        assert line["probabilities"] == pytest.approx({c: row[c] for c in run.spec.classes}, abs=1e-5)
        x, _ = pack.gather(np.array([place]))
        assert line["features"] == pytest.approx(input_features(x[0], pack.spec), rel=1e-4)
        assert line["model"]["weights"] == run.facts["weights"][:16]
        assert "time" not in line


def test_of_several_runs_a_sample_counts_once(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [train(config("epochs=1", *words)) for words in (["seed=0"], ["seed=1"], ["split.fold=1"])]
    identity = run_identity(runs[0])
    both = np.union1d(*(np.flatnonzero(run.parts == VALIDATION) for run in runs[1:]))
    assert len(lines(measure_reference(runs, identity))) == len(both)
    assert measure_reference(runs[:2], identity) == measure_reference(runs[:1], identity)
    monkeypatch.setattr(reference, "MOST", 7)
    assert len(lines(measure_reference(runs, identity))) == 7


@pytest.mark.parametrize("given", [True, False])
def test_a_word_is_known_if_the_pack_has_it_without_this_text(given: bool) -> None:
    """As for a new text: one that the pack has twice, both in this row, would not be in its vocabulary."""
    values = np.array([2, 2, 3, 3, 4, UNKNOWN, 3, 4, 4], np.int32)
    spec = Spec("tokens", (5,), ("a", "b"), vocabulary=("p", "q", "r"))
    pack = Pack.__new__(Pack)
    for name, value in {"spec": spec, "values": values, "offsets": np.array([0, 6, 9])}.items():
        object.__setattr__(pack, name, value)
    unknown = PackFeatures.of(pack, given).of_row(0)["unknown"]
    # 2 is nowhere else, 3 once, 4 twice; one was unknown before
    assert unknown == pytest.approx(1 / 6 if given else 5 / 6)
