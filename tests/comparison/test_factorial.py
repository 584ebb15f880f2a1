"""The report on a factorial study, from its trials."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from overcast.comparison.factorial import factorial_report
from overcast.html.page import Page
from overcast.html.writer import render


def test_a_factorial_study_has_a_report(factorial_trials: Any) -> None:
    report = factorial_report(factorial_trials)
    assert report is not None
    assert report.headline.startswith(
        "Of 5 mitigations in 16 combinations, each on top of the others (a mean over the rest, not against none): "
        "2 help: augmentation (+"
    )
    assert "1 hurt: dropout (−" in report.headline
    assert set(report.effects["outcome"]) == {"test/accuracy", "test/nll", "gap/nll"}
    assert [section.title for section in report.sections] == ["On top of the others", "Effects", "Pairs", "The recipe"]
    page = render(Page("a", "b", report.sections, {}))
    assert "fight each other" in page


def test_other_studies_have_none(small: Any) -> None:
    trials, _ = small
    assert factorial_report(trials) is None
    assert factorial_report(trials.assign(**{"validation/accuracy": 0.5})) is None


def test_two_networks_have_a_part_each(factorial_trials: Any) -> None:
    other = factorial_trials.assign(model="ann")
    report = factorial_report(pd.concat([factorial_trials, other], ignore_index=True))
    assert report is not None
    assert report.headline.startswith("cnn: Of 5")
    assert " ann: Of 5" in report.headline
    assert list(report.effects["context"].unique()) == ["cnn", "ann"]
    assert len(report.sections) == 8
    assert report.sections[5].title == "ann: Effects"


def test_a_cell_that_never_finished_leaves_nothing_to_estimate(factorial_trials: Any) -> None:
    trials = factorial_trials.copy()
    trials.loc[trials["mitigation"] == "none", "test/accuracy"] = np.nan
    report = factorial_report(trials)
    assert report is not None
    assert "not one fold has a finished run of every combination" in report.headline
    assert "0 lacks none; 1 lacks none" in report.sentences[0]
    assert report.effects.empty
