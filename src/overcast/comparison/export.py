"""What a paper takes from a study, beside its report: every trial's outcomes, a LaTeX table, vector figures, methods.

trials.csv               one row a trial and outcome
table.tex                a table for booktabs
forest.pdf, forest.svg   the changes with their intervals, a panel an outcome
effects.csv              of a factorial study: what each mitigation changes on top of the others, as the figures show it
general.csv              over several data sets: what each mitigation changes in general
methods.md, methods.bib  a paragraph on what was done, with its citations
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from overcast.comparison.forest import forest_plot
from overcast.comparison.methods import bibliography, methods
from overcast.comparison.page import Study
from overcast.comparison.wording import cell, interval, listed, margins, number, places
from overcast.core.atomic import whole_file
from overcast.core.words import current_language, translate, use_language
from overcast.html.figures import pdf, svg
from overcast.html.fonts import korean_font
from overcast.statistics.verdicts import Verdict
from overcast.study.outcomes import OUTCOMES, Families, Outcome
from overcast.tracking.run_folder import Run

SUFFIXES = (".csv", ".md", ".tex", ".bib", ".pdf", ".svg")
"""Of the files that lie beside a report."""

BETTER, WORSE, EQUIVALENT, NOT_JUDGED = (f"$^{{{sign}}}$" for sign in ("+", "-", "=", r"\times"))
MARKS = {
    Verdict.BETTER: BETTER, Verdict.SLIGHTLY_BETTER: BETTER, Verdict.WORSE: WORSE, Verdict.SLIGHTLY_WORSE: WORSE,
    Verdict.EQUIVALENT: EQUIVALENT, Verdict.NOT_JUDGED: NOT_JUDGED, Verdict.UNDECIDED: "",
}  # fmt: skip
"""What a table shows of a verdict."""

LATEX_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "−": "$-$", "×": r"$\times$", "·": r"$\cdot$", "–": "--",
}  # fmt: skip
"""What LaTeX would take for something else, or has another sign for."""


def write_exports(folder: Path, study: Study, trials: pd.DataFrame, runs: Sequence[Run], planned: bool) -> None:
    """Write all of it into a report's folder: the same bytes for the same study.

    trials: a row a trial, diverged ones too. runs: the finished ones. planned: whether outcomes and margins were
    recorded before the first trial.
    """
    name = str(study.info.get("study", "study"))
    whole_file(folder / "trials.csv", long_form(name, trials))
    whole_file(folder / "table.tex", latex(study.table, study.judged, f"tab:{name}"))
    text = methods(study, runs, planned)
    whole_file(folder / "methods.md", text)
    whole_file(folder / "methods.bib", bibliography(text))
    effects, general = (None if each is None else each.to_csv(index=False) for each in (study.effects, study.general))
    drawn_in = "en" if current_language() == "ko" and korean_font() is None else current_language()
    with use_language(drawn_in):
        figure = forest_plot(study.table if study.effects is None else study.effects, study.judged)
    files = {"effects.csv": effects, "general.csv": general}
    files |= {"forest.pdf": figure and pdf(figure), "forest.svg": figure and svg(figure)}
    for file, content in files.items():
        if content:
            whole_file(folder / file, content)


def long_form(study: str, trials: pd.DataFrame) -> str:
    """The csv: ``study, data, network, mitigation, cell, chosen, fold, seed, split_seed, outcome, value, diverged``.

    Shares are fractions; ``seconds`` is the train time; ``chosen`` the strength that the fold's validation part chose,
    in a cell where there was a choice. A trial that diverged has its rows, without values.
    """
    keys = ["data", "model", "mitigation", "cell", "chosen", "fold", "seed", "split_seed", "diverged"]
    measured = [*(outcome.column for outcome in OUTCOMES), "seconds"]
    rows = trials.reindex(columns=[*keys, *measured]).reset_index(names="trial")
    long = rows.melt(["trial", *keys], measured, "outcome", "value").sort_values("trial", kind="stable")
    long = long.assign(study=study, diverged=long["diverged"].fillna(False).astype(bool))
    columns = ["study", *keys[:-1], "outcome", "value", "diverged"]
    return str(long[columns].rename(columns={"model": "network"}).to_csv(index=False))


def latex(table: pd.DataFrame, judged: Families, label: str) -> str:
    """A floating table for ``booktabs``: of each cell and judged outcome the mean, and the change with its interval.

    A sign after a change says what its verdict is; the caption says what the signs mean.
    """
    outcomes = judged.judged
    digits = {outcome.column: places(table, outcome) for outcome in outcomes}
    groups = " & ".join(rf"\multicolumn{{2}}{{c}}{{{latex_escaped(_head(outcome))}}}" for outcome in outcomes)
    under = [translate("mean & change")] * len(outcomes)
    rules = " ".join(rf"\cmidrule(lr){{{2 * i}-{2 * i + 1}}}" for i in range(1, len(outcomes) + 1))
    lines = [
        rf"% \usepackage{{{translate('booktabs')}}}", r"\begin{table}", r"\centering",
        rf"\caption{{{_caption(table, judged)}}}",
        rf"\label{{{re.sub(r'[^A-Za-z0-9:_-]', '-', label)}}}",
        rf"\begin{{tabular}}{{p{{0.28\linewidth}}{'rl' * len(outcomes)}}}",
        r"\toprule", rf" & {groups} \\", rules, " & " + " & ".join(under) + r" \\",
    ]  # fmt: skip
    several = table["data"].nunique() > 1
    for context, rows in table.groupby("context", sort=False):
        lines.append(r"\midrule")
        if context:
            lines += [rf"\multicolumn{{{2 * len(outcomes) + 1}}}{{l}}{{\emph{{{latex_escaped(str(context))}}}}} \\"]
        for _, row in rows.iterrows():
            name = rf"\raggedright {latex_escaped(cell(row, several).replace('+', ' + '))}"
            fields = [_field(row, outcome, digits[outcome.column]) for outcome in outcomes]
            lines.append(" & ".join([name, *fields]) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])


def _head(outcome: Outcome) -> str:
    return f"{outcome.label}, %" if outcome.percent else outcome.label


def _field(row: pd.Series, outcome: Outcome, digits: int) -> str:
    mean = latex_escaped(number(row[outcome.column], digits, outcome.scale))
    if row["is_baseline"]:
        return f"{mean} & {translate('baseline')}"
    column = f"change/{outcome.column}"
    change = latex_escaped(number(row[column], digits, outcome.scale, sign=True))
    if not pd.notna(row[f"{column}/low"]):
        return f"{mean} & {change}"
    mark = MARKS[Verdict(row[f"verdict/{outcome.column}"])]
    return f"{mean} & {change} {latex_escaped(interval(row, column, digits, outcome.scale))}{mark}"


def _caption(table: pd.DataFrame, judged: Families) -> str:
    baselines = listed(list(dict.fromkeys(table.loc[table["is_baseline"], "cell"])))
    return translate(
        "Means over folds and changes against {baselines}, with simultaneous 95\\,\\% intervals within each family of "
        "outcomes. {better}~better (for a gap: less overfitting), {worse}~worse, {equivalent}~equivalent: inside the "
        "margin of {margins}; {not_judged}~not judged, since trials diverged; unmarked: undecided.",
        baselines=latex_escaped(baselines), margins=latex_escaped(margins(judged)),
        better=BETTER, worse=WORSE, equivalent=EQUIVALENT, not_judged=NOT_JUDGED,
    )  # fmt: skip


def latex_escaped(text: str) -> str:
    """Text as LaTeX sets it, whatever signs are in it."""
    return "".join(LATEX_SPECIAL.get(sign, sign) for sign in text.replace("\n", " "))
