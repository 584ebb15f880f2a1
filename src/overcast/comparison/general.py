"""A study over several data sets: what each mitigation changes in general, with the data sets as a random effect.

See `overcast.statistics.random_effects`. A data set counts once, by what one context of the study says of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from overcast.comparison import wording
from overcast.comparison.changes import change_columns, interval_columns, not_flattered
from overcast.comparison.general_figure import general_forest
from overcast.comparison.headline import cost, counted
from overcast.comparison.pairs import Answers, Context, contexts, finished_contexts
from overcast.comparison.table import compare_context
from overcast.comparison.table_view import measured, verdict_field
from overcast.core.words import translatable, translate
from overcast.html.page import Cell, Section, Table
from overcast.statistics.estimates import ALPHA
from overcast.statistics.random_effects import MIN_DATA_SETS, random_effects
from overcast.statistics.verdicts import Verdict
from overcast.study.outcomes import Families, Outcome


@dataclass(frozen=True, eq=False)
class GeneralReport:
    """What a study over several data sets says in general.

    table: as `general_table` gives it. headline: a line an outcome, and what to expect of one more data set. sentences:
    one a mitigation. sections: the same as table and figure, for a page.
    """

    table: pd.DataFrame
    headline: str
    sentences: list[str]
    sections: list[Section]


def general_report(
    trials: pd.DataFrame, table: pd.DataFrame, judged: Families, answers: Answers
) -> GeneralReport | None:
    """The report on trials, diverged ones too, and their `comparison_table`; None if they are not of several data sets.

    answers: to fixed test parts, as for that table.
    """
    effects = data_set_effects(trials, table, judged, answers)
    if effects.empty:
        return None
    general = general_table(effects, judged)
    digits = {outcome.column: wording.places(general, outcome) for outcome in judged.judged}
    sections = [
        Section(translate("In general"), translate(EXPLANATION), [_grid(general, judged, digits)]),
        general_forest(effects, general, judged),
    ]
    return GeneralReport(general, _headline(general, table, judged), _sentences(general, judged, digits), sections)


def data_set_effects(trials: pd.DataFrame, table: pd.DataFrame, judged: Families, answers: Answers) -> pd.DataFrame:
    """A row a mitigation (``cell``), ``data`` and ``outcome``: its ``change`` with ``standard_error``.

    ``low`` and ``high`` are those of the table; ``time`` too. All are NaN where every trial of it or of the baseline
    diverged. ``diverged``, ``baseline_diverged``: how many of the ``planned`` did. Empty unless the study compares
    mitigations on `MIN_DATA_SETS` data sets or more, each with one network in one way.
    """
    groups = {str(context.trials["data"].iloc[0]): context for context in contexts(trials)}
    several_ways = len(groups) < sum(1 for _ in contexts(trials))
    if trials["mitigation"].nunique() < 2 or len(groups) < MIN_DATA_SETS or several_ways:
        return pd.DataFrame()
    finished = {str(each.trials["data"].iloc[0]): each for each in finished_contexts(trials)}
    told, rows = table.set_index(["data", "cell"]), []
    for data, context in groups.items():
        of_data_set = str(context.trials["rest"].iloc[0]).split(" · ")
        gone = context.trials[context.trials["diverged"]].groupby("cell")["repeat"].nunique()
        shared = {"data": data, "baseline_diverged": gone.get(context.control, 0)}
        shared["planned"] = context.trials["repeat"].nunique()
        for outcome in judged.judged:
            errors = _standard_errors(finished.get(data), outcome, answers)
            for cell in context.cells[1:]:
                row, column = told.loc[(data, cell)] if cell in errors else {}, f"change/{outcome.column}"
                names = {"change": column, "low": f"{column}/low", "high": f"{column}/high", "time": "time"}
                own = " · ".join(part for part in cell.split(" · ") if part not in of_data_set)
                known = {name: row.get(place, np.nan) for name, place in names.items()}
                known |= {"standard_error": errors.get(cell, np.nan), "diverged": gone.get(cell, 0)}
                rows.append({"cell": own, "outcome": outcome.column, **shared, **known})
    return pd.DataFrame(rows)


def _standard_errors(context: Context | None, outcome: Outcome, answers: Answers) -> dict[str, float]:
    """Of each cell that finished, if its control did."""
    if context is None or context.control_lost:
        return {}
    return dict(
        zip(context.cells[1:], compare_context(context, outcome.column, answers).standard_error.tolist(), strict=True)
    )


def general_table(effects: pd.DataFrame, judged: Families) -> pd.DataFrame:
    """A row a mitigation, from `data_set_effects`; in the columns of `comparison_table` as far as they are the same.

    ``change/<outcome>``: the mean over data sets, with intervals that hold together within each family;
    ``verdict/<outcome>``: what they say. ``prediction/<outcome>/low``, ``/high``: what one more data set will show,
    with 95 %, each alone. ``between/<outcome>``: τ, the standard deviation of true effects. ``pairs``: on how many data
    sets the change is known with an error. ``time``: geometric mean. ``diverged``, ``baseline_diverged``: of how many
    ``planned`` trials on all data sets. What they flatter on one of them is not judged, but ``flattered``.
    """
    level, rows = _levels(effects, judged), []
    for cell, some in effects.groupby("cell", sort=False):
        of_data_sets = some.drop_duplicates("data")
        row: dict[str, Any] = {"cell": cell, "data": "in general"}
        row["time"] = float(np.exp(np.log(of_data_sets["time"].astype(float)).mean()))
        row |= {name: int(of_data_sets[name].sum()) for name in ("diverged", "baseline_diverged", "planned")}
        known = {outcome: _known(some, outcome) for outcome in judged.judged}
        row["pairs"] = max(map(len, known.values()))
        for outcome, data_sets in known.items():
            row |= _in_general(data_sets, outcome, level[outcome.column])
        rows.append(row)
    return not_flattered(pd.DataFrame(rows), judged)


def _levels(effects: pd.DataFrame, judged: Families) -> dict[str, float]:
    """Of each outcome's column, what each interval of its family may miss with."""
    levels: dict[str, float] = {}
    cells = [some for _, some in effects.groupby("cell")]
    for family in (judged.overfitting, judged.better):
        many = [len(_known(some, outcome)) for some in cells for outcome in family]
        judged_changes = sum(data_sets >= MIN_DATA_SETS for data_sets in many)
        # Bonferroni: each has an error of its own, and all are correlated by way of control and data sets
        level = ALPHA / max(judged_changes, 1)
        levels |= {outcome.column: level for outcome in family}
    return levels


