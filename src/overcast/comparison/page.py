"""The study's report: ``table.csv``, ``table.md`` and ``report.html``, one page that carries everything it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from overcast.comparison import table_view, wording
from overcast.comparison.description import description_md
from overcast.comparison.figures import study_figures
from overcast.comparison.headline import headline
from overcast.comparison.notes import NOTED, study_notes
from overcast.core.atomic import whole_file
from overcast.core.words import translatable, translate
from overcast.html.page import BulletList, Callout, Page, Paragraph, Section, Table
from overcast.html.writer import render
from overcast.study.outcomes import Families, families


@dataclass(frozen=True, eq=False)
class Study:
    """What a study's report is made of.

    table: as `overcast.comparison.table.comparison_table` gives it. predictors: what needs no network. trials: those
    that finished, a row each. curves: their epochs. info: facts and notes, and the ``families`` that are judged.
    claim: a sentence the study tests, with its ``verdict`` and the figures of it ``first``.
    last: sections after the figures. sentences: of a factorial study or one over several data sets, which ``first``
    tells instead of its cells one by one. effects: of the former, those of `FactorialReport`; general: of the latter,
    as `overcast.comparison.general.general_table`.
    """

    table: pd.DataFrame
    predictors: pd.DataFrame
    trials: pd.DataFrame
    curves: pd.DataFrame
    info: Mapping[str, Any]
    claim: str = ""
    verdict: str = ""
    first: Sequence[Section] = ()
    last: Sequence[Section] = ()
    sentences: Sequence[str] | None = None
    effects: pd.DataFrame | None = None
    general: pd.DataFrame | None = None

    @property
    def judged(self) -> Families:
        """The outcomes that are."""
        judged: Families = self.info.get("families") or families()
        return judged


def write_report(folder: Path, study: Study) -> Path:
    """Write ``table.csv``, ``table.md`` and ``report.html`` of a study into ``folder``; the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    whole_file(folder / "table.csv", study.table.to_csv(index=False))
    description = description_md(study.table, study.info, study.claim, study.verdict, study.sentences)
    whole_file(
        folder / "table.md", f"{description}\n{table_view.markdown(study.table, study.judged, study.predictors)}"
    )
    page = folder / "report.html"
    whole_file(page, render(study_page(study)))
    return page


def study_page(study: Study) -> Page:
    """The verdict, then each comparison in words and in numbers, then the figures."""
    table, info, claim = study.table, study.info, study.claim
    lines = (study.verdict or headline(table, study.judged)).split("\n")
    measured = Markup("<br>").join(lines)
    answer = Markup(translate("<strong>Measured:</strong> {verdict}")).format(verdict=measured) if claim else measured
    notes = study_notes(table, info, not study.sentences)
    own = [] if study.sentences else wording.cell_sentences(table, study.judged)
    verdicts = [*own, *wording.predictors(study.predictors)]
    plain = [Section(translate("In plain words"), "", [BulletList(verdicts)])] if verdicts else []
    table_section = Section(translate("In numbers"), translate(NUMBERS), [numbers(study)])
    of_cells = study.effects is None  # dozens of cells of a factorial study fill no figure that could be read
    figures = study_figures(table, study.trials, study.curves, study.judged) if of_cells else []
    opening = [*study.first, *plain, table_section] if study.sentences else [*plain, table_section, *study.first]
    return Page(
        title(table, study.trials, info),
        translate("Claim: {claim}", claim=claim) if claim else question(table),
        [
            *opening,
            *figures,
            *study.last,
            Section(translate("How to read this"), "", how_to_read(study)),
        ],
        _facts(info),
        [
            Callout(answer, translate("Judged: {outcomes}", outcomes=wording.judged_names(study.judged))),
            *([BulletList(notes, small=True)] if notes else []),
        ],
    )


def title(table: pd.DataFrame, trials: pd.DataFrame, info: Mapping[str, Any]) -> str:
    """``Mitigations: cnn on weather, 10 folds × 3 seeds``."""
    name = str(info.get("study", "study")).rpartition("-")[0] or str(info.get("study", "study"))
    networks, data = (wording.listed(list(dict.fromkeys(table[key].astype(str)))) for key in ("model", "data"))
    folds = _folds(trials).groupby("cell").size().max() if len(trials) else 0
    repeats = trials.groupby("cell")["repeat"].nunique().max() if len(trials) else 0
    seeds = round(repeats / folds) if folds else 0
    words = name.replace("_", " ")
    of_folds = translate("{folds} folds" if folds != 1 else "{folds} fold", folds=folds)
    of_seeds = translate("{seeds} seeds" if seeds != 1 else "{seeds} seed", seeds=seeds)
    what = translate("{networks} on {data}", networks=networks, data=data)
    return f"{words[:1].upper()}{words[1:]}: {what}, {of_folds} × {of_seeds}"


