"""The methods paragraph says what was done, and cites what it rests on."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from overcast.comparison.methods import bibliography, methods
from overcast.comparison.references import REFERENCES
from overcast.study.outcomes import families


def run_on(**facts: Any) -> Any:
    """As much of a run as is read."""
    config = SimpleNamespace(
        data=SimpleNamespace(name="sky"), split=SimpleNamespace(fold=0, ignore_groups=False, file=None),
        epochs=5, batch_size=32, lr=0.01,
    )  # fmt: skip
    parts = np.array(["train"] * 8 + ["validation", "test"])
    return SimpleNamespace(config=config, facts=facts, parts=parts, spec=SimpleNamespace(classes=("a", "b")))


def study_of(folds: int = 2, seeds: int = 1, **info: Any) -> Any:
    table = pd.DataFrame({"cell": ["none", "noise"], "model": "cnn", "data": "sky", "is_baseline": [True, False]})
    trials = [
        {"cell": cell, "split_seed": 0, "fold": fold, "seed": seed}
        for cell in ("none", "noise")
        for fold in range(folds)
        for seed in range(seeds)
    ]
    return SimpleNamespace(
        table=table, trials=pd.DataFrame(trials), judged=families(), info=info, effects=None, general=None
    )


def test_it_says_what_was_done() -> None:
    text = methods(study_of(10, 3), [run_on()] * 60, planned=True)
    for said in (
        "We compared one alternative (noise) with a control (none) for *cnn* on *sky*.",
        "10 samples of 2 classes, split at random, stratified by class, with near-duplicates",
        "(in fold 0: 8 for training, 1 for validation and 1 for test)",
        "trained on 10 folds with 3 seeds a fold, the same for all cells, which gave 60 finished trials (5 epochs, "
        "batches of 32, learning rate 0.01)",
        "Before the first trial we recorded two families of outcomes",
        "within 0.1 in gap in negative log-likelihood, 0.1 in test negative log-likelihood and 3 points in test",
        "the unit of analysis is the fold; seeds within a fold are averaged",
        "hold simultaneously with 95 %",
        "Folds share most of their train parts",
    ):
        assert said in text
    assert text.count("\n") == 1
    assert "owen2007" not in text
    assert "varma2006" not in text


def test_a_calibration_part_is_told_where_there_is_one() -> None:
    run = run_on()
    assert "calibration" not in methods(study_of(), [run], planned=True)
    run.parts = np.array(["train"] * 6 + ["calibration"] * 2 + ["validation", "test"])
    text = methods(study_of(), [run], planned=True)
    assert "(in fold 0: 6 for training, 1 for validation and 1 for test). A further 2 were held out for cal" in text
    assert "one temperature was learned for each trained network" in text
    assert "guo2017" in bibliography(text)


def test_of_a_study_with_looks_it_says_what_each_cell_got_and_how_it_was_stopped() -> None:
    study = study_of(6, 2, looks=[4, 6], looked=["Sequential: looks after 4, 6 folds were planned."])
    trials = study.trials
    study.trials = trials[(trials["cell"] == "none") | (trials["fold"] < 4)]  # noise stopped at the first
    text = methods(study, [run_on()] * 20, planned=True)
    assert "Cells were trained on 4 to 6 folds with 2 seeds a fold, which gave 20 finished trials" in text
    assert "the same for all cells" not in text
    assert "spent on the planned looks by the square of the fraction of folds [@lan1983; @kim1987]" in text
    assert "with a probability below 20 % [@lan1982]" in text
    assert {"lan1982", "lan1983", "kim1987"} <= set(re.findall(r"\{(\w+),", bibliography(text)))


def test_it_says_how_strengths_were_chosen() -> None:
    study = study_of(tuned=["Tuned: noise (tuned): …"])
    tuned = study.trials["cell"] == "noise"
    study.trials["cell"] = study.trials["cell"].where(~tuned, "noise (tuned)")
    study.trials["chosen"], study.trials["candidates"] = (pd.Series(v, tuned.index[tuned]) for v in ("std=0.1", 3))
    text = methods(study, [run_on()], planned=True)
    assert "The strengths of noise (tuned) were chosen within each fold, among 3 candidates" in text
    assert "[@varma2006; @cawley2010]; such a cell took 3 times the training." in text


def test_it_says_nothing_that_was_not_so() -> None:
    one = methods(study_of(1, 3, official_test=True), [run_on(official_test=True)], planned=False)
    assert "We judged two families" in one
    assert "the unit of analysis is the seed, on a single fold" in one
    assert "the conclusions hold for this split of the data" in one
    assert "bengio2004" not in one
    assert "two-way over trials and samples [@owen2007]" in one
    timed = methods(study_of(post_hoc=["Post hoc: margins were changed."]), [run_on(by_time=True)], planned=True)
    assert "cut by time" in timed
    assert "We judged two families" in timed
    assert "Post hoc: margins were changed. Trials were run" in timed


def test_a_factorial_study_is_said_to_be_judged_by_its_effects() -> None:
    study = study_of(5)
    study.effects = pd.DataFrame({"cell": ["noise"], "combinations": 2})
    study.table = pd.concat([study.table.assign(model=name, context=name) for name in ("cnn", "ann")])
    text = methods(study, [run_on()], planned=True)
    assert "We trained *cnn* and *ann* on *sky* with and without noise, in 2 combinations." in text
    assert "The cells are a two-level factorial or a fraction of it of resolution V" in text
    assert "with a control" not in text
    assert "dunnett1955" not in text
    assert {"box1978", "stoline1979"} <= set(re.findall(r"\{(\w+),", bibliography(text)))


def test_it_says_how_several_data_sets_were_judged() -> None:
    study = study_of(5)
    assert "random effect" not in methods(study, [run_on()], planned=True)
    study.general = pd.DataFrame({"cell": ["noise"]})
    study.table = pd.concat([study.table.assign(data=name) for name in ("sky", "digits", "speech")])
    text = methods(study, [run_on()], planned=True)
    assert "each of the 3 data sets counts once, as a random effect [@hedges1983]" in text
    assert "hedges1983" in bibliography(text)


@pytest.mark.parametrize("official", [True, False])
def test_the_bibliography_has_what_is_cited_and_no_more(official: bool) -> None:
    text = methods(study_of(official_test=official), [run_on(official_test=official)], planned=True)
    entries = re.findall(r"^@\w+\{(\w+),", bibliography(text), re.MULTILINE)
    assert entries == sorted(set(re.findall(r"@(\w+\d{4})", text)))
    assert set(entries) <= set(REFERENCES)


@pytest.mark.parametrize("key", REFERENCES)
def test_an_entry_is_whole(key: str) -> None:
    entry = REFERENCES[key]
    assert re.match(rf"@\w+\{{{key},\n", entry)
    assert entry.count("{") == entry.count("}")
    for field in ("author", "title", "year"):
        assert re.search(rf"\b{field} *= *\{{", entry)
