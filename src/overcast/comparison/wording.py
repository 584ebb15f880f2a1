"""A comparison in plain words: numbers as people read them, a sentence a comparison, and the study's verdict.

Nothing here says "no effect": a study can show a difference, or say which size of difference it could not see.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from overcast.comparison import PRIMARY

NOTED = ("failed", "missing", "diverged", "left_out")
"""What of a study's info stands in the notes."""

CHANGE = f"change/{PRIMARY.column}"


def number(value: float, places: int = 1, scale: float = 100.0, sign: bool = False) -> str:
    """``0.0412`` → ``4.1``, with a true minus; a dash for what is unknown."""
    if not np.isfinite(value):
        return "–"
    text = f"{scale * value:{'+' if sign else ''}.{places}f}"
    return (text.lstrip("+-") if float(text) == 0 else text).replace("-", "−")


def places(table: pd.DataFrame) -> int:
    """Decimals for percentages: one, or two where the intervals are narrower than half a point."""
    column = CHANGE if table["pairs"].max() > 1 else PRIMARY.column
    width = (table[f"{column}/high"] - table[f"{column}/low"]).median()
    return 2 if width < 0.005 else 1


def cell(row: pd.Series, several_data: bool = False) -> str:
    """What the row is about; the data set's name only where there are several."""
    name = str(row["cell"])
    return name if not several_data or row["data"] in name.split(" · ") else f"{row['data']} · {name}"


def interval(row: pd.Series, column: str, digits: int, scale: float = 100.0) -> str:
    low, high = (number(row[f"{column}/{end}"], digits, scale) for end in ("low", "high"))
    return f"[{low}, {high}]"


def judgement(row: pd.Series, digits: int = 1) -> str:
    """The verdict on one comparison, without its numbers."""
    if row["pairs"] < 2:
        return f"needs at least 2 repeats, has {row['pairs']}"
    if row["clear"]:
        return "clear" if row[CHANGE] > 0 else "clear, for the worse"
    if row.get("flattered"):
        whose, key = ("its", "diverged") if row[CHANGE] > 0 else ("the baseline's", "baseline_diverged")
        return f"not judged: {row[key]} of {whose} {row['planned']} trials diverged, and those that are left flatter it"
    if row["detectable"] == 0:
        return f"not clear: the same {PRIMARY.label} in all {row['pairs']} repeats"
    if row["detectable"] > 1:
        return f"not clear: {row['pairs']} repeats are too few to show any difference"
    size = number(row["detectable"], digits)
    return f"not clear at this size: differences under {size} points would not show in {row['pairs']} repeats"


def sentence(row: pd.Series, digits: int = 1, several_data: bool = False) -> str:
    """``augmentation: +4.1 points [2.9, 5.2], gap −7.3, 1.2× the time: clear``."""
    name = cell(row, several_data)
    if row["pairs"] < 2:
        return f"{name}: {judgement(row)}"
    against = "" if row["against"] == "none" != row["mitigation"] else f" against {row['baseline']}"
    parts = [f"{number(row[CHANGE], digits, sign=True)} points {interval(row, CHANGE, digits)}{against}"]
    if np.isfinite(row["change/gap/accuracy"]):
        parts.append(f"gap {number(row['change/gap/accuracy'], digits, sign=True)}")
    if np.isfinite(row["time"]):
        parts.append(f"{number(row['time'], 1, 1)}× the time")
    return f"{name}: {', '.join(parts)}: {judgement(row, digits)}"


def verdicts(table: pd.DataFrame) -> list[str]:
    """A sentence for each comparison, in the table's order."""
    several, digits = table["data"].nunique() > 1, places(table)
    return [sentence(row, digits, several) for _, row in table.iterrows() if not row["is_baseline"]]


