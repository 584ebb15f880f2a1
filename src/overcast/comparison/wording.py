"""A comparison in plain words: numbers as people read them, and a sentence a comparison.

Nothing here says "no effect": a study can show a difference, show that it lies inside a margin, or leave it undecided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from overcast.core.words import translatable, translate
from overcast.statistics.verdicts import Verdict
from overcast.study.outcomes import PRIMARY, Families, Outcome, families

OVERFITTING = {
    Verdict.BETTER: translatable("less overfitting"),
    Verdict.SLIGHTLY_BETTER: translatable("slightly less overfitting"),
    Verdict.EQUIVALENT: Verdict.EQUIVALENT.value,
    Verdict.SLIGHTLY_WORSE: translatable("slightly more overfitting"),
    Verdict.WORSE: translatable("more overfitting"),
    Verdict.UNDECIDED: Verdict.UNDECIDED.value,
    Verdict.NOT_JUDGED: Verdict.NOT_JUDGED.value,
}
"""What a verdict on the gap is called."""


def number(value: float, places: int = 1, scale: float = 100.0, sign: bool = False) -> str:
    """``0.0412`` → ``4.1``, with a true minus; a dash for what is unknown."""
    if not np.isfinite(value):
        return "–"
    text = f"{scale * value:{'+' if sign else ''}.{places}f}"
    return (text.lstrip("+-") if float(text) == 0 else text).replace("-", "−")


def places(table: pd.DataFrame, outcome: Outcome = PRIMARY) -> int:
    """Decimals: of percentages one, or two where intervals are narrower than half a point; of others two or three."""
    no_changes = table["pairs"].max() <= 1 and outcome.column in table
    column = outcome.column if no_changes else f"change/{outcome.column}"
    width = (table[f"{column}/high"] - table[f"{column}/low"]).median()
    if outcome.percent:
        return 2 if width < 0.005 else 1
    return 3 if width < 0.05 else 2


def cell(row: pd.Series, several_data: bool = False) -> str:
    """What the row is about; the data set's name only where there are several."""
    name = str(row["cell"])
    return name if not several_data or row["data"] in name.split(" · ") else f"{row['data']} · {name}"


def interval(row: pd.Series, column: str, digits: int, scale: float = 100.0) -> str:
    low, high = (number(row[f"{column}/{end}"], digits, scale) for end in ("low", "high"))
    return f"[{low}, {high}]"


def change(row: pd.Series, outcome: Outcome, digits: int) -> str:
    """``+4.1 points [2.9, 5.2]``, or ``−0.133 [−0.21, −0.05]``."""
    column = f"change/{outcome.column}"
    told = size(row[column], outcome, digits, sign=True)
    known = np.isfinite(row[f"{column}/low"])
    return f"{told} {interval(row, column, digits, outcome.scale)}" if known else told


def size(difference: float, outcome: Outcome, digits: int, sign: bool = False) -> str:
    """``4.1 points``, or ``0.133`` of what is no share."""
    told = number(difference, digits, outcome.scale, sign)
    return translate("{size} points", size=told) if outcome.percent else told


def judgement(row: pd.Series, outcome: Outcome) -> str:
    """The verdict on one comparison in one outcome, without its numbers."""
    found = Verdict(row[f"verdict/{outcome.column}"])
    named = verdict_name(found, outcome)
    return f"{named}{_flattered(row, outcome)}" if found is Verdict.NOT_JUDGED else named


def verdict_name(found: Verdict, outcome: Outcome) -> str:
    """What a verdict is called in this outcome."""
    return translate(OVERFITTING[found] if outcome.column.startswith("gap/") else found.value)


def _flattered(row: pd.Series, outcome: Outcome) -> str:
    if not row.get("flattered"):
        return ""
    favourable = (row[f"change/{outcome.column}"] > 0) == outcome.larger_is_better
    if favourable:
        text = ": {number} of its {planned} trials diverged, and those that are left flatter it"
        return translate(text, number=row["diverged"], planned=row["planned"])
    text = ": {number} of the {planned} trials that it is compared with diverged, and those that are left flatter them"
    return translate(text, number=row["baseline_diverged"], planned=row["planned"])


def sentence(row: pd.Series, judged: Families, digits: Mapping[str, int], several_data: bool = False) -> str:
    """``augmentation: gap −0.40 [−0.49, −0.30], less overfitting; accuracy +0.4 points [−1.2, 2.0], equivalent``."""
    name = cell(row, several_data)
    if row["pairs"] < 2:
        return translate("{cell}: needs at least 2 repeats, has {number}", cell=name, number=row["pairs"])
    if not row["against"] == "none" != row["mitigation"]:
        name = translate("{cell} against {baseline}", cell=name, baseline=row["baseline"])
    parts = [
        f"{outcome.label} {change(row, outcome, digits[outcome.column])}, {judgement(row, outcome)}"
        for outcome in judged.judged
    ]
    if np.isfinite(row["time"]):
        parts.append(translate("{factor}× the time", factor=number(row["time"], 1, 1)))
    return f"{name}: {'; '.join(parts)}"


def cell_sentences(table: pd.DataFrame, judged: Families | None = None) -> list[str]:
    """A sentence for each comparison, in the table's order."""
    judged = judged or families()
    several, digits = table["data"].nunique() > 1, {o.column: places(table, o) for o in judged.judged}
    return [sentence(row, judged, digits, several) for _, row in table.iterrows() if not row["is_baseline"]]


def predictors(table: pd.DataFrame) -> list[str]:
    """A sentence for each of what needs no network, of `predictor_table`."""
    several = table["context"].nunique() > 1 if len(table) else False
    sentences = []
    for _, row in table.iterrows():
        name = translate(row["predictor"]) + (f" ({row['context']})" if several else "")
        limits = f" {interval(row, 'change', 1)}" if np.isfinite(row["change/low"]) else ""
        change = translate("{size} points", size=number(row["change"], sign=True)) + limits
        text = "{predictor}: {accuracy} %; against it {control} is {verdict} ({change})"
        values = {"accuracy": number(row[PRIMARY.column]), "control": row["control"], "change": change}
        sentences.append(translate(text, predictor=name, verdict=translate(row["verdict"]), **values))
    return sentences


def judged_names(judged: Families) -> str:
    """``gap in negative log-likelihood; test negative log-likelihood and test accuracy``, a family each."""
    return "; ".join(listed([outcome.label for outcome in family]) for family in (judged.overfitting, judged.better))


def seeds_alone(judged: Families) -> list[str]:
    """Of a study on a fixed test part, a sentence on the outcomes whose intervals do not speak of its samples."""
    others = [outcome.label for outcome in judged.judged if not outcome.by_sample]
    text = "Intervals in {outcomes}, of which no sample's own part is kept, speak of other seeds alone."
    return [translate(text, outcomes=listed(others))] if others else []


def margins(judged: Families) -> str:
    """``0.1 in gap in …, 3 points in test accuracy``."""
    return listed(
        [
            translate(
                "{margin} points in {outcome}" if outcome.percent else "{margin} in {outcome}",
                margin=f"{outcome.scale * outcome.margin:g}",
                outcome=outcome.label,
            )
            for outcome in judged.judged
        ]
    )


def capitalised(line: str) -> str:
    return f"{line[:1].upper()}{line[1:]}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """``a, b and c``; of more than ``most`` the number of the others."""
    if len(names) == 1:
        return names[0]
    if len(names) > most:
        return translate("{names} and {number} more", names=", ".join(names[:most]), number=len(names) - most)
    return translate("{names} and {last}", names=", ".join(names[:-1]), last=names[-1])
