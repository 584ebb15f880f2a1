"""How a study was analysed, in the words of a paper, as its records have it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd

from overcast.comparison.methods_analysis import analysis
from overcast.study.outcomes import families


def said(folds: int = 5, seeds: int = 1, outcomes: Any = ("accuracy",), **info: Any) -> str:
    """Of a study of two cells. effects, general: as of a `Study`."""
    rows = [(cell, 0, fold, seed) for cell in ("none", "noise") for fold in range(folds) for seed in range(seeds)]
    of_study = {name: info.pop(name, None) for name in ("effects", "general")}
    trials = pd.DataFrame(rows, columns=["cell", "split_seed", "fold", "seed"])
    study: Any = SimpleNamespace(
        trials=trials, judged=families(outcomes), info=info, table=pd.DataFrame({"data": ["sky", "sea"]}), **of_study
    )
    return " ".join(analysis(study))


def test_the_unit_is_the_fold_and_on_a_single_one_the_seed() -> None:
    assert "the unit of analysis is the fold." in said()
    assert "the unit of analysis is the fold; seeds within a fold are averaged." in said(seeds=3)
    one = said(folds=1, seeds=3)
    assert "the unit of analysis is the seed, on a single fold." in one
    assert "bengio2004" not in one


def test_a_fixed_test_part_is_said_to_count_in_what_is_a_mean_over_its_samples() -> None:
    assert "owen2007" not in said()
    two_way = "over trials and samples [@owen2007]."
    assert said(official_test=True).partition(two_way)[2].startswith(" A difference is better or worse")
    others = said(outcomes=("accuracy", "macro_f1"), official_test=True)
    assert (
        f"{two_way} Intervals in test macro-F1, of which no sample's own part is kept, speak of other seeds alone."
        in others
    )
    effects = said(effects=pd.DataFrame({"cell": ["noise"]}), official_test=True)
    assert "They speak of these data." in effects
    assert effects.endswith(two_way)


def test_looks_and_several_data_sets_are_told_where_there_are_any() -> None:
    assert "with a probability below 20 % [@lan1982]" in said(looks=[4, 5])
    assert "each of the 2 data sets counts once" in said(general=pd.DataFrame({"cell": ["noise"]}))
    assert not {"lan1982", "hedges1983"} & set(said().replace("]", "@").split("@"))
