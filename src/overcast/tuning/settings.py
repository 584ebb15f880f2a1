"""What the user asks of a search."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """budget: how long to search, such as 20min. trials: how many trials, in each fold, instead or as well.

    search: what is searched, of conf/search, instead of what is called as the network. folds: of the split, each
    searched by itself, for a nested estimate. workers: processes, instead of as many as cores or GPUs. storage:
    postgresql://…, for workers on several machines. name: of the recipe and the search. language: of the report, en or
    ko. Further options are those of train.py: what they set is not searched.
    """

    budget: str = ""
    trials: str = ""
    search: str = ""
    folds: str = "1"
    workers: str = ""
    storage: str = ""
    name: str = ""
    language: str = "en"
