import numpy as np
import pandas as pd
import pytest

from overcast.comparison import comparison_table, families, table_view, wording
from overcast.comparison.table import predictor_table

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


def test_verdicts_name_every_comparison_and_never_say_no_effect(compared, info):
    told = wording.verdicts(compared)
    assert [line.split(":")[0] for line in told] == ["augmentation", "noise", "shrink"]
    found = (("less overfitting", "better"), ("equivalent", "equivalent"), ("more overfitting", "worse"))
    for line, words in zip(told, found, strict=True):
        gap, loss, accuracy, time = line.split("; ")
        assert (gap.rpartition(", ")[2], loss.rpartition(", ")[2], accuracy.rpartition(", ")[2]) == (*words, words[1])
        assert time.endswith("× the time")
    assert told[0].endswith("1.2× the time")
    assert "no effect" not in wording.description_md(compared, info).lower()


def test_the_headline_counts_and_names_in_each_outcome(compared):
    told = wording.headline(compared)
    assert told.startswith("Of 3 compared with none, 1 reduces overfitting (gap in negative log-likelihood): augmenta")
    assert "; 1 increases it: shrink (+0.3" in told
    assert "1 makes the model better (test negative log-likelihood): augmentation (−0.2" in told
    assert "1 makes the model better (test accuracy): augmentation (+" in told
    assert told.count("; 1 makes it worse: shrink (") == 2
    assert told.count("; 1 equivalent.") == 3
    assert "Each costs at most 1.2× the time at equal epochs." in told
    assert "Highest mean test accuracy: augmentation, 8" in told


def test_the_headline_orders_by_the_change_and_says_none_where_none_does(compared):
    names = ["much", "some", "little"]
    rows = compared[~compared["is_baseline"]].assign(cell=names, **{"change/gap/nll": [-0.3, -0.2, -0.1]})
    rows["verdict/gap/nll"], rows["verdict/test/accuracy"] = "better", "undecided"
    told = wording.headline(pd.concat([rows.iloc[::-1], compared[compared["is_baseline"]]]))
    assert "3 reduce overfitting (gap in negative log-likelihood): much (−0.300), some (−0.200) and little" in told
    assert "Not one makes the model better (test accuracy); 3 undecided." in told


def test_what_costs_much_more_time_is_named_dearest_first(compared):
    dear = compared.assign(time=compared["cell"].map({"augmentation": 3.0, "shrink": 1.6, "noise": 1.1, "none": 1.0}))
    told = wording.headline(dear)
    assert "Dearest at equal epochs: augmentation (3.0×) and shrink (1.6×); the others cost at most 1.1× the" in told


def test_the_description_opens_with_the_verdict_or_the_claim(compared, info):
    assert wording.description_md(compared, info).startswith("Of 3 compared with none")
    lines = wording.description_md(compared, info, "Augmentation helps.").split("\n\n")
    assert lines[0] == "**Claim:** Augmentation helps."
    assert lines[1].startswith("**Measured:** Of 3")
    assert lines[-1] == (
        "Judged: gap in negative log-likelihood; test negative log-likelihood and test accuracy. "
        "`compare.py study=made_up`\n"
    )


def test_margins_are_told_in_the_unit_of_their_outcome():
    assert wording.margins(families(["accuracy"], {"accuracy": 0.015})) == (
        "0.1 in gap in negative log-likelihood and 1.5 points in test accuracy"
    )


def test_notes_tell_what_is_missing_and_what_stands_in_for_the_baseline(small, info):
    trials = small[0].iloc[1:]
    told = " ".join(wording.notes(comparison_table(trials, info), info | {"failed": ["noise 3"]}))
    assert "Failed: noise 3." in told
    assert "1 of 16 trials are missing" in told
    assert "none: 3 of 4 repeats" in told
    lost = wording.notes(comparison_table(trials, info), info | {"missing": ["noise 1", "noise 2"]})
    assert "Not found: 2 of this study's finished runs (noise 1 and noise 2)." in lost
    rest = trials[trials["mitigation"] != "none"]
    assert "augmentation is what the others are compared with." in wording.notes(comparison_table(rest, info), info)


def test_what_was_changed_after_the_first_trial_is_the_first_note(compared, info):
    changed = "study.margins changed after 12 trials: accuracy 0.03 to 0.01."
    told = wording.notes(compared, info | {"post_hoc": [changed], "failed": ["noise 3"]})
    assert told[:2] == [changed, "Failed: noise 3."]


