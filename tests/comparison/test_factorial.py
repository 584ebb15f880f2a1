"""The report on a factorial study, from its trials and from its records."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from overcast.comparison.compare import Comparison, _describe, _findings, compare
from overcast.comparison.factorial import factorial_report, without_effects
from overcast.comparison.measured_study import measure_study
from overcast.core.spec import Spec
from overcast.html.page import Page
from overcast.html.writer import render
from overcast.statistics.designs import two_level_fraction
from overcast.study.lookup import StudyRecord
from overcast.study.outcomes import OUTCOMES
from overcast.tracking.checksums import write_evaluation_hashes
from overcast.tracking.metadata import recorded_params
from overcast.tracking.run import MAX_TAG
from overcast.tracking.run_folder import Run
from overcast.tracking.store import RunInfo

FACTORS = ("dropout", "noise", "shrink")
Trial = tuple[str, int, int]
"""Of the study below: what is chosen, fold and seed."""


def study_trials() -> list[Trial]:
    """Every combination of three mitigations on four folds with two seeds."""
    cells = [
        "+".join(name for name, level in zip(FACTORS, levels, strict=True) if level > 0) or "none"
        for levels in two_level_fraction(len(FACTORS))
    ]
    return [(cell, fold, seed) for seed in (0, 1) for fold in range(4) for cell in cells]


@pytest.fixture
def recorded(config: Any, tmp_path: Path) -> Callable[..., StudyRecord]:
    """``recorded(diverged, missing)``: the record of such a study, in which "dropout" helps by ten points.

    diverged, missing: trials that have no run, the former since their loss was not finite.
    """

    def made(diverged: Collection[Trial] = (), missing: Collection[Trial] = ()) -> StudyRecord:
        draw, planned, runs = np.random.default_rng(0).normal, list[RunInfo](), list[Run]()
        base = config(f"mitigation=[{','.join(FACTORS)}]")
        for number, trial in enumerate(study_trials()):
            cell, fold, seed = trial
            mitigation = tuple(option for option in base.mitigation if option.name in cell.split("+"))
            split = replace(base.split, fold=fold)
            own = replace(base, mitigation=mitigation, seed=fold + 1000 * seed, split=split)
            better = 0.1 * ("dropout" in cell) + draw(0, 0.01)  # drawn in any case: what is lost changes no other
            tags = {"identity": f"{number:08d}", "mlflow.runName": f"{cell}-{number}"}
            if trial in diverged:
                tags |= {"diverged": "true", "reason": "the loss is not finite in epoch 1. Try a lower lr"}
            status = "FAILED" if trial in diverged else "FINISHED"
            if trial in missing:
                continue
            params = {name: str(value) for name, value in recorded_params(own).items()}
            planned.append(RunInfo(str(number), status, str(number), tags, params, {}))
            if status == "FINISHED":
                runs.append(measured_run(tmp_path / f"runs/{number}", own, tags["identity"], better))
        tags = {"study": "factorial-12345678", "design": "factorial", "runs": str(len(study_trials()))}
        tags |= {"repeats": "8"}
        tags |= {"command": "python pipelines/train.py +study=factorial study.seeds=2", "data": "skies"}
        return StudyRecord(RunInfo("0", "FINISHED", "", tags, {}, {}), planned[::-1], runs)

    return made


def measured_run(folder: Path, config: Any, identity: str, better: float) -> Run:
    """A run that was evaluated, as far as a report reads it."""
    (folder / "evaluation").mkdir(parents=True, exist_ok=True)
    run = Run(folder)
    run.write_config(config)
    run.write_facts({"name": folder.name, "identity": identity, "seconds": 1.0, "weights": ""})
    Spec("image", (3, 2, 2), ("a", "b")).save(run.path("spec.json"))
    run.write("parts.csv", "part\ntrain\nvalidation\ntest\n")
    run.write("history.csv", "epoch,train/nll,train/accuracy,validation/nll,validation/accuracy\n1,1,0.5,1,0.5\n")
    of_parts: dict[str, dict[str, float]] = {"test": {}, "gap": {}, "validation": {"accuracy": 0.6 + better, "nll": 1}}
    for outcome in OUTCOMES:
        part, _, name = outcome.column.partition("/")
        of_parts[part][name] = 0.5 + better if outcome.larger_is_better else 0.5 - better
    metrics = of_parts | {"baseline": {"majority_accuracy": 0.3}}
    run.write("evaluation/metrics.json", json.dumps(metrics))
    lines = [f"{row},{row},{config.split.fold}-{row}.png,{'ab'[row % 2]},a,0.6,0.4" for row in range(4)]
    run.write("evaluation/predictions.csv", "\n".join(["row,group,file,label,predicted,a,b", *lines, ""]))
    write_evaluation_hashes(folder / "evaluation", "")
    return run


@pytest.fixture
def compared(recorded: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Comparison]:
    """``compared(diverged, missing, predictions)``: what `compare` says of such a study, in ``tmp_path/report``."""

    def made(diverged: Collection[Trial] = (), missing: Collection[Trial] = (), predictions: str = "") -> Comparison:
        record = recorded(diverged, missing)
        monkeypatch.setattr("overcast.comparison.compare.recorded_study", lambda *_: (None, record))
        return compare(out=str(tmp_path / "report"), predictions=predictions)

    return made


def words(page: Path) -> str:
    """What people read of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", page.read_text(), flags=re.DOTALL))


