"""What is judged: the outcomes that a study names, with their margins, and the gap in a family of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from overcast.core.errors import UserError
from overcast.core.paths import ROOT
from overcast.study.outcomes import GAP, OUTCOMES, SHIFT, Outcome, families


def test_by_default_likelihood_and_accuracy_are_one_family_and_the_gap_another() -> None:
    judged = families()
    assert [outcome.column for outcome in judged.better] == ["test/nll", "test/accuracy"]
    assert judged.overfitting == (GAP,)
    assert {outcome.column for outcome in (*judged.judged, *judged.described)} == {each.column for each in OUTCOMES}


def test_a_study_names_others_and_its_margins() -> None:
    judged = families(("macro_f1",), {"macro_f1": 0.01, "gap_nll": 0.5})
    assert [(outcome.column, outcome.margin) for outcome in judged.judged] == [
        ("gap/nll", 0.5),
        ("test/macro_f1", 0.01),
    ]
    assert "test/accuracy" in {outcome.column for outcome in judged.described}


def test_a_metric_with_a_file_is_an_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "conf" / "metric", tmp_path / "conf" / "metric")
    monkeypatch.setattr("overcast.config.metric_options.ROOT", tmp_path)
    target = "torchmetrics.classification.MulticlassHammingDistance"
    (tmp_path / "conf/metric/hamming.yaml").write_text(f"_target_: {target}\nlabel: Hamming distance\nmargin: 0.02\n")
    (found,) = families(("hamming",)).better
    assert found == Outcome("test/hamming", "test Hamming distance", larger_is_better=False, margin=0.02)
    assert "test/hamming" in {outcome.column for outcome in families().described}
    judged = families().known({each.column for each in OUTCOMES})  # of runs that are older than the file
    assert {outcome.column for outcome in judged.every} == {each.column for each in OUTCOMES}


def test_accuracy_under_shift_is_an_outcome_where_it_is_judged() -> None:
    assert SHIFT not in families().every
    judged = families(("nll", "shift_accuracy"), {"shift_accuracy": 0.05})
    assert [(outcome.column, outcome.margin) for outcome in judged.better][1] == ("test/shift_accuracy", 0.05)


@pytest.mark.parametrize(
    ("outcomes", "margins", "said"),
    [
        (("f1",), {}, r"study\.outcomes: there is no outcome f1. Choices: nll, accuracy, brier, ece, macro_f1"),
        (("gap_nll",), {}, r"study\.outcomes: there is no outcome gap_nll"),
        ((), {}, r"study\.outcomes=\[\] leaves nothing to judge"),
        (("nll",), {"loss": 0.1}, r"study\.margins: there is no outcome loss. Choices: .*gap_nll"),
        (("nll",), {"nll": 0.0}, r"study\.margins={nll: 0.0}: a margin must be above zero"),
    ],
)
def test_a_mistake_is_named(outcomes: tuple[str, ...], margins: dict[str, float], said: str) -> None:
    with pytest.raises(UserError, match=said):
        families(outcomes, margins)
