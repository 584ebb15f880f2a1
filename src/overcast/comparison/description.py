"""A study in one text: its verdict, its comparisons and its notes, for ``table.md`` and MLflow's description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from overcast.comparison.headline import headline
from overcast.comparison.markdown import code, escaped
from overcast.comparison.notes import study_notes
from overcast.comparison.wording import cell_sentences, judged_names
from overcast.core.words import translate
from overcast.study.outcomes import families


def description_md(
    table: pd.DataFrame,
    info: Mapping[str, Any],
    claim: str = "",
    verdict: str = "",
    sentences: Sequence[str] | None = None,
    summary: str = "",
) -> str:
    """For MLflow's description, which folds early: the verdict first (of the claim, if any), then every comparison.

    sentences: what is told instead of these. summary: a table that tells them, at the end.
    """
    judged = info.get("families") or families()
    measured = "\n".join(map(escaped, (verdict or headline(table, judged)).split("\n")))
    lines = (
        [
            translate("**Claim:** {claim}", claim=escaped(claim)) + "\n",
            translate("**Measured:** {verdict}", verdict=measured) + "\n",
        ]
        if claim
        else [f"{measured}\n"]
    )
    own = [] if summary else cell_sentences(table, judged)
    told = own if sentences is None else sentences
    lines += [f"- {escaped(line)}" for line in [*told, *study_notes(table, info, sentences is None)]]
    foot = translate("Judged: {outcomes}.", outcomes=judged_names(judged))
    command = code(str(info.get("command", "")))
    return "\n".join([*lines, "", f"{foot} {command}", *(["", summary] if summary else [""])])