def test_diverged_trials_are_told_and_their_cell_is_not_the_highest(small, info):
    trials, _ = small
    gone = (trials["cell"] == "augmentation") & (trials["repeat"] == "0-0-0")
    outcomes = [column for column in trials if column.startswith(("test/", "gap/"))]
    some = trials.assign(diverged=gone, **{column: trials[column].where(~gone) for column in outcomes})
    compared = comparison_table(some, info)
    told = wording.verdicts(compared)[0]
    assert told.count("not judged: 1 of its 4 trials diverged, and those that are left flatter it") == 3
    headline = wording.headline(compared)
    assert headline.count("1 equivalent, 1 not judged") == 3
    assert "Not one makes the model better (test accuracy)" in headline
    assert "Highest mean test accuracy: noise" in headline
    assert "flatter" not in table_view.markdown(compared, JUDGED)
    lines = wording.notes(compared, info | {"diverged": ["a: 1 of 4 repeats diverged"], "left_out": ["b: why"]})
    assert lines[:2] == ["a: 1 of 4 repeats diverged: never called better.", "Left out: b: why."]


def test_a_baseline_with_diverged_trials_is_said_to_be_flattered(row):
    told = {"flattered": True, "diverged": 0, "baseline_diverged": 2, "planned": 10}
    worse = pd.Series(row.to_dict() | told | {"verdict/gap/nll": "not judged", "change/gap/nll": 0.4})
    assert wording.judgement(worse, JUDGED.overfitting[0]) == (
        "not judged: 2 of the baseline's 10 trials diverged, and those that are left flatter it"
    )


def test_one_repeat_says_what_it_needs(small, info):
    alone = comparison_table(small[0][small[0]["repeat"] == "0-0-0"], info)
    assert wording.headline(alone).startswith("Nothing could be compared: that needs at least 2 repeats.")
    assert "needs at least 2 repeats" in table_view.markdown(alone, JUDGED)


@pytest.fixture
def open_questions(compared):
    """Two that are not decided in accuracy, and one of them not in the gap either."""
    cells = compared["cell"].isin(["noise", "shrink"])
    table = compared.assign(**{f"seeds/{outcome.column}": 12.0 for outcome in JUDGED.judged})
    table.loc[cells, "verdict/test/accuracy"] = "undecided"
    table.loc[compared["cell"] == "noise", "verdict/gap/nll"] = "undecided"
    return table


def test_undecided_comparisons_are_told_how_many_seeds_would_decide_them(open_questions, info):
    assert wording.undecided(open_questions, JUDGED) == [
        f"Undecided in {label}: {many}. 12 seeds a fold would decide them if the truth were zero or the margin."
        for label, many in (("gap in negative log-likelihood", 1), ("test accuracy", 2))
    ]
    assert set(wording.undecided(open_questions, JUDGED)) <= set(wording.notes(open_questions, info))
    limited = open_questions.assign(**{"seeds/test/accuracy": np.nan})
    assert "2. No number of seeds will decide them: what the folds have in" in wording.undecided(limited, JUDGED)[1]
    fields = table_view.markdown(open_questions, JUDGED)
    assert "undecided 12 seeds a fold would do" in fields
    assert "undecided more seeds will not do" in table_view.markdown(limited, JUDGED)


def test_undecided_comparisons_are_told_by_context(open_questions):
    both = pd.concat([open_questions.assign(context=name) for name in ("ann", "cnn")], ignore_index=True)
    told = [line for line in wording.undecided(both, JUDGED) if "test accuracy" in line]
    assert [line.partition(":")[0] for line in told] == [f"Undecided in test accuracy ({n})" for n in ("ann", "cnn")]


def test_where_flipping_signs_says_something_else_it_is_a_note(compared, info):
    cells = compared["cell"]
    usual = {"augmentation": 0.008, "shrink": 0.008, "noise": 0.5}
    table = compared.assign(**{f"sign_flip/{outcome.column}": cells.map(usual) for outcome in JUDGED.judged})
    assert wording.disagreements(table, JUDGED) == []
    other = {"augmentation": 0.2, "shrink": 0.008, "noise": 0.01}
    table["sign_flip/test/accuracy"] = cells.map(other)
    (told,) = wording.disagreements(table, JUDGED)
    assert told.endswith("independent, noise would differ from zero, and augmentation would not, in test accuracy.")
    assert told in wording.notes(table, info)
    table.loc[cells == "augmentation", "verdict/test/accuracy"] = "not judged"
    (told,) = wording.disagreements(table, JUDGED)
    assert "augmentation" not in told


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
