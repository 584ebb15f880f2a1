"""The study's report: ``table.csv``, ``table.md`` and ``report.html``, one page that carries everything it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from overcast.comparison import PRIMARY, table_view, wording
from overcast.comparison.figures import study_figures
from overcast.core.atomic import whole_file
from overcast.html.page import BulletList, Callout, Cell, Page, Paragraph, Section, Table
from overcast.html.writer import render


def write_report(
    folder: Path,
    table: pd.DataFrame,
    trials: pd.DataFrame,
    curves: pd.DataFrame,
    info: Mapping[str, Any],
    claim: str = "",
    verdict: str = "",
    first: Sequence[Section] = (),
) -> Path:
    """Write the three files of one study into ``folder``; the page's path.

    claim: a sentence the study tests; the page then opens with it and answers with the ``verdict``, what was
    measured (without one: the study's headline), and the figures of it ``first``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    whole_file(folder / "table.csv", table.to_csv(index=False))
    description = wording.description_md(table, info, claim, verdict)
    whole_file(folder / "table.md", f"{description}\n{table_view.markdown(table)}")
    page = folder / "report.html"
    whole_file(page, render(study_page(table, [*first, *study_figures(table, trials, curves)], info, claim, verdict)))
    return page


def study_page(
    table: pd.DataFrame, figures: Sequence[Section], info: Mapping[str, Any], claim: str = "", verdict: str = ""
) -> Page:
    """The verdict, then each comparison in words and in numbers, then the figures."""
    measured = verdict or wording.headline(table)
    answer = Markup("<strong>Measured:</strong> {}").format(measured) if claim else measured
    notes = wording.notes(table, info)
    verdicts = wording.verdicts(table)
    return Page(
        info.get("study", "study"),
        f"Claim: {claim}" if claim else question(table),
        [
            *([Section("In plain words", "", [BulletList(verdicts)])] if verdicts else []),
            Section("In numbers", NUMBERS, [numbers(table)]),
            *figures,
            Section("How to read this", "", how_to_read(table, info)),
        ],
        _facts(info),
        [Callout(answer, f"Primary outcome: {PRIMARY.label}"), *([BulletList(notes, small=True)] if notes else [])],
    )


def question(table: pd.DataFrame) -> str:
    """What the study asks, in one line."""
    networks, data = (" and ".join(dict.fromkeys(table[key].astype(str))) for key in ("model", "data"))
    return f"Which way of fighting overfitting works for {networks} on {data}, and how sure are we?"


NUMBERS = "Means over the repeats and their 95 % intervals; press a column's name to sort."


def numbers(table: pd.DataFrame) -> Table:
    """The comparison's table, what is clearly better or worse in colour."""
    heads = [Cell(*field) for field in table_view.heads()]
    verdict = next(number for number, head in enumerate(heads) if head.text == "verdict")
    rows = []
    for line, look in zip(table_view.lines(table), _looks(table), strict=True):
        coloured = range(len(line)) if look == "baseline" else (verdict,)
        rows.append([Cell(*field, look if at in coloured else "") for at, field in enumerate(line)])
    return Table(heads, rows, row_heads=True, sortable=True)


def _looks(table: pd.DataFrame) -> list[str]:
    """How each row is set: "baseline", "better" or "worse" where that is clear, or nothing."""
    changes = ["better" if change > 0 else "worse" for change in table[wording.CHANGE]]
    return [
        "baseline" if base else look if sure else ""
        for base, sure, look in zip(table["is_baseline"], table["clear"], changes, strict=True)
    ]


def how_to_read(table: pd.DataFrame, info: Mapping[str, Any]) -> list[Paragraph]:
    """What the figures of a comparison mean, and what they do not."""
    official = (
        " The test part is a fixed one; where every answer to it is known, the interval of the primary outcome speaks "
        "of other seeds and of other test samples (two-way)."
    )
    return [
        Paragraph(
            "Each cell is trained once for every repeat, a repeat being one split of the data and one seed; brackets "
            "are 95 % intervals over the repeats. A change is the mean of the differences to the baseline within each "
            "repeat, so that an easy or a hard split counts for neither side; its interval and its paired t-test come "
            f"from the same standard error.{official if info.get('official_test') else ''}"
        ),
        Paragraph(
            Markup(
                "Many comparisons find something by luck, so their p-values are raised after Holm. Repeats share train "
                "samples and are not quite independent, so a second test assumes that they are correlated (Nadeau "
                "&amp; Bengio 2003, ρ&nbsp;=&nbsp;{}). <strong>Clear</strong> means: below 0.05 in both."
            ).format(wording.overlap(table))
        ),
        Paragraph(
            Markup(
                "<strong>Not clear</strong> never means that there is no difference: one smaller than the size that is "
                "named would be found in fewer than four of five such studies. “Highest mean” is an order, not a test "
                "against the runner-up."
            )
        ),
        Paragraph(
            "The gap is by how much the figures of the train part are better than those of the test part, measured "
            "alike on both: in accuracy train minus test, in negative log-likelihood test minus train. A smaller gap "
            "is less overfitting, but only accuracy on the test part says whether it helped."
        ),
    ]


def _facts(info: Mapping[str, Any]) -> dict[str, object]:
    """What stands at the foot, as people read it."""
    facts: dict[str, object] = {}
    for key, value in info.items():
        if key == "command":
            value = value and Markup("<code>{}</code>").format(value)
        elif isinstance(value, bool):
            value = "yes" if value else "no"
        if key not in wording.NOTED:
            facts[key.replace("_", " ")] = value
    return facts
