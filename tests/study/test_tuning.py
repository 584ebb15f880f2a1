"""A strength is chosen by the validation part alone, ties by the likelihood, and never by a failed run."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from overcast.core.errors import DivergedError, UserError
from overcast.core.paths import ROOT
from overcast.study import tuning
from overcast.tracking.run_folder import Run


def test_the_best_mean_wins_and_ties_go_to_the_likelihood(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = {"a": (0.5, -1.0), "b": (0.9, -2.0), "c": (0.7, -0.5), "d": (0.7, -0.1)}
    monkeypatch.setattr(tuning, "validation", lambda run: scores[run.folder.name])
    runs = {name: Run(Path(name)) for name in scores}
    assert tuning.best({"x": [runs["a"], runs["b"]], "y": [runs["d"], runs["d"]]}) == "y"  # 0.7 each
    assert tuning.best({"x": [runs["c"]], "y": [runs["d"]]}) == "y"
    assert tuning.best({"x": [runs["a"], UserError("failed")], "y": [runs["c"], None]}) == "y"
    assert tuning.best({"x": [UserError("failed")], "y": []}) == ""
    # one that diverged comes last, however well its other runs did
    assert tuning.best({"x": [runs["b"], DivergedError("nan")], "y": [runs["a"], runs["a"]]}) == "y"
    assert tuning.best({"x": [runs["b"], DivergedError("nan")], "y": [DivergedError("nan")]}) == "x"


def test_the_shipped_study_never_tests_on_what_it_chose_by() -> None:
    sweeper = yaml.safe_load((ROOT / "conf/study/tuned.yaml").read_text())["hydra"]["sweeper"]

    def values(lines: list[str], key: str) -> set[int]:
        return {int(word.partition("=")[2]) for line in lines for word in line.split() if word.startswith(key)}

    chosen_by = {(fold + 1) % 10 for fold in values(sweeper["tuning"], "split.fold")}
    assert not chosen_by & values(sweeper["repeats"], "split.fold")
    assert not values(sweeper["tuning"], "seed") & values(sweeper["repeats"], "seed")
    assert {len(group) for group in sweeper["tuned"]} == {3}  # the same budget for each