def test_a_study_is_told_by_its_effects(compared: Any, tmp_path: Path) -> None:
    said = compared()
    assert said.text.startswith("Of 3 mitigations in 8 combinations, each on top of the others")
    assert "1 makes the model better (test accuracy): dropout (+" in said.text
    assert (
        "with and without dropout, noise and shrink, in 8 combinations." in (tmp_path / "report/methods.md").read_text()
    )
    effects = pd.read_csv(tmp_path / "report/effects.csv").set_index("cell")
    assert list(effects.index) == list(FACTORS)
    assert list(effects["verdict/test/accuracy"]) == ["better", "equivalent", "equivalent"]


def test_what_a_study_was_asked_are_its_effects(recorded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """That number is told to later studies of these data."""
    study = measure_study(recorded())
    noted: dict[str, Mapping[str, str]] = {}
    record: Any = type("Recorder", (), {"metrics": lambda *_: None, "tags": lambda _, tags: noted.update(tags=tags)})()
    _describe(record, study, _findings(study, None))
    assert noted["tags"]["comparisons"] == "9"  # three effects in three outcomes
    lines = [f"line {number} of many" for number in range(1000)]
    monkeypatch.setattr("overcast.comparison.compare.description_md", lambda *_: "\n".join(lines))
    _describe(record, study, _findings(study, None))
    note = noted["tags"]["mlflow.note.content"].splitlines()
    assert note == lines[: len(note)]  # whole lines, as many as MLflow keeps
    assert MAX_TAG - len(lines[-1]) < len("\n".join(note)) <= MAX_TAG


def test_a_side_with_diverged_trials_is_never_called_better(compared: Any, tmp_path: Path) -> None:
    """One seed of two in one fold: the other would do for a mean, and that fold is not needed for an error."""
    said = compared(diverged=[("dropout", 2, 1)])
    effects = pd.read_csv(tmp_path / "report/effects.csv").set_index("cell")
    assert effects.loc["dropout", "change/test/accuracy"] > 0.08
    for outcome in ("test/accuracy", "test/nll", "gap/nll"):
        assert effects.loc["dropout", f"verdict/{outcome}"] == "not judged"
    assert list(effects["pairs"]) == [3] * 3  # folds
    assert list(effects["diverged"]) == [1, 0, 0]
    assert list(effects["flattered"]) == [True, False, False]
    assert "dropout: 1 of 8 repeats diverged (the loss is not finite in epoch 1): never called better." in said.text
    assert "2 lacks dropout" in said.text
    (line,) = (line for line in said.text.splitlines() if line.startswith("dropout: gap"))
    assert line.endswith(", not judged: 1 of its 32 trials diverged, and those that are left flatter it")
    assert "makes the model better (test accuracy): dropout" not in said.text


def test_a_mitigation_is_not_judged_worse_than_diverged_trials_without_it(
    factorial_trials: Any, factorial_parts: Any
) -> None:
    """Dropout hurts in these trials, of which one without it diverged."""
    gone = (factorial_trials["mitigation"] == "none") & (factorial_trials["fold"] == 3)
    report = factorial_report(diverge(factorial_trials, gone), factorial_parts)
    assert report is not None
    effects = report.effects.set_index("cell")
    assert effects.loc["dropout", "verdict/test/accuracy"] == "not judged"
    (line,) = (line for line in report.sentences if line.startswith("dropout: "))
    assert effects.loc["augmentation", "verdict/test/accuracy"] == "better"
    assert "1 of the 80 trials that it is compared with diverged, and those that are left flatter" in line


def diverge(trials: pd.DataFrame, gone: pd.Series) -> pd.DataFrame:
    """The trials where some have diverged, as `overcast.comparison.trials.trials` tells of them."""
    measured = [name for name in trials if name.startswith(("test/", "gap/", "validation/"))]
    return trials.assign(diverged=gone, **{name: trials[name].mask(gone) for name in measured})


@pytest.mark.parametrize(
    ("lost", "why"),
    [
        (
            [(cell, fold, 0) for fold, cell in enumerate(("dropout", "noise", "shrink", "dropout+noise"))],
            "0 lacks dropout; 1 lacks noise; 2 lacks shrink; 3 lacks dropout+noise",
        ),
        (
            [("noise+shrink", fold, seed) for fold in range(4) for seed in (0, 1)],
            "0 lacks noise+shrink; 1 lacks noise+shrink; 2 lacks noise+shrink; 3 lacks noise+shrink",
        ),
    ],
)
def test_without_a_whole_fold_it_says_why_no_effect_is_told(compared: Any, tmp_path: Path, lost: Any, why: str) -> None:
    said = compared(diverged=lost)
    told = f"No effect can be estimated: not one fold has a finished run of every combination ({why})."
    assert told in said.text
    assert told in words(tmp_path / "report/report.html")
    folder = tmp_path / "report"
    assert not (folder / "effects.csv").exists()
    assert "alternatives (" in (folder / "methods.md").read_text()
    assert (folder / "forest.pdf").exists()


def test_a_combination_without_a_trial_is_told(compared: Any, tmp_path: Path) -> None:
    """As where a study was stopped before every cell had one."""
    said = compared(missing=[trial for trial in study_trials() if trial[0] == "dropout+noise"])
    told = (
        "No effect can be estimated: the 7 combinations of 3 mitigations that have trials do not tell their effects "
        "apart. If the study is not whole, its command goes on with it."
    )
    assert told in said.text
    assert told in words(tmp_path / "report/report.html")
    assert (tmp_path / "report/methods.md").exists()


def test_a_study_that_was_cut_short_says_how_much_of_it_is_missing(compared: Any) -> None:
    """By its plan: what has no trial yet is in no table. What diverged is not missing."""
    late = [trial for trial in study_trials() if trial[2] == 1]
    said = compared(missing=[*late, ("none", 3, 0)], diverged=[("noise", 2, 0)])
    assert "33 of 64 planned trials are missing." in said.text
    assert "missing" not in compared(diverged=[("noise", 2, 0)]).text


def test_a_model_from_elsewhere_stands_beside_the_effects(compared: Any, tmp_path: Path) -> None:
    rows = [f"{fold}-{row}.png,{label}" for fold in range(4) for row, label in enumerate("abab")]
    (tmp_path / "theirs.csv").write_text("\n".join(["file,label", *rows]))
    alone, both = (compared(predictions=file) for file in ("", str(tmp_path / "theirs.csv")))
    assert alone.text.splitlines()[:4] == both.text.splitlines()[:4]
    (line,) = (line for line in both.text.splitlines() if line.startswith("theirs: "))
    assert re.search(r"test accuracy \+\d+\.\d points \[.*\], better$", line)
    assert line in words(tmp_path / "report/report.html")
    assert "theirs" not in set(pd.read_csv(tmp_path / "report/effects.csv")["cell"])
    assert "in 8 combinations" in (tmp_path / "report/methods.md").read_text()


def test_a_factorial_study_has_a_report(factorial_trials: Any, factorial_parts: Any) -> None:
    report = factorial_report(factorial_trials, factorial_parts)
    assert report is not None
    opening, gap, nll, accuracy = report.headline.split("\n")
    assert opening == (
        "Of 5 mitigations in 16 combinations, each on top of the others (a mean over the rest, not against none):"
    )
    assert gap.startswith("1 reduces overfitting (gap in negative log-likelihood): augmentation (−0.2")
    assert gap.endswith("; 4 equivalent.")  # the others change nothing but the last digit
    assert nll.startswith("2 make the model better (test negative log-likelihood): augmentation (−0.1")
    assert accuracy.startswith("2 make the model better (test accuracy): augmentation (+")
    assert "1 makes it worse: dropout (−" in accuracy
    assert list(report.effects["cell"]) == ["augmentation", "batch_norm", "dropout", "mixup", "averaging"]
    assert [section.title for section in report.sections] == ["On top of the others", "Effects", "Pairs", "The recipe"]
    page = render(Page("a", "b", report.sections, {}))
    assert "fight each other" in page


def test_other_studies_have_none(small: Any, factorial_parts: Any) -> None:
    trials, _ = small
    assert factorial_report(trials, factorial_parts) is None
    assert factorial_report(trials.assign(**{"validation/accuracy": 0.5}), factorial_parts) is None


def test_two_networks_have_a_part_each(factorial_trials: Any, factorial_parts: Any) -> None:
    other = factorial_trials.assign(model="ann")
    both = pd.concat([factorial_trials, other], ignore_index=True)
    report = factorial_report(both, factorial_parts)
    assert report is not None
    assert without_effects(both) == []
    assert report.headline.startswith("cnn: Of 5")
    assert "\nann: Of 5" in report.headline
    assert list(report.effects["context"].unique()) == ["cnn", "ann"]
    assert len(report.sections) == 8
    assert report.sections[5].title == "ann: Effects"


def test_a_network_without_effects_is_told_beside_the_other(factorial_trials: Any, factorial_parts: Any) -> None:
    lost = diverge(factorial_trials.assign(model="ann"), factorial_trials["mitigation"] == "none")
    both = pd.concat([factorial_trials, lost], ignore_index=True)
    report = factorial_report(both, factorial_parts)
    assert report is not None
    assert list(report.effects["context"].unique()) == ["cnn"]
    (why,) = without_effects(both)
    assert why.startswith(
        "ann: no effect can be estimated: not one fold has a finished run of every combination (0 lacks"
    )
