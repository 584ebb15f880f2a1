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
    opening, gap, nll, accuracy = report.headline.split("\n")
    assert opening == (
        "Of 5 mitigations in 16 combinations, each on top of the others (a mean over the rest, not against none):"
    )
    assert gap.startswith("1 reduces overfitting (gap in negative log-likelihood): augmentation (−0.2")
    assert nll.startswith("2 make the model better (test negative log-likelihood): augmentation (−0.1")
    assert accuracy.startswith("2 make the model better (test accuracy): augmentation (+")
    assert "1 makes it worse: dropout (−" in accuracy
    assert list(report.effects["cell"]) == ["augmentation", "batch_norm", "dropout", "mixup", "averaging"]
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
    assert "\nann: Of 5" in report.headline
    assert list(report.effects["context"].unique()) == ["cnn", "ann"]
    assert len(report.sections) == 8
    assert report.sections[5].title == "ann: Effects"


def test_a_cell_that_never_finished_leaves_nothing_to_estimate(factorial_trials: Any) -> None:
    trials = factorial_trials.copy()
    trials.loc[trials["mitigation"] == "none", "test/accuracy"] = np.nan  # as where a run diverged
    report = factorial_report(trials)
    assert report is not None
    assert "not one fold has a finished run of every combination" in report.headline
    assert "0 lacks none; 1 lacks none" in report.sentences[0]
    assert report.effects.empty
