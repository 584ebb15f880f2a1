"""The report says which strengths were chosen, what that cost, and how optimistic it was."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from overcast.comparison.tuned import tuned_notes, tuned_sections
from overcast.html.page import Table

CHOSEN = {"noise": ["std=0.1", "std=0.2", "std=0.1"], "shift": ["x=1 y=2", "x=3 y=4"]}


@pytest.fixture
def trials() -> pd.DataFrame:
    """A control, two tuned mitigations, of which one lacks its last fold, and one of a fixed strength."""
    rows = []
    for name in ("none", "mixup", *CHOSEN):
        for fold in range(len(CHOSEN.get(name, "abc"))):
            row = {"data": "sky", "model": "cnn", "mitigation": name, "train_fraction": 1.0, "epochs": 3, "rest": ""}
            row |= {"cell": name, "fold": fold, "split_seed": 0, "seed": fold, "repeat": f"{fold}-{fold}-0"}
            row |= {"validation/nll": 0.5, "test/nll": 0.6, "validation/accuracy": 0.8, "test/accuracy": 0.7}
            if name in CHOSEN:
                row |= {"cell": f"{name} (tuned)", "chosen": CHOSEN[name][fold], "candidates": len(CHOSEN[name])}
                row |= {"validation/nll": 0.2 + 0.1 * fold, "test/nll": 0.5}
            rows.append(row)
    return pd.DataFrame(rows)


def lines(part: Any) -> list[list[str]]:
    assert isinstance(part, Table)
    return [[cell.text for cell in row] for row in part.cells]


def test_the_chosen_strengths_stand_fold_by_fold(trials: pd.DataFrame) -> None:
    (part,) = tuned_sections(trials)[0].parts
    assert isinstance(part, Table)
    assert [head.text for head, _ in part.heads] == ["trial", "fold 0", "fold 1", "fold 2", "how often"]
    assert lines(part) == [
        ["noise (tuned)", "0.1", "0.2", "0.1", "0.1 (2×), 0.2 (1×)"],
        ["shift (tuned)", "1 / 2", "3 / 4", "–", "1 / 2 (1×), 3 / 4 (1×)"],
    ]
    assert [row[0].detail for row in part.cells] == ["std", "x / y"]


def test_winners_are_shown_beside_the_control_on_either_part(trials: pd.DataFrame) -> None:
    (part,) = tuned_sections(trials)[1].parts
    shown = {line[0]: line[1:] for line in lines(part)}
    assert list(shown) == ["none", "noise (tuned)", "shift (tuned)"]  # what has one strength chose nothing
    assert shown["none"] == ["0.50", "0.60", "+0.10", "80.0", "70.0", "−10.0"]
    assert shown["noise (tuned)"][:3] == ["0.30", "0.50", "+0.20"]


def test_the_cost_is_told_for_each_number_of_candidates(trials: pd.DataFrame) -> None:
    two, three = tuned_notes(trials)
    assert two.startswith("Tuned: shift (tuned): in each fold the best of 2 strengths")
    assert three.startswith("Tuned: noise (tuned): in each fold the best of 3 strengths")
    assert "3 times the training" in three


def test_without_a_choice_nothing_is_said_of_one(trials: pd.DataFrame) -> None:
    fixed = trials[trials["mitigation"].isin(["none", "mixup"])]
    for rows in (fixed, fixed.drop(columns=["chosen", "candidates"])):
        assert tuned_notes(rows) == tuned_sections(rows) == []
