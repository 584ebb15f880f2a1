"""A search from the command to the recipe, the report and the record; and what it says where it cannot be."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overcast.config.recipe import read_recipe
from overcast.config.run_config import RunConfig
from overcast.core.errors import DamagedError, DivergedError, UserError
from overcast.tracking.finished_run import load_run
from overcast.tracking.store import TrackingStore
from overcast.training.train import train
from overcast.tuning import objective, recipe, search
from overcast.tuning.definition import Search
from overcast.tuning.outcome import difference
from overcast.tuning.search import SearchResult, Settings, plan_search, tune

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]

Tune = Callable[..., SearchResult]


@pytest.fixture
def on_skies(prepared: Path, store: TrackingStore) -> list[str]:
    """A training on the tiny skies."""
    words = ["data=skies", "data.n_samples=100", "data.size=16", "data.difficulty=0.2", "model=ann", "epochs=1"]
    words += ["batch_size=64", f"data_dir={prepared}", "trainer=cpu", "trainer.precision=32-true", "trainer.threads=1"]
    tracking = store.settings
    words += [f"tracking.uri={tracking.uri}", f"tracking.artifacts={tracking.artifacts}"]
    named = tracking.experiment.partition("[")[0]  # the rest of it are a test's parameters, which are no plain word
    return [*words, f"tracking.experiment={named}"]


@pytest.fixture
def tuned(home: Path, on_skies: list[str], monkeypatch: pytest.MonkeyPatch) -> Tune:
    """A search over the tiny skies, in a project of its own."""
    conf = home / "conf"
    (conf / "recipe").mkdir(parents=True)
    (conf / "search").mkdir()
    (conf / "search" / "tiny.yaml").write_text(
        "lr: [0.01, 0.004]\nmitigation: {spectrogram_augmentation: {}, dropout: {p: [0.1]}}\n"
    )
    monkeypatch.setattr(recipe, "ROOT", home)
    monkeypatch.setattr(search, "ROOT", home)

    def made(*more: str, **settings: str) -> SearchResult:
        given = {"search": "tiny", "workers": "1", "name": "mine", "trials": "2"} | settings
        return tune([*on_skies, *more], Settings(**given), "python pipelines/tune.py …")

    return made


def test_a_whole_search(
    tuned: Tune, home: Path, store: TrackingStore, gathered: list[np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    """Validation parts choose, the test part is read for the winner alone, and the same command has nothing to do."""
    found = tuned()
    assert "not searched: spectrogram_augmentation: " in capsys.readouterr().out
    (outcome,) = found.outcomes
    values = [trial.value for trial in outcome.trials]
    assert outcome.validation == min(values)
    assert read_recipe(home / "conf", "mine") == outcome.values
    assert outcome.optimism == pytest.approx(outcome.test["nll"] - outcome.validation)
    assert f"validation nll {outcome.validation:.3f}" in found.text
    page = found.report.read_text()
    assert all(text in page for text in ("How the search went", "Chosen and tested", "conf/recipe/mine.yaml"))
    (parent,) = store.search(role="search")
    runs = store.search(role="search trial")
    assert parent.status == "FINISHED"
    assert parent.metrics["search/optimism"] == pytest.approx(outcome.optimism, rel=1e-3)
    assert {run.tags["mlflow.parentRunId"] for run in runs} == {parent.id}
    assert len(runs) == 2
    before = len(gathered)
    again = tuned()
    assert len(gathered) == before  # nothing was trained or measured again
    assert again.text == found.text


def test_it_is_compared_with_the_options_as_they_stood(tuned: Tune, capsys: pytest.CaptureFixture[str]) -> None:
    found = tuned("tracking=off", "mitigation=none", trials="1")
    assert "nothing is compared" not in capsys.readouterr().out
    assert found.outcomes[0].stood == found.outcomes[0].run
    assert all(text in found.report.read_text() for text in ("The options as they stood", "as it stood"))


def test_what_no_trial_can_be_is_not_called_the_options_as_they_stood(
    tuned: Tune, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a recipe in params.yaml has an option that is not searched: the trials are without it."""
    config = Search.config

    def with_recipe(search: Search, params: Any, fold: int | None = None) -> RunConfig:
        found = config(search, params, fold)
        return found if params is not None else replace(found, measure_every=2)

    monkeypatch.setattr(Search, "config", with_recipe)
    found = tuned("tracking=off", "mitigation=none", trials="1")
    said = "nothing is compared with the options as they stand: they lie outside of what is searched"
    assert said in capsys.readouterr().out
    assert found.outcomes[0].stood is None
    assert not [text for text in ("as they stood", "as it stood") if text in found.report.read_text() + found.text]


