"""What a search is: all that its workers have to know, which travels to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from overcast.config.compose import as_override, compose_config, override_key
from overcast.config.recipe import CHOICE
from overcast.config.run_config import RunConfig
from overcast.tracking.study_info import StudyInfo
from overcast.training.recording import SEARCH
from overcast.tuning.space import Params, Space


@dataclass(frozen=True)
class Search:
    """One search in each of its folds.

    id: the same for the same question, so that the same command goes on. name: of its recipe. overrides: what the user
    set. folds: of the split, each searched by itself on its train and validation part. seconds, trials: how much of
    either one fold may take, None where the other one says. storage: a database's address without password, "" for a
    file. info: as trainings have it, of the whole search.
    """

    id: str
    name: str
    overrides: tuple[str, ...]
    space: Space
    folds: tuple[int, ...]
    seconds: float | None
    trials: int | None
    storage: str
    info: StudyInfo

    @property
    def folder(self) -> Path:
        """Where its journal and the output of its trials lie."""
        return Path(self.info.folder)

    def study_name(self, fold: int) -> str:
        """Of a fold's own search, as Optuna knows it."""
        return f"{self.id}-fold{fold}"

    def config(self, params: Params | None, fold: int | None = None) -> RunConfig:
        """Of the trial at this point; None: as everything stands without the search. fold: None for the user's own.

        Raises: UserError for options that are wrong.
        """
        words = list(self.overrides)
        if params is not None:
            words = trial_words(words, self.space, params)
        config = compose_config(*words)
        split = config.split if fold is None else replace(config.split, fold=fold)
        return replace(config, split=split, role=SEARCH)


def trial_words(overrides: list[str], space: Space, params: Params) -> list[str]:
    """The overrides of a trial: the user's, without the strengths of what is not on in it, and those of its point."""
    values = space.values(params)
    if space.mitigations is not None:
        off = [f"{CHOICE}.{name}." for name in space.mitigations if name not in values[CHOICE]]
        overrides = [word for word in overrides if not override_key(word).startswith(tuple(off))]
    recipe = [] if any(override_key(word) == "recipe" for word in overrides) else ["recipe=none"]
    return [*overrides, *recipe, *(f"{name}={as_override(value)}" for name, value in values.items())]
