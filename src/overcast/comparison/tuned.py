"""What a report says of cells whose strength was chosen in each fold: which ones, and how optimistic the choice was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pandas as pd

from overcast.comparison.pairs import Context, contexts
from overcast.comparison.wording import listed, number
from overcast.core.words import translatable, translate
from overcast.html.page import Cell, Section, Table

MEASURES = (
    ("nll", translatable("negative log-likelihood"), 2, 1.0),
    ("accuracy", translatable("accuracy, %"), 1, 100.0),
)
"""Of the optimism: the figure, what it is called, its decimals and scale."""


def tuned_notes(trials: pd.DataFrame) -> list[str]:
    """A sentence on what choosing cost, for each number of candidates."""
    text = (
        "Tuned: {cells}: in each fold the best of {number} strengths by the validation part alone. That took {number} "
        "times the training of a cell of one strength; train times are those of the chosen runs."
    )
    return [
        translate(text, cells=listed(list(dict.fromkeys(some["cell"]))), number=int(many))
        for many, some in _tuned(trials).groupby("candidates")
    ]


def _tuned(trials: pd.DataFrame) -> pd.DataFrame:
    if "chosen" not in trials:
        return trials.iloc[:0].assign(chosen="", candidates=0)
    return trials[trials["chosen"].notna()]


def tuned_sections(trials: pd.DataFrame) -> list[Section]:
    """The chosen strengths and the optimism, of trials as `overcast.comparison.trials.trials` gives them."""
    tuned = _tuned(trials)
    if tuned.empty:
        return []
    chosen = translate(
        "In each fold every strength was trained, and the one with the lowest negative log-likelihood on the "
        "validation part is the trial there; the test part had no say. So a cell may have another strength in each "
        "fold, and how well a strength can be chosen is part of its result and of its noise."
    )
    optimism = translate(
        "The best of several validation figures is partly luck, in which the test part has no share: how much further "
        "validation and test lie apart than for the control, where nothing was chosen, is the optimism of the choice. "
        "What this report compares are test figures alone. Means over folds and seeds."
    )
    return [
        Section(translate("Strengths chosen by validation"), chosen, [_strengths(tuned)]),
        Section(translate("How optimistic the choice was"), optimism, [_optimism(trials)]),
    ]


def _strengths(tuned: pd.DataFrame) -> Table:
    """A row a cell, a column a fold."""
    folds = sorted(set(tuned[["split_seed", "fold"]].itertuples(index=False, name=None)))
    several = len({split for split, _ in folds}) > 1
    heads = [
        Cell(translate("fold {numbers}", numbers=fold), translate("split {split}", split=split) if several else "")
        for split, fold in folds
    ]
    lines: list[list[str | Cell]] = []
    for name, rows in tuned.groupby("cell", sort=False):
        words = [word.partition("=") for word in rows["chosen"].iloc[0].split()]
        keys = zip(rows["split_seed"], rows["fold"], strict=True)
        values = dict(zip(keys, map(_values, rows["chosen"]), strict=True))  # the seeds of a fold have the same
        counts = Counter(values.values()).most_common()
        often = ", ".join(f"{value} ({many}×)" for value, many in counts)
        named = Cell(str(name), " / ".join(strength for strength, _, _ in words))
        lines.append([named, *(values.get(fold, "–") for fold in folds), often])
    return Table([translate("trial"), *heads, translate("how often")], lines, row_heads=True)


def _values(chosen: str) -> str:
    """``zoom=0.2 shift=0.08`` → ``0.2 / 0.08``."""
    return " / ".join(word.partition("=")[2] for word in chosen.split())


def _optimism(trials: pd.DataFrame) -> Table:
    """A row a cell: means of validation and test figures, each context's control first."""
    parts = [translate("validation"), translate("test"), translate("test − validation")]
    heads = [Cell(part, translate(label)) for _, label, *_ in MEASURES for part in parts]
    lines = [list(_line(context, cell)) for context in contexts(trials) for cell in _shown(context)]
    return Table([translate("trial"), *heads], lines, row_heads=True)


def _shown(context: Context) -> list[str]:
    tuned = set(_tuned(context.trials)["cell"])
    return [cell for cell in context.cells if cell in {context.control, *tuned}] if tuned else []


def _line(context: Context, cell: str) -> Iterator[Cell]:
    rows = context.rows(cell)
    yield Cell(cell, look="baseline" if cell == context.control else "")
    for name, _, places, scale in MEASURES:
        validation, test = (float(rows[f"{part}/{name}"].mean()) for part in ("validation", "test"))
        for value, sign in ((validation, False), (test, False), (test - validation, True)):
            yield Cell(number(value, places, scale, sign), value=value)
