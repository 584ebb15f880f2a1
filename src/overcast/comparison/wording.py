"""A comparison in plain words: numbers as people read them, a sentence a comparison, and the study's verdict.

Nothing here says "no effect": a study can show a difference, show that it lies inside a margin, or leave it undecided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from overcast.core.words import translatable, translate
from overcast.statistics.verdicts import Verdict
from overcast.study.outcomes import PRIMARY, Families, Outcome, families

NOTED = ("failed", "missing", "diverged", "left_out", "families", "post_hoc", "looks", "looked", "remarks", "tuned")
"""What of a study's info stands in the notes, or is no fact of its own."""

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

COUNTED = {
    ("overfitting", 1): (
        translatable("not one reduces overfitting"),
        translatable("1 reduces overfitting"),
        translatable("{number} reduce overfitting"),
    ),
    ("overfitting", -1): ("", translatable("1 increases it"), translatable("{number} increase it")),
    ("better", 1): (
        translatable("not one makes the model better"),
        translatable("1 makes the model better"),
        translatable("{number} make the model better"),
    ),
    ("better", -1): ("", translatable("1 makes it worse"), translatable("{number} make it worse")),
}
"""Of a family and a direction: what none, one and several of its comparisons do."""


def number(value: float, places: int = 1, scale: float = 100.0, sign: bool = False) -> str:
    """``0.0412`` → ``4.1``, with a true minus; a dash for what is unknown."""
    if not np.isfinite(value):
        return "–"
    text = f"{scale * value:{'+' if sign else ''}.{places}f}"
    return (text.lstrip("+-") if float(text) == 0 else text).replace("-", "−")


def places(table: pd.DataFrame, outcome: Outcome = PRIMARY) -> int:
    """Decimals: of percentages one, or two where intervals are narrower than half a point; of others two or three."""
    column = f"change/{outcome.column}" if table["pairs"].max() > 1 else outcome.column
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
    size = number(row[column], digits, outcome.scale, sign=True)
    size = translate("{size} points", size=size) if outcome.percent else size
    known = np.isfinite(row[f"{column}/low"])
    return f"{size} {interval(row, column, digits, outcome.scale)}" if known else size


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
    text = ": {number} of the baseline's {planned} trials diverged, and those that are left flatter it"
    return translate(text, number=row["baseline_diverged"], planned=row["planned"])


def undecided(table: pd.DataFrame, judged: Families) -> list[str]:
    """Of each outcome and context what would decide those that are undecided."""
    sentences = []
    for outcome in judged.judged:
        column = f"verdict/{outcome.column}"
        for context, rows in table[table[column] == Verdict.UNDECIDED.value].groupby("context", sort=False):
            seeds = rows[f"seeds/{outcome.column}"].iloc[0]
            where = f" ({context})" if table["context"].nunique() > 1 else ""
            many = translate("Undecided in {outcome}: {number}.", outcome=outcome.label + where, number=len(rows))
            told = (
                translate(
                    "{seeds} seeds a fold would decide them if the truth were zero or the margin.", seeds=int(seeds)
                )
                if np.isfinite(seeds)
                else translate(
                    "No number of seeds will decide them: what the folds have in common is the limit. More data, or a "
                    "wider margin, would."
                )
            )
            sentences.append(f"{many} {told}")
    return sentences


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


def verdicts(table: pd.DataFrame, judged: Families | None = None) -> list[str]:
    """A sentence for each comparison, in the table's order."""
    judged = judged or families()
    several, digits = table["data"].nunique() > 1, {o.column: places(table, o) for o in judged.judged}
    return [sentence(row, judged, digits, several) for _, row in table.iterrows() if not row["is_baseline"]]


def headline(table: pd.DataFrame, judged: Families | None = None) -> str:
    """The study's verdict: what reduces overfitting, what makes the model better, what it costs; a line each."""
    judged = judged or families()
    compared = table[table["pairs"] >= 2]
    if compared.empty:
        return f"{translate('Nothing could be compared: that needs at least 2 repeats.')}\n{_best(table)}"
    first, *others = counted(compared, table, judged)
    text = "Of {number} compared with {baselines}, {found}"
    opening = translate(text, number=len(compared), baselines=_baselines(table), found=first)
    lines = [opening, *map(capitalised, others)]
    return "\n".join([*lines, *(text for text in (cost(compared, table), _best(table)) if text)])


