"""A factorial study in words, and the command that confirms its recipe."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import pytest

from overcast.comparison.factorial import factorial_report
from overcast.comparison.factorial_design import read_design
from overcast.comparison.factorial_recipe import confirm
from overcast.comparison.factorial_wording import confirmation_command, recipe_sentences
from overcast.config.schema import StudyConfig
from overcast.study.designs import study_cells
from overcast.study.layout import study_repeats
from overcast.study.outcomes import families


@pytest.fixture
def said(factorial_trials: Any, factorial_parts: Any) -> Any:
    """The sentences on these trials."""

    def lines(trials: Any = factorial_trials) -> list[str]:
        report = factorial_report(trials, factorial_parts)
        assert report is not None
        return report.sentences

    return lines


def test_each_mitigation_has_a_sentence_and_each_known_pair(said: Any) -> None:
    lines = said()
    assert lines[0].startswith("augmentation: gap in negative log-likelihood −0.200 [")
    assert ", less overfitting; test negative log-likelihood −" in lines[0]
    assert lines[0].endswith(", better")
    assert sum(line.endswith(", equivalent") for line in lines) == 2
    (pair,) = (line for line in lines if "each other" in line)
    assert pair.startswith("batch_norm and dropout fight each other: test accuracy −1.8")
    assert pair.endswith("; where one is on, the other adds so much less than on average")


def test_it_tells_what_it_finds_and_what_holds_for_new_data(said: Any) -> None:
    (found,) = (line for line in said() if line.startswith("Found in four of five such studies: "))
    assert "test accuracy 0." in found
    assert "by as many runs one at a time" in found
    (new,) = (line for line in said() if line.startswith("The intervals speak of these data."))
    assert "in test accuracy: augmentation" in new


def test_of_one_fold_nothing_is_said_of_new_data(said: Any, factorial_trials: Any) -> None:
    lines = said(factorial_trials.assign(fold=0))
    assert not any("new data" in line for line in lines)
    assert any(line.startswith("All repeats are of one fold: what is said holds for this split") for line in lines)


def test_the_recipe_tells_how_it_was_chosen_and_tested(said: Any) -> None:
    best, *rest = said()[-4:]
    assert best.startswith("Best recipe: augmentation+batch_norm")
    assert "chosen by the validation parts of folds 0, 1, 2, 3, tested on the test parts of folds 5, 6, 7, 8, 9" in best
    assert rest[0].startswith("The recipe against none: test negative log-likelihood −")
    assert rest[0].endswith("better")
    assert rest[1].startswith("The recipe against all of them (predicted): ")
    assert rest[2].startswith("Not run but predicted: ")


def test_a_recipe_is_not_called_better_than_what_it_lost(factorial_trials: Any, factorial_folds: Any) -> None:
    """Its diverged trials are in no mean: those that are left flatter it, and flatter a rival that has some."""
    design = read_design(factorial_trials, families(), {})
    assert design is not None
    confirmation = confirm(design, families(), factorial_folds)
    assert confirmation is not None
    for diverged, judged in (([1, 0, 0], False), ([0, 1, 0], True)):
        lines = recipe_sentences(design, replace(confirmation, diverged=diverged), families())
        (gains,) = (line for line in lines if line.startswith("The recipe against none: "))
        assert gains.endswith(", better" if judged else ", not judged")


def test_few_folds_say_so(said: Any, factorial_trials: Any) -> None:
    lines = said(factorial_trials[factorial_trials["fold"] < 2])
    assert lines[-1].startswith("No recipe is chosen by some folds and confirmed on others: that takes three")
    assert not any("nan" in line for line in lines)
    lines = said(factorial_trials[factorial_trials["fold"] < 1])
    assert "One fold alone says nothing of the error: no interval, and nothing is decided" in lines
    lines = said(factorial_trials[factorial_trials["fold"] < 3])
    assert "One fold alone confirms nothing: run the study on more folds" in lines


def test_the_command_confirms_on_the_other_folds_what_was_not_run(factorial_trials: Any, factorial_folds: Any) -> None:
    design = read_design(factorial_trials, families(), {})
    assert design is not None
    confirmation = confirm(design, families(), factorial_folds)
    assert confirmation is not None
    command = (
        "python pipelines/train.py +study=factorial data=weather study.folds=10 study.mitigations=[a, b] epochs=4 "
        "study.design=factorial study.name=mine study.seeds=2 ++study.budget=2h"
    )
    words = shlex.split(confirmation_command(confirmation, 2, command, "mine"))
    assert words[:5] == ["python", "pipelines/train.py", "+study=factorial", "data=weather", "epochs=4"]
    assert words[5:7] == ["study.name=mine_confirmed", "study.design=one_at_a_time"]
    assert words[8] == "study.folds=null"
    repeats = [f"split.fold={fold} seed={fold + first}" for first in (0, 1000) for fold in (5, 6, 7, 8, 9)]
    assert words[9:] == [f"hydra.sweeper.repeats=[{','.join(map(repr, repeats))}]"]
    assert study_repeats(repeats, None) == repeats
    mitigations = words[7].removeprefix("study.mitigations=[").removesuffix("]").split(",")
    cells = study_cells(StudyConfig(mitigations=tuple(mitigations)), [])
    assert cells == ["mitigation=none", *(f"mitigation=[{name.replace('+', ',')}]" for name in mitigations)]


def test_a_longer_training_is_told_as_a_factor_and_the_recipe_confirmed_at_its_length(
    trials_of_two_lengths: Any, factorial_parts: Any, factorial_folds: Any
) -> None:
    trials = trials_of_two_lengths
    trials.loc[trials["epochs"] == 16, ["test/accuracy", "validation/accuracy"]] += 0.05
    report = factorial_report(trials, factorial_parts)
    assert report is not None
    assert report.headline.startswith("Of 4 mitigations and a longer training in 16 combinations")
    (longer,) = (line for line in report.sentences if line.startswith("16 epochs instead of 8: "))
    assert "test accuracy +5" in longer
    design = read_design(trials, families(), {})
    assert design is not None
    confirmation = confirm(design, families(), factorial_folds)
    assert confirmation is not None
    assert confirmation.names[0].endswith("+16 epochs instead of 8")
    command = "python pipelines/train.py +study=factorial study.epochs=[8,16] study.mitigations=[a,b]"
    words = shlex.split(confirmation_command(confirmation, 1, command))
    assert words[2:5] == ["+study=factorial", "study.name=factorial_confirmed", "study.design=one_at_a_time"]
    assert words[6:8] == ["study.folds=null", "epochs=16"]
    mitigations = words[5].removeprefix("study.mitigations=[").removesuffix("]").split(",")
    assert "augmentation+batch_norm+dropout+mixup" in mitigations
    assert len(study_cells(StudyConfig(mitigations=tuple(mitigations)), [])) == 1 + len(mitigations)
