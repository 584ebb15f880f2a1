"""The comparison's table as text: a line a cell of the study, a number and its interval in each field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from overcast.comparison.markdown import table as markdown_table
from overcast.comparison.wording import cell, interval, number, places, verdict_name
from overcast.core.words import translate
from overcast.html.page import Cell
from overcast.statistics.verdicts import Verdict
from overcast.study.outcomes import PRIMARY, Families, Outcome

SIGNS = {1: "▲ ", -1: "▼ ", 0: ""}
"""Before a verdict, so that it does not hang on colour alone."""


def heads(judged: Families) -> list[Cell]:
    """The columns: the name and its unit or a word of explanation."""
    columns = [Cell(translate("trial"))]
    for outcome in judged.judged:
        columns += [_head(outcome), Cell(translate("change"), outcome.unit), Cell(translate("verdict"))]
    return [*columns, *map(_head, judged.described), Cell(translate("train time"), translate("× baseline"))]


def _head(outcome: Outcome) -> Cell:
    return Cell(outcome.label, "%" if outcome.percent else "")


def lines(table: pd.DataFrame, judged: Families, predictors: pd.DataFrame | None = None) -> list[list[Cell]]:
    """One line a row of the table, in its order; below each context what needs no network."""
    several = table["data"].nunique() > 1
    digits = {outcome.column: places(table, outcome) for outcome in (*judged.judged, *judged.described)}
    shown = []
    for context, rows in table.groupby("context", sort=False):
        shown += [_line(row, judged, digits, several) for _, row in rows.iterrows()]
        if predictors is not None and len(predictors):
            some = predictors[predictors["context"] == context]
            shown += [_predictor_line(row, judged) for _, row in some.iterrows()]
    return shown


def markdown(table: pd.DataFrame, judged: Families, predictors: pd.DataFrame | None = None) -> str:
    """The grid as a Markdown table."""
    rows = [heads(judged), [Cell("---")] * len(heads(judged)), *lines(table, judged, predictors)]
    return markdown_table([[f"{field.text} {field.detail}".strip() for field in row] for row in rows])


def summary(table: pd.DataFrame, judged: Families) -> str:
    """Of what is judged the means with their intervals and verdicts, as a Markdown table narrow enough for MLflow."""
    outcomes = [f"{each.title}{', %' if each.percent else ''}" for each in judged.judged]
    rows = [[translate("trial"), *outcomes, f"{translate('train time')}, {translate('× baseline')}"]]
    rows.append(["---"] * len(rows[0]))
    for name, *fields, time in lines(table, replace(judged, described=())):
        each = zip(fields[::3], fields[2::3], strict=True)  # between them are the changes
        told = [f"{mean.text} {mean.detail} {found.text}" for mean, found in each]
        rows.append([name.text, *told, time.text])
    return markdown_table(rows)


def _line(row: pd.Series, judged: Families, digits: Mapping[str, int], several: bool) -> list[Cell]:
    name = cell(row, several)
    fields = [Cell(name, value=name)]
    for outcome in judged.judged:
        fields.append(measured(row, outcome.column, digits[outcome.column], outcome.scale))
        fields.append(measured(row, f"change/{outcome.column}", digits[outcome.column], outcome.scale, sign=True))
        fields.append(_verdict(row, outcome))
    fields += [measured(row, o.column, digits[o.column], o.scale) for o in judged.described]
    fields.append(measured(row, "time", 1, 1.0))
    return [field._replace(look="baseline") for field in fields] if row["is_baseline"] else fields


def measured(row: pd.Series, column: str, digits: int, scale: float, sign: bool = False) -> Cell:
    """A column's value and, if it is known, its interval."""
    value = row.get(column, np.nan)
    known = np.isfinite(row.get(f"{column}/low", np.nan))
    return Cell(number(value, digits, scale, sign), interval(row, column, digits, scale) if known else "", value)


def _verdict(row: pd.Series, outcome: Outcome) -> Cell:
    if row["is_baseline"]:
        return Cell(translate("baseline"))
    if row["pairs"] < 2:
        return Cell("–", translate("needs at least 2 repeats"))
    found = Verdict(row[f"verdict/{outcome.column}"])
    return verdict_field(found, outcome)._replace(detail=_more_seeds(row, outcome, found))


def verdict_field(found: Verdict, outcome: Outcome) -> Cell:
    """A verdict with its sign, in its colour."""
    look = {1: "better", -1: "worse", 0: ""}[found.direction]
    return Cell(f"{SIGNS[found.direction]}{verdict_name(found, outcome)}", look=look)


def _more_seeds(row: pd.Series, outcome: Outcome, found: Verdict) -> str:
    if found is not Verdict.UNDECIDED:
        return ""
    seeds = row[f"seeds/{outcome.column}"]
    if not np.isfinite(seeds):
        return translate("more seeds will not do")
    if row["single_fold"]:
        text = "{seeds} seeds would do"
    else:
        text = "{seeds} seeds a fold would do" if seeds > 1 else "{seeds} seed a fold would do"
    return translate(text, seeds=int(seeds))


def _predictor_line(row: pd.Series, judged: Families) -> list[Cell]:
    """What needs no network has an accuracy alone; the verdict is on the control against it."""
    name = translate("{predictor} (no network)", predictor=translate(row["predictor"]))
    fields = [Cell(name, value=name)]
    for outcome in judged.judged:
        if outcome == PRIMARY or outcome.column == PRIMARY.column:
            found = Verdict(row["verdict"])
            size = number(row["change"], 1, 100.0, sign=True)
            better = translate("{control} is {verdict}", control=row["control"], verdict=translate(found.value))
            fields.append(Cell(number(row[PRIMARY.column]), value=row[PRIMARY.column]))
            fields += [Cell("–"), Cell(better, translate("{size} points", size=size))]
        else:
            fields += [Cell("–")] * 3
    described = [
        Cell(number(row[PRIMARY.column]), value=row[PRIMARY.column]) if o.column == PRIMARY.column else Cell("–")
        for o in judged.described
    ]
    return [*fields, *described, Cell("–")]