def test_damaged_predictions_of_the_winner_are_told(tuned: Tune) -> None:
    (outcome,) = tuned("tracking=off", trials="1").outcomes
    path = outcome.run.folder / "evaluation" / "predictions.csv"
    path.write_text(path.read_text().replace("0.", "1.", 1))
    with pytest.raises(DamagedError, match=r"predictions\.csv was changed or damaged since it was written"):
        difference([replace(outcome, stood=outcome.run)])


def test_no_trial_reads_a_test_row(tuned: Tune, gathered: list[np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "fold_outcome", lambda *_: (_ for _ in ()).throw(UserError("enough")))
    with pytest.raises(UserError, match="enough"):
        tuned(trials="1")
    (folder,) = Path("runs").glob("mine-*-fold0-0000")
    test = np.flatnonzero(load_run(folder).parts == "test")
    assert len(test)
    assert not set(np.concatenate(gathered)) & set(test)


def test_diverged_trials_are_no_winners(tuned: Tune, monkeypatch: pytest.MonkeyPatch) -> None:
    def diverge(*_: Any, **__: Any) -> None:
        raise DivergedError("the loss is not finite in epoch 1")

    monkeypatch.setattr(objective, "train_trial", diverge)
    with pytest.raises(UserError, match=r"no trial of fold 0 was trained to its end, .*: the loss is not finite"):
        tuned("tracking=off")


def test_too_little_time_for_one_trial(tuned: Tune, home: Path) -> None:
    with pytest.raises(UserError, match=r"no trial of fold 0 was trained to its end.*Give a larger budget"):
        tuned("tracking=off", trials="", budget="0.001s")
    assert not list((home / "conf" / "recipe").iterdir())
    assert not list((home / "runs").glob("mine-*"))  # no half run is left


@pytest.mark.slow
def test_folds_are_searched_by_themselves(tuned: Tune) -> None:
    found = tuned("tracking=off", folds="2", language="ko")
    assert [outcome.fold for outcome in found.outcomes] == [0, 1]
    tests = [set(np.flatnonzero(outcome.run.parts == "test")) for outcome in found.outcomes]
    assert not tests[0] & tests[1]
    assert "낙관" in found.report.read_text()


@pytest.mark.slow
def test_several_workers_share_the_trials(tuned: Tune, home: Path) -> None:
    """In processes of their own, which read conf/ of the project itself."""
    found = tuned("tracking=off", workers="2", trials="4")
    (outcome,) = found.outcomes
    assert len({trial.user_attrs["process"] for trial in outcome.trials}) == 2


@pytest.mark.parametrize(
    ("words", "settings", "message"),
    [
        ([], {"trials": ""}, "budget=… is missing: how long to search"),
        ([], {"budget": "soon"}, "budget=soon: give a time with its unit, such as 90s, 30min, 2h or 7d"),
        ([], {"budget": "0min"}, "budget=0min: must be above 0"),
        ([], {"budget": "-5min"}, "budget=-5min: give a time with its unit"),
        (["init_from=latest"], {}, "init_from=latest is another run as soon as one of the search is trained"),
        ([], {"trials": "0"}, "trials=0: give a whole number, 1 or more"),
        ([], {"folds": "11"}, "folds=11: the split has 10 folds"),
        ([], {"search": "huge"}, "search=huge: there is no such search space. Choices: tiny"),
        ([], {"name": "none"}, "name=none: a recipe is called by"),
        (["recipe=none"], {}, "recipe=none: a search has none"),
        (["study.folds=2"], {}, "study.folds=2: one run is composed here"),
        (["lr=0.1", "mitigation=none"], {}, "conf/search/tiny.yaml: nothing in it is left to search"),
        (["modle=ann"], {}, "there is no option 'modle'. Did you mean model?"),
    ],
)
def test_a_slip_is_one_message_before_anything_is_written(
    tuned: Tune, home: Path, words: list[str], settings: dict[str, str], message: str
) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        tuned(*words, **settings)
    assert not (home / "runs").exists()


def test_searches_from_different_weights_are_different_ones(tuned: Tune, on_skies: list[str], config: Any) -> None:
    runs = [train(config("epochs=1", f"seed={seed}")) for seed in (0, 1)]
    settings = Settings(search="tiny", trials="2", name="mine")
    ids = {plan_search([*on_skies, f"init_from={run.folder}"], settings)[0].id for run in runs}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model.widht: [1, 2]", "there is no option 'model.widht'"),
        ("mitigation: {dropuot: {}}", "mitigation=dropuot: there is no such mitigation. Did you mean dropout?"),
        ("mitigation: {dropout: {p: [0.1, 2.0]}}", "mitigation.dropout.p=2.0: must be at least 0 and below 1"),
        ("lr: [0.1, -1.0]", "lr=-1.0: must be above 0"),
    ],
)
def test_a_value_that_cannot_be_shows_before_the_first_trial(tuned: Tune, home: Path, text: str, message: str) -> None:
    (home / "conf" / "search" / "tiny.yaml").write_text(text)
    with pytest.raises(UserError, match=re.escape(message)):
        tuned()