def _known(of_cell: pd.DataFrame, outcome: Outcome) -> pd.DataFrame:
    """The data sets on which a mitigation's change has an error."""
    some = of_cell[of_cell["outcome"] == outcome.column]
    return some[np.isfinite(some["standard_error"].astype(float))]


def _in_general(effects: pd.DataFrame, outcome: Outcome, level: float) -> dict[str, Any]:
    found = random_effects(effects["change"], effects["standard_error"])
    columns = change_columns(outcome, found.interval(level))
    columns |= interval_columns(f"prediction/{outcome.column}", found.prediction())
    return {name: value for name, (value,) in columns.items()} | {
        f"between/{outcome.column}": float(np.sqrt(found.between_variance))
    }


def _headline(general: pd.DataFrame, table: pd.DataFrame, judged: Families) -> str:
    """What helps in general, an outcome a line; what it costs; what is to be expected of one more data set."""
    data, baselines = list(table["data"].unique()), list(table.loc[table["is_baseline"], "mitigation"].unique())
    first, *others = counted(general, general, judged)
    opening = translate(
        "In general, over {number} data sets ({data}), of {compared} compared with {baselines}, {found}",
        number=len(data), data=wording.listed(data, 8), compared=len(general), baselines=wording.listed(baselines),
        found=first,
    )  # fmt: skip
    costs = cost(general, table.assign(data="in general"))  # as in the rows of the other
    lines = [opening, *map(wording.capitalised, others), *([costs] if costs else [])]
    return "\n".join([*lines, _expected(general, judged)])


def _expected(general: pd.DataFrame, judged: Families) -> str:
    """Of what helps in general, what has a prediction interval on the good side too."""
    sure = []
    for outcome in judged.judged:
        helps = general[[Verdict(each).direction > 0 for each in general[f"verdict/{outcome.column}"]]]
        low, high = (helps[f"prediction/{outcome.column}/{end}"] for end in ("low", "high"))
        good = helps.loc[low > 0 if outcome.larger_is_better else high < 0, "cell"]
        if len(good):
            sure.append(translate("{cells} in {outcome}", cells=wording.listed(list(good)), outcome=outcome.label))
    if not sure:
        text = "Not one is sure to help on one more data set: its change there may lie on either side of zero."
        return translate(text)
    text = "To be expected on one more data set too, each with 95 %: improvement by {cells}."
    return translate(text, cells="; ".join(sure))


def _sentences(general: pd.DataFrame, judged: Families, digits: dict[str, int]) -> list[str]:
    """``dropout, 6 data sets: gap … −0.12 [−0.2, −0.04], less overfitting, on a new one [−0.3, 0.06]; …``."""
    sentences = []
    for _, row in general.iterrows():
        parts = [
            f"{outcome.label} {wording.change(row, outcome, digits[outcome.column])}, "
            f"{wording.judgement(row, outcome)}, "
            + translate("on a new one {interval}", interval=_new(row, outcome, digits))
            for outcome in judged.judged
        ]
        text = "{cell}, {number} data sets: {changes}"
        sentences.append(translate(text, cell=row["cell"], number=row["pairs"], changes="; ".join(parts)))
    return sentences


def _new(row: pd.Series, outcome: Outcome, digits: dict[str, int]) -> str:
    column = f"prediction/{outcome.column}"
    known = np.isfinite(row[f"{column}/low"])
    return wording.interval(row, column, digits[outcome.column], outcome.scale) if known else "–"


EXPLANATION = translatable(
    "Each data set counts once, as if drawn at random from all such; the mean change has a t interval over the data "
    "sets, and those of a family hold together with 95 % (Bonferroni). New data set: where the change on one more data "
    "set, measured in the same way, will lie with 95 %, each alone. τ: how far true changes are apart, as a standard "
    "deviation."
)


def _grid(general: pd.DataFrame, judged: Families, digits: dict[str, int]) -> Table:
    heads: list[str | Cell] = [translate("trial"), translate("data sets")]
    rows: list[list[str | Cell]] = [[Cell(row["cell"]), Cell(str(row["pairs"]))] for _, row in general.iterrows()]
    for o in judged.judged:
        change = f"{translate('change')}, {o.unit}" if o.unit else translate("change")
        heads += [Cell(o.label, change), translate("verdict"), Cell(translate("new data set"), o.unit)]
        for line, (_, row) in zip(rows, general.iterrows(), strict=True):
            spread = f"τ {wording.number(row[f'between/{o.column}'], digits[o.column], o.scale)}"
            line += [
                measured(row, f"change/{o.column}", digits[o.column], o.scale, sign=True),
                verdict_field(Verdict(row[f"verdict/{o.column}"]), o),
                Cell(_new(row, o, digits), spread),
            ]
    return Table(heads, rows, row_heads=True, sortable=True)
