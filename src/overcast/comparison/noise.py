"""Where a study's noise comes from, what more computing would buy, and what holds on these very data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from overcast.comparison.changes import change_columns, unless_flattered
from overcast.comparison.pairs import Answers, Context, finished_contexts
from overcast.comparison.planning import Pilot, pilots
from overcast.comparison.wording import change, number, size
from overcast.core.words import translate
from overcast.html.page import BulletList, Cell, Section, Table
from overcast.html.style import AMBER, BLUE, GREEN, ORANGE
from overcast.statistics.conditional import clustered_mean
from overcast.statistics.estimates import ALPHA, Array, by_group
from overcast.statistics.verdicts import Verdict
from overcast.study.outcomes import Families, Outcome

SOURCES = {"samples": BLUE, "folds": GREEN, "seeds": ORANGE, "common": AMBER}
"""Of the variance of a mean difference: test samples, else between folds, seeds of a fold, and what folds share."""


def noise_table(
    trials: pd.DataFrame, judged: Families, of_own_test_parts: Answers, of_one_test_part: Answers
) -> pd.DataFrame:
    """A row a context and judged ``outcome``: how the error² of a mean difference splits, and what an hour more buys.

    samples, folds, seeds, common: its parts, summing to error². detectable: the smallest difference found in four of
    five such studies; detectable_more: the same with ``more_seeds`` seeds a fold, as many as an hour of one core adds,
    or one more where that takes longer: ``hours`` it takes. The answers are those of `noise_sections`.
    """
    groups = {context.name: context for context in finished_contexts(trials)}
    rows = [_row(each, groups[each.context], of_own_test_parts) for each in pilots(trials, judged, of_one_test_part)]
    return pd.DataFrame(rows)


def _row(pilot: Pilot, context: Context, of_own_test_parts: Answers) -> dict[str, object]:
    compared, outcome, folds, seeds = pilot.compared, pilot.outcome, pilot.folds, pilot.seeds
    known_seeds = np.isfinite(compared.seed_variance)
    of_seeds = compared.seed_variance / (folds * seeds) if known_seeds else 0.0
    between = float(np.nanmean(compared.fold_variance)) / folds
    of_own = min(_sample_variance(context, outcome, of_own_test_parts) / folds, between)
    of_one = float(compared.sample_variance[compared.compared].mean())
    added = max(pilot.seeds_in(1, 1), 1)
    return {
        "context": context.name, "outcome": outcome, "samples": of_own + of_one, "folds": between - of_own,
        "seeds": of_seeds, "common": compared.common, "error": pilot.error(seeds), "one_seed": not known_seeds,
        "shared": of_one + compared.common, "detectable": pilot.detectable(seeds), "more_seeds": seeds + added,
        "hours": pilot.hours(added, 1), "detectable_more": pilot.detectable(seeds + added),
    }  # fmt: skip


def _sample_variance(context: Context, outcome: Outcome, answers: Answers) -> float:
    """Of a fold's mean difference by way of its test samples, groups counting as one: mean over cells and folds."""
    column = outcome.column.replace("gap/", "test/")
    variances = []
    for cell in context.cells[1:]:
        for values, groups, _ in context.sample_differences(cell, column, answers).values():
            of_groups = by_group(values, groups)
            variances += [of_groups.var(ddof=1) / len(of_groups)] if len(of_groups) > 1 else []
    return float(np.mean(variances)) if variances else 0.0


def noise_figure(noise: pd.DataFrame) -> Section | None:
    """A bar an outcome: which share of the error² comes from where; and in words what the next hour would buy."""
    if noise.empty:
        return None
    labels = [_label(row, noise) for _, row in noise.iterrows()][::-1]
    figure = go.Figure()
    names = {
        "samples": translate("test samples"), "folds": translate("folds, beyond their samples"),
        "seeds": translate("seeds"), "common": translate("what folds share (upper limit)"),
    }  # fmt: skip
    total = noise["error"] ** 2
    for source, colour in SOURCES.items():
        shares = (100 * noise[source] / total)[::-1]
        figure.add_bar(
            x=shares, y=labels, orientation="h", name=names[source], marker={"color": colour},
            hovertemplate="%{y}: %{x:.0f} %<extra>" + names[source] + "</extra>",
        )  # fmt: skip
    figure.update_layout(barmode="stack")
    figure.update_xaxes(title=translate("share of the variance of a mean difference, %"), range=[0, 100])
    caption = translate(
        "Of what a mean difference varies by, which share comes from where, and what more computing would buy."
    )
    section = Section.from_figure(translate("Where the noise comes from"), caption, figure, 170 + 40 * len(noise))
    return replace(section, parts=[*section.parts, BulletList(next_hour(noise), small=True)])