def counted(compared: pd.DataFrame, table: pd.DataFrame, judged: Families) -> list[str]:
    """A line a judged outcome: how many of those compared change it which way, and which."""
    return [
        *(_counted(compared, table, outcome, "overfitting") for outcome in judged.overfitting),
        *(_counted(compared, table, outcome, "better") for outcome in judged.better),
    ]


def capitalised(line: str) -> str:
    return f"{line[:1].upper()}{line[1:]}"


def _counted(compared: pd.DataFrame, table: pd.DataFrame, outcome: Outcome, family: str) -> str:
    """``3 reduce overfitting (gap in …): a (−0.40), b and c; 1 increases it: d; 2 are equivalent, 11 undecided.``"""
    several, digits = table["data"].nunique() > 1, places(table, outcome)
    column = f"change/{outcome.column}"
    found = compared[f"verdict/{outcome.column}"]
    direction = found.map(lambda each: Verdict(each).direction)
    ordered = compared.sort_values(column, ascending=not outcome.larger_is_better, kind="stable")
    parts = []
    for sign in (1, -1):
        some = ordered[direction.loc[ordered.index] == sign]
        some = some if sign > 0 else some.iloc[::-1]
        names = [
            f"{cell(row, several)} ({number(row[column], digits, outcome.scale, sign=True)})"
            for _, row in some.iterrows()
        ]
        if sign > 0 or names:
            label = f" ({outcome.label})" if sign > 0 else ""
            told = translate(COUNTED[family, sign][min(len(names), 2)], number=len(names))
            parts.append(f"{told}{label}{': ' + listed(names) if names else ''}")
    left = (Verdict.EQUIVALENT, Verdict.UNDECIDED, Verdict.NOT_JUDGED)
    counts = {each: int((found == each.value).sum()) for each in left}
    rest = [
        translate("{number} {verdict}", number=many, verdict=translate(each.value))
        for each, many in counts.items()
        if many
    ]
    return "; ".join([*parts, *([", ".join(rest)] if rest else [])]) + "."


def cost(compared: pd.DataFrame, table: pd.DataFrame) -> str:
    times = compared[np.isfinite(compared["time"])]
    if times.empty:
        return ""
    several = table["data"].nunique() > 1
    dear = times[times["time"] >= 1.5].sort_values("time", ascending=False)
    names = [f"{cell(row, several)} ({number(row['time'], 1, 1)}×)" for _, row in dear.iterrows()]
    rest = times[times["time"] < 1.5]
    most = number(rest["time"].max(), 1, 1)
    equal = table.groupby("context")["epochs"].nunique().max() == 1
    if not names:
        text = (
            "Each costs at most {most}× the time at equal epochs." if equal else "Each costs at most {most}× the time."
        )
    elif rest.empty:
        text = "Dearest at equal epochs: {cells}." if equal else "Dearest: {cells}."
    elif equal:
        text = "Dearest at equal epochs: {cells}; the others cost at most {most}× the time."
    else:
        text = "Dearest: {cells}; the others cost at most {most}× the time."
    return translate(text, cells=listed(names) if names else "", most=most)


def notes(table: pd.DataFrame, info: Mapping[str, Any], cells: bool = True) -> list[str]:
    """What a reader should know about this study before believing it.

    cells: also what is known of its cells one by one, which a study that tells of their means does not.

    Of the info, ``failed`` names trials that failed, ``missing`` finished ones of which neither folder nor artifacts
    are where they were recorded; ``diverged`` and ``left_out`` tell of cells; ``post_hoc`` of what was changed after
    the first trial; ``looked`` of what the looks stopped, ``remarks`` of its epochs and splits, ``tuned`` of strengths
    that were chosen.
    """
    failed, lost = (list(info.get(key, ())) for key in ("failed", "missing"))
    several = table["data"].nunique() > 1
    missing = int((table["planned"] - table["repeats"]).sum()) if "stopped" not in table else 0
    judged = info.get("families") or families()
    sentences = [str(line) for name in ("post_hoc", "looked", "remarks", "tuned") for line in info.get(name, ())]
    sentences += [translate("Failed: {trials}.", trials=listed(failed))] if failed else []
    sentences += [translate("{diverged}: never called better.", diverged=line) for line in info.get("diverged", ())]
    sentences += [translate("Left out: {cell}.", cell=line) for line in info.get("left_out", ())]
    if missing:
        planned = int(table["planned"].sum())
        sentences.append(translate("{number} of {planned} trials are missing.", number=missing, planned=planned))
    if lost:
        text = "Not found: {number} of this study's finished runs ({runs})."
        sentences.append(translate(text, number=len(lost), runs=listed(lost)))
    for _, row in table[table["repeats"] < table["planned"]].iterrows() if missing and cells else ():
        text, name = "{cell}: {number} of {planned} repeats finished.", cell(row, several)
        sentences.append(translate(text, cell=name, number=row["repeats"], planned=row["planned"]))
    odd = table[(table["against"] != "none") | (table["mitigation"] == "none")]
    odd = odd[~odd["is_baseline"]]
    text = "{cell} is what the others are compared with."
    sentences += [translate(text, cell=base) for base in odd["baseline"].unique()]
    return [*sentences, *(undecided(table, judged) + disagreements(table, judged) if cells else [])]


