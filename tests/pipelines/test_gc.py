"""gc as a user runs it: a study that was compared, registered and cleared compares, resumes and says what is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from overcast.core.paths import HOME, ROOT
from overcast.tracking.run_folder import Run

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]


def test_a_mistake_is_one_message(script: Any) -> None:
    assert "there is no run in runs/ yet: nothing can be removed" in script("gc").mistake()
    assert "Did you mean delete?" in script("gc", "dlete=true").mistake()


@pytest.fixture
def words(fast: list[str]) -> list[str]:
    """A study of two cells in three folds."""
    own = [word for word in fast if word != "tracking=off" and not word.startswith("mitigation=")]
    return ["-m", *own, "mitigation=none,dropout", "split.fold=0,1,2", "study.name=s", "hydra.launcher.n_jobs=1"]


def compared(script: Any, home: Path) -> tuple[str, pd.DataFrame]:
    said = script("compare")
    assert said.code == 0, said
    (table,) = (home / "reports").glob("s-*/trials.csv")
    return said.out, pd.read_csv(table)


@pytest.mark.slow
def test_a_study_compares_and_goes_on_without_its_weights(script: Any, words: list[str], home: Path) -> None:
    assert script("train", *words, "prepare=true").code == 0
    text, table = compared(script, home)
    said = script("gc")
    assert said.out.rstrip().endswith("nothing was removed: add delete=true")
    assert script("gc", "delete=true").code == 0
    removed = [run for path in (home / "runs").glob("*/run.json") if (run := Run(path.parent)).removed]
    assert removed
    assert not [run for run in removed if (run.folder / "model.pt").exists()]
    after = compared(script, home)
    assert after[0] == text
    pd.testing.assert_frame_equal(after[1], table)
    before = sorted((home / "runs").glob("*/run.json"))
    assert script("train", *words).code == 0
    assert sorted((home / "runs").glob("*/run.json")) == before
    assert compared(script, home)[0] == text
    for name, *rest in (("evaluate",), ("predict", f"files={home / 'data/skies/raw'}", "out=x.csv"), ("register",)):
        mistake = script(name, f"run={removed[0].folder}", *rest).mistake()
        assert f"the weights of the run in {removed[0].folder} were removed by gc on " in mistake
    assert script("register", "study=s", "run=best").code == 0


@pytest.mark.slow
def test_a_killed_gc_is_finished_by_the_next(script: Any, words: list[str], home: Path) -> None:
    """SIGKILL at many moments: each run is whole, or says that its weights are gone."""
    assert script("train", *words, "prepare=true").code == 0
    text, _ = compared(script, home)
    for wait in (0.0, 0.1, 0.2, 0.4):
        gc = subprocess.Popen(
            [sys.executable, str(ROOT / "pipelines" / "gc.py"), "delete=true"],
            env={**os.environ, HOME: str(home)}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert gc.stdout
        for line in gc.stdout:
            if line.startswith("in all:"):
                break
        time.sleep(wait)
        gc.send_signal(signal.SIGKILL)
        gc.communicate()
        for path in (home / "runs").glob("*/run.json"):
            run = Run(path.parent)
            assert run.removed or run.weights()
        assert compared(script, home)[0] == text
    assert script("gc", "delete=true").code == 0
    assert script("gc").out.rstrip().endswith("there is nothing to remove")
    left = [run for path in (home / "runs").glob("*/run.json") if (run := Run(path.parent)).removed]
    assert not [run for run in left if (run.folder / "model.pt").exists()]