def _folds(trials: pd.DataFrame) -> pd.DataFrame:
    """Those of each cell: one of another split is another."""
    return trials[["cell", "split_seed", "fold"]].drop_duplicates()


def question(table: pd.DataFrame) -> str:
    """What the study asks, in one line."""
    networks, data = (wording.listed(list(dict.fromkeys(table[key].astype(str)))) for key in ("model", "data"))
    text = "Which way of fighting overfitting works for {networks} on {data}, and how sure are we?"
    return translate(text, networks=networks, data=data)


NUMBERS = translatable(
    "Means and their 95 % intervals over the folds; changes against the baseline with simultaneous intervals. Press a "
    "column's name to sort."
)
TRAINED = translatable(
    "Each cell is trained in every fold, with as many seeds; a change is the mean over folds of the differences to the "
    "baseline with the same fold and seed: an easy or a hard fold counts for neither side."
)
SINGLE_FOLD = translatable(
    "All repeats are of one fold: what is said holds for this split of these data, and for other seeds."
)
NEW_DATA = translatable(
    "The intervals speak of new data of this kind: what folds have in common, since they share most of their train "
    "part, was measured on data that can be drawn anew (docs/statistics.md), and its upper limit is in them."
)
THESE_DATA = translatable(
    "The intervals of effects speak of these data; which of them would still differ from zero for new data of this "
    "kind is said in words."
)
FIXED_TEST_PART = translatable(
    "Where the test part is a fixed one, the intervals speak of other seeds and of other test samples (two-way)."
)
FAMILIES = translatable(
    "All intervals of a family hold together with 95 %: one family asks what reduces overfitting ({overfitting}), the "
    "other what makes the model better ({better}). The error is pooled over the comparisons, or a comparison's own "
    "where that is larger."
)
VERDICTS = translatable(
    "<strong>Better</strong> and <strong>worse</strong>: the interval excludes zero (<em>slightly</em>, where it lies "
    "inside the margin as well). <strong>Equivalent</strong>: it lies inside the margin, which is {margins}. "
    "<strong>Undecided</strong> is neither, and never means that there is no difference; how many seeds a fold would "
    "decide it is worked out for a true difference of zero or of the margin (80 % power). “Highest mean” is an order, "
    "not a test against the runner-up."
)
GAP = translatable(
    "The gap is by how much the figures of the train part are better than those of the test part, measured alike on "
    "both: in accuracy train minus test, in negative log-likelihood test minus train. A smaller gap is less "
    "overfitting, but only the test part says whether it helped."
)


def numbers(study: Study) -> Table:
    """The comparison's table, what is better or worse in colour."""
    lines = table_view.lines(study.table, study.judged, study.predictors)
    return Table(table_view.heads(study.judged), lines, row_heads=True, sortable=True)


def how_to_read(study: Study) -> list[Paragraph]:
    """What the figures of a comparison mean, and what they do not."""
    single = len(_folds(study.trials).drop(columns="cell").drop_duplicates()) == 1
    data = SINGLE_FOLD if single else THESE_DATA if study.effects is not None else NEW_DATA
    trained = [translate(TRAINED), translate(data)]
    if study.info.get("official_test"):
        trained += [translate(FIXED_TEST_PART), *wording.seeds_alone(study.judged)]
    overfitting, better = (
        wording.listed([o.label for o in some]) for some in (study.judged.overfitting, study.judged.better)
    )
    return [
        Paragraph(" ".join(trained)),
        Paragraph(translate(FAMILIES, overfitting=overfitting, better=better)),
        Paragraph(Markup(translate(VERDICTS)).format(margins=wording.margins(study.judged))),
        Paragraph(translate(GAP)),
    ]


def _facts(info: Mapping[str, Any]) -> dict[str, object]:
    """What stands at the foot, as people read it."""
    facts: dict[str, object] = {}
    for key, value in info.items():
        if key == "command":
            value = value and Markup("<code>{}</code>").format(value)
        elif isinstance(value, bool):
            value = translate("yes") if value else translate("no")
        if key not in NOTED:
            facts[translate(key.replace("_", " "))] = value
    return facts
