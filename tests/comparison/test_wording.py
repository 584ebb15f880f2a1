import numpy as np
import pandas as pd
import pytest

from overcast.comparison import families, table_view, wording
from overcast.comparison.predictor_table import predictor_table

JUDGED = families()
DIGITS = {"gap/nll": 2, "test/nll": 2, "test/accuracy": 1}


@pytest.mark.parametrize(
    ("value", "text"), [(0.0412, "+4.1"), (-0.073, "−7.3"), (-0.0001, "0.0"), (np.nan, "–"), (np.inf, "–")]
)
def test_number(value, text):
    assert wording.number(value, sign=True) == text


@pytest.fixture
def row():
    """Of a table: augmentation, which overfits less and is not decided in accuracy."""
    figures = {"gap/nll": (-0.4, -0.49, -0.3), "test/nll": (-0.02, -0.05, 0.01), "test/accuracy": (0.004, -0.012, 0.05)}
    told = {"cell": "augmentation", "data": "sky", "mitigation": "augmentation", "baseline": "none", "against": "none"}
    told |= {"pairs": 10, "time": 1.21, "flattered": False}
    for column, (mean, low, high) in figures.items():
        told |= {f"change/{column}": mean, f"change/{column}/low": low, f"change/{column}/high": high}
    found = {"gap/nll": "better", "test/nll": "equivalent", "test/accuracy": "undecided"}
    return pd.Series(told | {f"verdict/{column}": verdict for column, verdict in found.items()})


def test_a_sentence_holds_what_the_table_holds(row):
    assert wording.sentence(row, JUDGED, DIGITS) == (
        "augmentation: gap in negative log-likelihood −0.40 [−0.49, −0.30], less overfitting; "
        "test negative log-likelihood −0.02 [−0.05, 0.01], equivalent; "
        "test accuracy +0.4 points [−1.2, 5.0], undecided; 1.2× the time"
    )


def test_a_sentence_names_another_baseline_than_none_and_what_one_repeat_lacks(row):
    other = pd.Series(row.to_dict() | {"baseline": "dropout", "against": "dropout"})
    assert wording.sentence(other, JUDGED, DIGITS).startswith("augmentation against dropout: gap in")
    alone = pd.Series(row.to_dict() | {"pairs": 1})
    assert wording.sentence(alone, JUDGED, DIGITS) == "augmentation: needs at least 2 repeats, has 1"


@pytest.mark.parametrize(
    ("verdict", "of_gap"),
    [
        ("better", "less overfitting"),
        ("slightly worse", "slightly more overfitting"),
        ("undecided", "undecided"),
        ("equivalent", "equivalent"),
    ],
)
def test_a_verdict_on_the_gap_speaks_of_overfitting_and_others_of_the_model(row, verdict, of_gap):
    told = pd.Series(row.to_dict() | {"verdict/gap/nll": verdict, "verdict/test/nll": verdict})
    assert wording.judgement(told, JUDGED.overfitting[0]) == of_gap
    assert wording.judgement(told, JUDGED.better[0]) == verdict


def test_verdicts_name_every_comparison(compared):
    told = wording.cell_sentences(compared)
    assert [line.split(":")[0] for line in told] == ["augmentation", "noise", "shrink"]
    found = (("less overfitting", "better"), ("equivalent", "equivalent"), ("more overfitting", "worse"))
    for line, words in zip(told, found, strict=True):
        gap, loss, accuracy, time = line.split("; ")
        assert (gap.rpartition(", ")[2], loss.rpartition(", ")[2], accuracy.rpartition(", ")[2]) == (*words, words[1])
        assert time.endswith("× the time")
    assert told[0].endswith("1.2× the time")


def test_what_diverged_trials_flatter_is_not_judged(with_diverged):
    told = wording.cell_sentences(with_diverged)[0]
    assert told.count("not judged: 1 of its 4 trials diverged, and those that are left flatter it") == 3
    assert "flatter" not in table_view.markdown(with_diverged, JUDGED)


def test_a_baseline_with_diverged_trials_is_said_to_be_flattered(row):
    told = {"flattered": True, "diverged": 0, "baseline_diverged": 2, "planned": 10}
    worse = pd.Series(row.to_dict() | told | {"verdict/gap/nll": "not judged", "change/gap/nll": 0.4})
    assert wording.judgement(worse, JUDGED.overfitting[0]) == (
        "not judged: 2 of the 10 trials that it is compared with diverged, and those that are left flatter them"
    )


def test_margins_are_told_in_the_unit_of_their_outcome():
    assert wording.margins(families(["accuracy"], {"accuracy": 0.015})) == (
        "0.1 in gap in negative log-likelihood and 1.5 points in test accuracy"
    )


def test_what_needs_no_network_is_told_by_name_and_context(small, study):
    told = wording.predictors(predictor_table(small[0]))
    assert [line.split(":")[0] for line in told] == ["linear", "majority"]
    assert told[1].startswith("majority: 21.5 %; against it none is better (+60.0 points [")
    assert told[1].endswith("])")
    assert "; against it none is equivalent (" in told[0]
    several = wording.predictors(predictor_table(study[0]))
    assert [line.split(":")[0] for line in several[:2]] == [
        "linear (ann · train_fraction=0.5)",
        "majority (ann · train_fraction=0.5)",
    ]
    alone = small[0][small[0]["repeat"] == "0-0-0"]
    assert wording.predictors(predictor_table(alone))[1].endswith("none is not judged (+60.0 points)")
    assert wording.predictors(pd.DataFrame()) == []
