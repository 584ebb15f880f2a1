"""What a study wrote down before its first trial, and what of it was changed afterwards."""

from __future__ import annotations

import json
from typing import Any

from overcast.comparison import wording
from overcast.core.words import translate
from overcast.study.lookup import DESIGN
from overcast.study.outcomes import families
from overcast.tracking.store import RunInfo


def read_plan(parent: RunInfo) -> dict[str, Any]:
    """The ``families`` of outcomes that the study judges, how many ``runs`` it has when it is whole and how many
    ``repeats`` each cell (0: not recorded), its ``looks``, if any, in folds; ``post_hoc``: notes on what was changed
    after the first trial, ``remarks``: on how epochs were chosen.
    """
    tags, judged = parent.tags, json.loads(parent.tags.get("judged", "{}"))
    plan: dict[str, Any] = {"families": families(**judged), "post_hoc": _changes(parent), "remarks": []}
    plan |= {name: int(tags.get(name, 0)) for name in ("runs", "repeats")}
    if looks := tags.get("looks"):
        plan["looks"] = [int(folds) for folds in looks.split()]
    if tags.get("equal") == "compute":
        text = (
            "Equal computing: each cell has as many epochs as take the baseline's training time, by short trainings "
            "that were timed before the first trial."
        )
        plan["remarks"].append(translate(text))
    return plan


def _changes(parent: RunInfo) -> list[str]:
    """What was changed after the first trial, a sentence each."""
    tags, notes = parent.tags, list[str]()
    if extended := tags.get("extended"):
        text = (
            "Exploratory: this study was extended after a report on {runs} of its runs. Its error rates hold for what "
            "was planned before looking."
        )
        notes.append(translate(text, runs=extended))
    if any(tags.get(f"planned_{name}", tags.get(name, "")) != tags.get(name, "") for name in DESIGN):
        notes.append(_design_change(*(tags.get(f"planned_{name}", "") for name in DESIGN)))
    judged, planned = (json.loads(tags.get(name, "{}")) for name in ("judged", "planned"))
    if judged != planned:
        before = families(**planned)
        text = (
            "Post hoc: outcomes or margins were changed after the first trial. Planned were {outcomes}, with margins "
            "of {margins}."
        )
        notes.append(translate(text, outcomes=wording.judged_names(before), margins=wording.margins(before)))
    return notes


def _design_change(design: str, equal: str, lengths: str, looks: str) -> str:
    when = (
        translate("looks after {folds} folds", folds=", ".join(looks.split()))
        if looks
        else translate("one look at the end")
    )
    same = f"{translate('compute' if equal == 'compute' else 'epochs')}{f' ({lengths})' if lengths else ''}"
    text = (
        "Post hoc: the design was changed after the first trial. Planned was {design} at equal {equal}, with {looks}."
    )
    return translate(text, design=design, equal=same, looks=when)
