"""What is judged, by which margin, and what a misspelt choice is told."""

import pytest

from overcast.core.errors import UserError
from overcast.study.outcomes import GAP, OUTCOMES, PRIMARY, families


def test_a_study_judges_the_gap_and_the_test_part_as_two_families():
    judged = families()
    assert [outcome.column for outcome in judged.overfitting] == ["gap/nll"]
    assert [outcome.column for outcome in judged.better] == ["test/nll", "test/accuracy"]
    assert [outcome.column for outcome in judged.judged] == ["gap/nll", "test/nll", "test/accuracy"]


@pytest.mark.parametrize("chosen", [("nll", "accuracy"), ("macro_f1",), ("accuracy", "ece")])
def test_what_is_not_judged_is_described_and_nothing_is_both(chosen):
    judged = families(chosen)
    columns = [outcome.column for outcome in (*judged.judged, *judged.described)]
    assert sorted(columns) == sorted(outcome.column for outcome in OUTCOMES)


def test_outcomes_are_chosen_by_their_names_once_each():
    assert [o.column for o in families(["ece", "accuracy", "ece"]).better] == ["test/ece", "test/accuracy"]


def test_margins_are_those_given_and_else_the_usual_ones():
    judged = families(margins={"accuracy": 0.01, "gap_nll": 0.2})
    assert {outcome.column: outcome.margin for outcome in judged.judged} == {
        "gap/nll": 0.2,
        "test/nll": 0.1,
        "test/accuracy": 0.01,
    }
    assert (PRIMARY.margin, GAP.margin) == (0.03, 0.1)  # those of other studies stay


@pytest.mark.parametrize(
    ("outcomes", "margins", "told"),
    [
        (["acuracy"], {}, r"study\.outcomes: there is no outcome acuracy\. Choices: nll, accuracy, .*macro_f1"),
        (["gap_nll"], {}, r"study\.outcomes: there is no outcome gap_nll"),  # it is judged anyway
        (["accuracy"], {"gap": 0.1}, r"study\.margins: there is no outcome gap\. Choices: .*gap_nll, gap_accuracy"),
        (["accuracy"], {"accuracy": 0.0}, r"study\.margins=\{accuracy: 0\.0\}: a margin must be above zero"),
        (["accuracy"], {"nll": float("nan")}, "a margin must be above zero"),
        ([], {}, r"study\.outcomes=\[\] leaves nothing to judge"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_the_choices(outcomes, margins, told):
    with pytest.raises(UserError, match=told):
        families(outcomes, margins)


def test_shares_differ_in_points_and_likelihoods_in_nats():
    units = {outcome.column: (outcome.unit, outcome.scale) for outcome in OUTCOMES}
    assert units["test/accuracy"] == units["gap/accuracy"] == units["test/ece"] == ("points", 100)
    assert units["test/nll"] == units["gap/nll"] == ("nats", 1)