def headline(table: pd.DataFrame) -> str:
    """The study's verdict in two or three sentences: what is clear, what is not, what came out highest."""
    several, digits = table["data"].nunique() > 1, places(table)
    compared = table[table["pairs"] >= 2]
    clear = compared[compared["clear"]].sort_values(CHANGE, ascending=False)
    up, down = clear[clear[CHANGE] > 0], clear[clear[CHANGE] < 0].iloc[::-1]
    parts = []
    for some, verb in ((up, "clearly better"), (down, "clearly worse")):
        names = [f"{cell(r, several)} ({number(r[CHANGE], digits, sign=True)})" for _, r in some.iterrows()]
        parts += [f"{len(names)} {verb}: {_listed(names)}"] if names else []
    undecided = [cell(row, several) for _, row in compared[compared["flattered"]].iterrows()]
    parts += [f"{len(undecided)} not judged, since trials diverged: {_listed(undecided)}"] if undecided else []
    unclear = len(compared) - len(clear) - len(undecided)
    parts += [f"{unclear} not clear at this size"] if unclear else []
    opening = f"Of {len(compared)} compared with {_baselines(table)}, " if len(compared) else ""
    return f"{opening}{'; '.join(parts) or 'Nothing could be compared: that needs at least 2 repeats'}. {_best(table)}"


def notes(table: pd.DataFrame, info: Mapping[str, Any]) -> list[str]:
    """What a reader should know about this study before believing it.

    Of the info, ``failed`` names trials that failed, ``missing`` finished ones of which neither folder nor artifacts
    are where they were recorded; ``diverged`` and ``left_out`` tell of cells.
    """
    failed, lost = (list(info.get(key, ())) for key in ("failed", "missing"))
    several = table["data"].nunique() > 1
    missing = int((table["planned"] - table["repeats"]).sum())
    sentences = [f"Failed: {_listed(failed)}."] if failed else []
    sentences += [f"{line}: never called better." for line in info.get("diverged", ())]
    sentences += [f"Left out: {line}." for line in info.get("left_out", ())]
    sentences += [f"{missing} of {int(table['planned'].sum())} trials are missing."] if missing else []
    sentences += [f"Not found: {len(lost)} of this study's finished runs ({_listed(lost)})."] if lost else []
    for _, row in table[table["repeats"] < table["planned"]].iterrows():
        sentences.append(f"{cell(row, several)}: {row['repeats']} of {row['planned']} repeats finished.")
    odd = table[(table["against"] != "none") | (table["mitigation"] == "none")]
    odd = odd[~odd["is_baseline"]]
    sentences += [f"{base} is what the others are compared with." for base in odd["baseline"].unique()]
    return sentences


def overlap(table: pd.DataFrame) -> str:
    """The ρ of the comparisons: ``1/9``, or ``1/9 to 1/4`` where the data was split in several ways."""
    ends = [_fraction(float(end)) for end in (table["rho"].min(), table["rho"].max()) if np.isfinite(end)]
    return " to ".join(dict.fromkeys(ends)) or "–"


def _fraction(value: float) -> str:
    whole = round(1 / value)
    return f"1/{whole}" if np.isclose(value, 1 / whole) else f"{value:.2f}"


def description_md(table: pd.DataFrame, info: Mapping[str, Any], claim: str = "", verdict: str = "") -> str:
    """For MLflow's description, which folds early: the verdict first (of the claim, if any), then every comparison."""
    measured = verdict or headline(table)
    lines = [f"**Claim:** {claim}\n", f"**Measured:** {measured}\n"] if claim else [f"{measured}\n"]
    lines += [f"- {line}" for line in [*verdicts(table), *notes(table, info)]]
    return "\n".join([*lines, "", f"Primary outcome: {PRIMARY.label}. `{info.get('command', '')}`", ""])


def _baselines(table: pd.DataFrame) -> str:
    """The one cell that everything is compared with or, where each context has its own, what they are called."""
    cells, mitigations = (list(dict.fromkeys(table[column])) for column in ("baseline", "against"))
    return _listed(cells if len(cells) == 1 else mitigations)


def _best(table: pd.DataFrame) -> str:
    whole = table[table["diverged"] == 0]
    row, digits = table.loc[(whole if len(whole) else table)[PRIMARY.column].idxmax()], places(table)
    limits = interval(row, PRIMARY.column, digits) if np.isfinite(row[f"{PRIMARY.column}/low"]) else ""
    name = cell(row, table["data"].nunique() > 1)
    return f"Highest mean {PRIMARY.label}: {name}, {number(row[PRIMARY.column], digits)} % {limits}".rstrip() + "."


def _listed(names: list[str], most: int = 5) -> str:
    shown = names[:most] + ([f"{len(names) - most} more"] if len(names) > most else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
