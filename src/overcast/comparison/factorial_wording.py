"""A factorial study in plain words; the command that confirms a recipe which was not among its runs."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from overcast.comparison.factorial_design import MEASURES, PRIMARY, Confirmation, Design
from overcast.comparison.wording import number


def headline(design: Design, effects: pd.DataFrame) -> str:
    """How many help on top of the others, hurt, or are undecided, in test accuracy."""
    main = effects[(effects["outcome"] == PRIMARY.column) & (effects["kind"] == "main")]
    main = main.sort_values("mean", ascending=False)
    helping, hurting = main[main["clear"] & (main["mean"] > 0)], main[main["clear"] & (main["mean"] < 0)].iloc[::-1]
    parts = []
    for some, verb in ((helping, "help"), (hurting, "hurt")):
        sizes = [number(mean, sign=True) for mean in some["mean"]]
        names = [f"{name} ({size})" for name, size in zip(some["effect"], sizes, strict=True)]
        parts += [f"{len(names)} {verb}: {', '.join(names)}"] if names else []
    unclear = len(main) - len(helping) - len(hurting)
    parts += [f"{unclear} undecided"] if unclear else []
    cells, factors = design.levels.shape
    return (
        f"Of {factors} mitigations in {cells} combinations, each on top of the others (a mean over the rest, not "
        f"against none): {'; '.join(parts)}."
    )


def sentences(design: Design, effects: pd.DataFrame) -> list[str]:
    """What each adds on top of the others and which pairs go together, and what is missing."""
    of = {column: rows.set_index("effect") for column, rows in effects.groupby("outcome")}
    primary = of[PRIMARY.column]
    order = primary[primary["kind"] == "main"].sort_values("mean", ascending=False)
    lines = []
    for name, row in order.iterrows():
        texts = [(m, of[m.column].loc[name]) for m in MEASURES]
        parts = [f"{'' if m is PRIMARY else f'{m.label} '}{m.text(r['mean'], r['low'], r['high'])}" for m, r in texts]
        verdict = ("helps" if row["mean"] > 0 else "hurts") if row["clear"] else "undecided"
        lines.append(f"{name}, on top of the others: {', '.join(parts)}: {verdict}")
    together = primary[primary["kind"] == "pair"]
    for _, row in together[together["clear"]].sort_values("mean", ascending=False).iterrows():
        less, verb = ("more", "help each other") if row["mean"] > 0 else ("less", "fight each other")
        text = PRIMARY.text(row["mean"], row["low"], row["high"])
        both = f"{row['first']} and {row['second']}"
        lines.append(f"{both} {verb}: {text}; where one is on, the other adds so much {less} than on average")
    if len(design.blocks) < 2:
        lines.append("One fold alone says nothing of the error: no interval, and nothing is decided")
    elif not together["clear"].any():
        widest = number(float((together["high"] - together["low"]).max()) / 2)
        lines.append(
            f"No pair is known to help or fight each other; each of {len(together)} is known to ±{widest} points"
        )
    return [*lines, *incomplete_sentences(design)]


def incomplete_sentences(design: Design) -> list[str]:
    """Which folds count in no effect, and why."""
    said = "; ".join(f"{block} lacks {cell}" for block, cell in design.incomplete.items())
    return [f"Folds left out, since not every combination has finished in them: {said}"] if said else []


def recipe_sentences(design: Design, confirmation: Confirmation | None, command: str = "") -> list[str]:
    """The recipe, how it was chosen, and whether other folds confirm it; the command that runs what was predicted."""
    if confirmation is None:
        return ["Too few folds to choose a recipe by some and to confirm it on others: that takes three or more"]
    c = confirmation
    chosen, tested = folds(c.choosing), folds(c.confirming)
    how_chosen = f"chosen by the validation parts of {chosen}, tested on the test parts of {tested}"
    level = number(c.accuracy.mean[0])
    ends = [number(float(np.clip(end[0], 0, 1))) for end in (c.accuracy.low, c.accuracy.high)]
    shown = f"{level} % [{', '.join(ends)}]" if np.isfinite(c.accuracy.margin[0]) else f"{level} %"
    how = "measured" if c.measured[0] else "predicted"
    lines = [f"Best recipe: {c.names[0]}, {how_chosen}: {how} test accuracy {shown}"]
    for at, (name, sure) in enumerate(zip(c.against, c.measured[1:], strict=True)):
        text = PRIMARY.text(c.gain.mean[at], c.gain.low[at], c.gain.high[at])
        verdict = ("better" if c.gain.mean[at] > 0 else "worse") if c.gain.excludes_zero[at] else "undecided"
        rival = "none" if name == "none" else f"all of them{'' if sure else ' (predicted)'}"
        lines.append(f"The recipe against {rival}: {text}: {verdict}")
    if not np.isfinite(c.accuracy.margin).all():
        lines.append("One fold alone confirms nothing: run the study on more folds")
    if not all(c.measured):
        unmeasured = [name for name, sure in zip(c.names, c.measured, strict=True) if not sure]
        lines.append(f"Not run but predicted: {' and '.join(unmeasured)}. To run: {confirmation_command(c, command)}")
    return lines


def confirmation_command(confirmation: Confirmation, command: str = "") -> str:
    """The command of a study of the recipe, none and all of them on the folds that the choice has not used.

    command: that of the factorial study, whose other words are kept.
    """
    changed = r"\s+\+*(study\.mitigations=\[[^]]*\]|study\.(design|folds)=\S+|hydra\.sweeper\.repeats=\[[^]]*\])"
    kept = re.sub(changed, "", command or "python pipelines/train.py +study=factorial")
    recipes = ",".join(name for name in confirmation.names if name != "none")
    repeats = ",".join(f"'split.fold={fold} seed={fold}'" for fold in confirmation.confirming)
    return (
        f'{kept} study.design=one_at_a_time "study.mitigations=[{recipes}]" study.folds=null '
        f'"hydra.sweeper.repeats=[{repeats}]"'
    )


def folds(numbers: Sequence[object]) -> str:
    """``fold 3``, or ``folds 3, 4``."""
    return f"fold{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
