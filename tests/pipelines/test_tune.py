"""The words of a search: its own, and those of a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::optuna")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["data=skies", "folds=2"], "budget=… is missing: how long to search, such as budget=20min; or trials=30"),
        (["data=skies", "budget=soon"], "budget=soon: give a time with its unit"),
        (["trials=1", "lrr=0.1"], "there is no option 'lrr'. Did you mean lr?"),
        (["trials=1", "search=wide"], "search=wide: there is no such search"),
        (["trials=1", "recipe=none"], "recipe=none: a search has none"),
    ],
)
def test_a_mistake_is_one_message(script: Any, words: list[str], said: str) -> None:
    assert said in script("tune", *words).mistake()


@pytest.mark.slow
def test_a_search_from_the_command_line(script: Any, data: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "conf/recipe").mkdir(parents=True)
    monkeypatch.setattr("overcast.tuning.recipe.ROOT", home)
    words = ["data=skies", "data.n_samples=100", "data.size=16", "data.difficulty=0.2", "model=ann", "tracking=off"]
    ended = script("tune", *words, f"data_dir={data}", "trainer=cpu", "trials=2", "workers=1", "name=mine")
    assert ended.code == 0, ended.err
    assert "recipe=mine" in ended.out
    assert (home / "conf/recipe/mine.yaml").is_file()
