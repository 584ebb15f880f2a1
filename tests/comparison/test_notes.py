import numpy as np
import pandas as pd
import pytest

from overcast.comparison import comparison_table, families, table_view
from overcast.comparison.notes import by_length, disagreements, study_notes, undecided

JUDGED = families()


def test_notes_tell_what_is_missing_and_what_stands_in_for_the_baseline(small, info):
    trials = small[0].iloc[1:]
    cut_short = info | {"runs": 16, "repeats": 4, "unfinished": 1}
    told = " ".join(study_notes(comparison_table(trials, info), cut_short | {"failed": ["noise 3"]}))
    assert "Failed: noise 3." in told
    assert "1 of 16 planned trials are missing" in told
    assert "none: 3 of 4 repeats" in told
    lost = study_notes(comparison_table(trials, info), info | {"missing": ["noise 1", "noise 2"]})
    assert "Not found: 2 of this study's finished runs (noise 1 and noise 2)." in lost
    rest = trials[trials["mitigation"] != "none"]
    assert "augmentation is what the others are compared with." in study_notes(comparison_table(rest, info), info)


def test_what_was_changed_after_the_first_trial_is_the_first_note(compared, info):
    changed = "study.margins changed after 12 trials: accuracy 0.03 to 0.01."
    told = study_notes(compared, info | {"post_hoc": [changed], "failed": ["noise 3"]})
    assert told[:2] == [changed, "Failed: noise 3."]


def test_diverged_cells_and_those_left_out_are_told(with_diverged, info):
    lines = study_notes(with_diverged, info | {"diverged": ["a: 1 of 4 repeats diverged"], "left_out": ["b: why"]})
    assert lines[:2] == ["a: 1 of 4 repeats diverged: never called better.", "Left out: b: why."]
    assert not any("missing" in line or "repeats finished" in line for line in lines)  # there is nothing to wait for
    told = study_notes(with_diverged, info | {"runs": 17, "unfinished": 1})
    assert not any("augmentation: 3 of 4" in line for line in told)


@pytest.fixture
def open_questions(compared):
    """Two that are not decided in accuracy, and one of them not in the gap either."""
    cells = compared["cell"].isin(["noise", "shrink"])
    table = compared.assign(**{f"seeds/{outcome.column}": 12.0 for outcome in JUDGED.judged})
    table.loc[cells, "verdict/test/accuracy"] = "undecided"
    table.loc[compared["cell"] == "noise", "verdict/gap/nll"] = "undecided"
    return table


def test_undecided_comparisons_are_told_how_many_seeds_would_decide_them(open_questions, info):
    assert undecided(open_questions, JUDGED) == [
        f"Undecided in {label}: {many}. 12 seeds a fold would decide them if the truth were zero or the margin."
        for label, many in (("gap in negative log-likelihood", 1), ("test accuracy", 2))
    ]
    assert set(undecided(open_questions, JUDGED)) <= set(study_notes(open_questions, info))
    limited = open_questions.assign(**{"seeds/test/accuracy": np.nan})
    assert "2. No number of seeds will decide them: they do not average away" in undecided(limited, JUDGED)[1]
    fields = table_view.markdown(open_questions, JUDGED)
    assert "undecided 12 seeds a fold would do" in fields
    assert "undecided more seeds will not do" in table_view.markdown(limited, JUDGED)


def test_undecided_comparisons_are_told_by_context(open_questions):
    both = pd.concat([open_questions.assign(context=name) for name in ("ann", "cnn")], ignore_index=True)
    told = [line for line in undecided(both, JUDGED) if "test accuracy" in line]
    assert [line.partition(":")[0] for line in told] == [f"Undecided in test accuracy ({n})" for n in ("ann", "cnn")]


def test_where_flipping_signs_says_something_else_it_is_a_note(compared, info):
    cells = compared["cell"]
    usual = {"augmentation": 0.008, "shrink": 0.008, "noise": 0.5}
    table = compared.assign(**{f"sign_flip/{outcome.column}": cells.map(usual) for outcome in JUDGED.judged})
    assert disagreements(table, JUDGED) == []
    other = {"augmentation": 0.2, "shrink": 0.008, "noise": 0.01}
    table["sign_flip/test/accuracy"] = cells.map(other)
    (told,) = disagreements(table, JUDGED)
    assert told.endswith("independent, noise would differ from zero, and augmentation would not, in test accuracy.")
    assert told in study_notes(table, info)
    table.loc[cells == "augmentation", "verdict/test/accuracy"] = "not judged"
    (told,) = disagreements(table, JUDGED)
    assert "augmentation" not in told
    assert disagreements(table.assign(stopped=""), JUDGED) == []  # a look's interval and 5 % are not alike


def test_verdicts_that_differ_between_lengths_are_told(small, info):
    short = small[0].assign(cell=small[0]["mitigation"] + " · epochs=3")
    long = short.assign(cell=short["mitigation"] + " · epochs=9", epochs=9, run_id=short["run_id"] + "-9")
    noise = long["mitigation"] == "noise"
    long.loc[noise, "test/accuracy"] += 0.1
    told = by_length(comparison_table(pd.concat([short, long]), info), JUDGED)
    assert [line.partition(": ")[2].partition(". ")[0] for line in told] == [
        "noise (3 epochs: equivalent, 9 epochs: better)"
    ]
    assert told[0].startswith("The verdict in test accuracy is not the same at all lengths of training")
    assert by_length(comparison_table(short, info), JUDGED) == []
    same = long.assign(**{"test/accuracy": small[0]["test/accuracy"]})
    assert by_length(comparison_table(pd.concat([short, same]), info), JUDGED) == []
