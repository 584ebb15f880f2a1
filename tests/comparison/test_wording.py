import numpy as np
import pandas as pd
import pytest

from overcast.comparison import comparison_table, table_view, wording


@pytest.mark.parametrize(
    ("value", "text"), [(0.0412, "+4.1"), (-0.073, "−7.3"), (-0.0001, "0.0"), (np.nan, "–"), (np.inf, "–")]
)
def test_number(value, text):
    assert wording.number(value, sign=True) == text


def test_a_sentence_holds_what_the_table_holds():
    limits = {"change/test/accuracy/low": 0.029, "change/test/accuracy/high": 0.052}
    row = {"cell": "augmentation", "data": "sky", "mitigation": "augmentation", "baseline": "none", "against": "none"}
    row |= {"pairs": 10, "clear": True, "change/test/accuracy": 0.041, "change/gap/accuracy": -0.073, "time": 1.21}
    clear = pd.Series(row | limits | {"detectable": 0.03})
    assert wording.sentence(clear) == "augmentation: +4.1 points [2.9, 5.2], gap −7.3, 1.2× the time: clear"
    unclear = pd.Series(clear.to_dict() | {"clear": False, "detectable": 0.046})
    assert wording.sentence(unclear).endswith(
        "not clear at this size: differences under 4.6 points would not show in 10 repeats"
    )
    lone = pd.Series(clear.to_dict() | {"pairs": 1})
    assert wording.sentence(lone) == "augmentation: needs at least 2 repeats, has 1"
    assert "against dropout" in wording.sentence(
        pd.Series(clear.to_dict() | {"baseline": "dropout", "against": "dropout"})
    )
    assert "too few" in wording.judgement(pd.Series(unclear.to_dict() | {"detectable": 12.0}))
    assert "the same test accuracy" in wording.judgement(pd.Series(unclear.to_dict() | {"detectable": 0.0}))


def test_verdicts_name_every_comparison_and_never_say_no_effect(compared, info):
    told = wording.verdicts(compared)
    assert [line.split(":")[0] for line in told] == ["augmentation", "noise", "shrink"]
    assert told[0].endswith("1.2× the time: clear")
    assert "not clear at this size" in told[1]
    assert told[2].endswith("clear, for the worse")
    assert "no effect" not in wording.description_md(compared, info).lower()


def test_the_headline_counts_and_names(compared):
    told = wording.headline(compared)
    assert told.startswith("Of 3 compared with none, 1 clearly better: augmentation (+")
    assert "1 clearly worse: shrink (−" in told
    assert "1 not clear at this size" in told
    assert "Highest mean test accuracy: augmentation, 8" in told


def test_the_description_opens_with_the_verdict_or_the_claim(compared, info):
    assert wording.description_md(compared, info).startswith("Of 3 compared with none")
    lines = wording.description_md(compared, info, "Augmentation helps.").split("\n\n")
    assert lines[0] == "**Claim:** Augmentation helps."
    assert lines[1].startswith("**Measured:** Of 3")


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


def test_the_overlap_of_the_comparisons(compared):
    assert wording.overlap(compared) == "1/9"
    assert wording.overlap(compared.assign(rho=[1 / 4, 0.28, 1 / 9, 1 / 9])) == "1/9 to 0.28"
    assert wording.overlap(compared.assign(rho=np.nan)) == "–"


def test_diverged_trials_are_told_and_their_cell_is_not_the_highest(small, info):
    trials, _ = small
    gone = (trials["cell"] == "augmentation") & (trials["repeat"] == "0-0")
    outcomes = [column for column in trials if column.startswith(("test/", "gap/"))]
    some = trials.assign(diverged=gone, **{column: trials[column].where(~gone) for column in outcomes})
    compared = comparison_table(some, info)
    told = wording.verdicts(compared)[0]
    assert told.endswith("not judged: 1 of its 4 trials diverged, and those that are left flatter it")
    assert "1 not judged, since trials diverged: augmentation" in wording.headline(compared)
    assert "clearly better" not in wording.headline(compared)
    assert "Highest mean test accuracy: noise" in wording.headline(compared)
    assert "flatter" not in table_view.markdown(compared)
    lines = wording.notes(compared, info | {"diverged": ["a: 1 of 4 repeats diverged"], "left_out": ["b: why"]})
    assert lines[:2] == ["a: 1 of 4 repeats diverged: never called better.", "Left out: b: why."]


def test_one_repeat_says_what_it_needs(small, info):
    alone = comparison_table(small[0][small[0]["repeat"] == "0-0"], info)
    assert wording.headline(alone).startswith("Nothing could be compared: that needs at least 2 repeats.")
    assert "needs at least 2 repeats" in table_view.markdown(alone)


def test_the_grid_is_whole(compared):
    assert {len(line) for line in table_view.lines(compared)} == {len(table_view.heads())}
    written = table_view.markdown(compared).splitlines()
    assert len(written) == 2 + len(compared)
    assert len({line.count("|") for line in written}) == 1
    assert "nan" not in table_view.markdown(compared)