def disagreements(table: pd.DataFrame, judged: Families) -> list[str]:
    """Where flipping whole folds' signs says something else than the interval: decided by one of them alone."""
    several, sentences = table["data"].nunique() > 1, []
    for outcome in judged.judged:
        found = table[f"verdict/{outcome.column}"].map(lambda each: Verdict(each).direction if each else 0)
        p = table[f"sign_flip/{outcome.column}"]
        known = p.notna() & (table[f"verdict/{outcome.column}"] != Verdict.NOT_JUDGED.value)
        only_flips, only_interval = (
            table[known & (p < 0.05) & (found == 0)],
            table[known & (p >= 0.05) & (found != 0)],
        )
        differing, not_differing = (
            listed([cell(row, several) for _, row in rows.iterrows()]) if len(rows) else ""
            for rows in (only_flips, only_interval)
        )
        if differing and not_differing:
            text = (
                "By flipping the signs of whole folds, which takes folds as independent, {differing} would differ from "
                "zero, and {not_differing} would not, in {outcome}."
            )
        elif differing:
            text = (
                "By flipping the signs of whole folds, which takes folds as independent, {differing} would differ from "
                "zero, in {outcome}."
            )
        elif not_differing:
            text = (
                "By flipping the signs of whole folds, which takes folds as independent, {not_differing} would not "
                "differ from zero, in {outcome}."
            )
        else:
            continue
        values = {"differing": differing, "not_differing": not_differing, "outcome": outcome.label}
        sentences.append(translate(text, **values))
    return sentences


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
    measured = verdict or headline(table, judged)
    lines = (
        [
            translate("**Claim:** {claim}", claim=claim) + "\n",
            translate("**Measured:** {verdict}", verdict=measured) + "\n",
        ]
        if claim
        else [f"{measured}\n"]
    )
    own = [] if summary else verdicts(table, judged)
    told = own if sentences is None else sentences
    lines += [f"- {line}" for line in [*told, *notes(table, info, sentences is None)]]
    foot = translate("Judged: {outcomes}.", outcomes=judged_names(judged))
    return "\n".join([*lines, "", f"{foot} `{info.get('command', '')}`", *(["", summary] if summary else [""])])


def judged_names(judged: Families) -> str:
    """``gap in negative log-likelihood; test negative log-likelihood and test accuracy``, a family each."""
    return "; ".join(listed([outcome.label for outcome in family]) for family in (judged.overfitting, judged.better))


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


def _baselines(table: pd.DataFrame) -> str:
    """The one cell that everything is compared with or, where each context has its own, what they are called."""
    cells, mitigations = (list(dict.fromkeys(table[column])) for column in ("baseline", "against"))
    return listed(cells if len(cells) == 1 else mitigations)


def _best(table: pd.DataFrame) -> str:
    whole = table[table["diverged"] == 0]
    row, digits = table.loc[(whole if len(whole) else table)[PRIMARY.column].idxmax()], places(table)
    limits = f" {interval(row, PRIMARY.column, digits)}" if np.isfinite(row[f"{PRIMARY.column}/low"]) else ""
    name = cell(row, table["data"].nunique() > 1)
    return translate(
        "Highest mean {outcome}: {cell}, {mean}.", outcome=PRIMARY.label, cell=name,
        mean=f"{number(row[PRIMARY.column], digits)} %{limits}",
    )  # fmt: skip


def listed(names: Sequence[str], most: int = 5) -> str:
    """``a, b and c``; of more than ``most`` the number of the others."""
    if len(names) == 1:
        return names[0]
    if len(names) > most:
        return translate("{names} and {number} more", names=", ".join(names[:most]), number=len(names) - most)
    return translate("{names} and {last}", names=", ".join(names[:-1]), last=names[-1])