def _label(row: pd.Series, noise: pd.DataFrame) -> str:
    label: str = row["outcome"].label
    return f"{label} ({row['context']})" if noise["context"].nunique() > 1 else label


def next_hour(noise: pd.DataFrame) -> list[str]:
    """A sentence an outcome: what can be found now, what an hour more of one core buys, and where that ends."""
    sentences = []
    for _, row in noise.iterrows():
        outcome, hours = row["outcome"], row["hours"]
        digits = 1 if outcome.percent else 2
        now, later = (size(row[name], outcome, digits) for name in ("detectable", "detectable_more"))
        if hours > 1:
            text = (
                "{outcome}: {now} would be found in four of five such studies; one more seed in each fold, which takes "
                "one core {hours} hours, takes that to {later}."
            )
        else:
            text = (
                "{outcome}: {now} would be found in four of five such studies; an hour more of one core, to {seeds} "
                "seeds a fold, takes that to {later}."
            )
        values = {"now": now, "seeds": row["more_seeds"], "hours": number(hours, 1, 1), "later": later}
        told = [translate(text, outcome=_label(row, noise), **values)]
        if row["one_seed"]:
            told.append(translate("That is so if all the noise were the seeds': one seed a fold cannot tell."))
        if row["shared"] > 0.5 * row["error"] ** 2:
            told.append(translate("What all runs share is the larger part: new data would buy more."))
        sentences.append(" ".join(told))
    return sentences


def conditional_table(trials: pd.DataFrame, judged: Families, answers: Answers) -> pd.DataFrame:
    """Of each comparison and outcome of the test part: the difference on these very data, from the pooled predictions.

    context, cell, outcome, and its `change_columns`. The intervals of all of them hold together (Šidák); nothing is
    judged in favour of what diverged. Empty where the test parts of the folds are not all known, or overlap, and of
    contexts without a control.
    """
    pooled: list[tuple[Context, str, Outcome, Array, Array]] = []
    for context in finished_contexts(trials):
        for cell in context.cells[1:] if not context.control_lost else ():
            for outcome in judged.better:
                of_fold = context.sample_differences(cell, outcome.column, answers)
                if len(of_fold) < context.values(outcome.column).shape[1] or len(of_fold) < 2:
                    continue
                values, groups, rows = (np.concatenate(parts) for parts in zip(*of_fold.values(), strict=True))
                if len(np.unique(rows)) < len(rows):  # the folds of several splits
                    continue
                pooled.append((context, cell, outcome, values, groups))
    level = 1 - (1 - ALPHA) ** (1 / max(len(pooled), 1))
    table = []
    for context, cell, outcome, values, groups in pooled:
        row = {name: value for name, (value,) in change_columns(outcome, clustered_mean(values, groups, level)).items()}
        diverged = [context.diverged[each] for each in (cell, context.control)]
        found = Verdict(row[name := f"verdict/{outcome.column}"])
        row[name] = unless_flattered(found, *diverged).value
        table.append({"context": context.name, "cell": cell, "outcome": outcome, **row})
    return pd.DataFrame(table)


def conditional_section(conditional: pd.DataFrame) -> Section | None:
    """The differences on these very data as a table, a row a comparison."""
    if conditional.empty:
        return None
    outcomes = list(dict.fromkeys(conditional["outcome"]))
    verdict_head = translate("verdict")
    heads = [translate("trial"), *(field for o in outcomes for field in (Cell(o.label, o.unit), verdict_head))]
    lines = []
    for (context, cell), rows in conditional.groupby(["context", "cell"], sort=False):
        line: list[str | Cell] = [f"{context} · {cell}" if context and context not in cell else str(cell)]
        for outcome in outcomes:
            known = [row for _, row in rows.iterrows() if row["outcome"] == outcome]
            line += [change(known[0], outcome, 1 if outcome.percent else 2) if known else "–"]
            line += [translate(known[0][f"verdict/{outcome.column}"]) if known else ""]
        lines.append(line)
    text = translate(
        "Another question: on these very data, how do the models of these folds differ? From the predictions of all "
        "folds together, each sample once, groups of near-duplicates and of one source counting as one (Bayle et al. "
        "2020). The intervals are narrower, since nothing is said of other data: do not read them as the table above."
    )
    return Section(translate("On these very data"), text, [Table(heads, lines, row_heads=True)])


def noise_sections(
    trials: pd.DataFrame, judged: Families, of_own_test_parts: Answers, of_one_test_part: Answers
) -> Sequence[Section]:
    """The sections of this file that a study has data for.

    of_own_test_parts, of_one_test_part: the answers of runs whose folds have test parts of their own, and of those that
    share a fixed one.
    """
    every = [
        noise_figure(noise_table(trials, judged, of_own_test_parts, of_one_test_part)),
        conditional_section(conditional_table(trials, judged, of_own_test_parts)),
    ]
    return [section for section in every if section is not None]
