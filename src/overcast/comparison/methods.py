"""The methods paragraph of a study: what was done, with citations as Pandoc reads them.

It says what the study's records say, and nothing that they do not: a fold is only called one of many where there are
many, and a plan only one where it was written down before the first trial.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from overcast.comparison.markdown import escaped
from overcast.comparison.methods_analysis import analysis
from overcast.comparison.page import Study
from overcast.comparison.references import REFERENCES
from overcast.comparison.wording import listed, margins
from overcast.core.words import translate
from overcast.prepare.folds import CALIBRATION
from overcast.tracking.run_folder import Run

MOST_NAMED = 30
"""Cells that are listed by name."""


def methods(study: Study, runs: Sequence[Run], planned: bool) -> str:
    """The paragraph, as Markdown. runs: the study's finished ones. planned: whether its plan preceded its trials."""
    sentences = [
        *_cells(study), *_data(runs), *_repeats(study, runs), *_tuning(study), *_outcomes(study, planned),
        *analysis(study), *_deviations(study),
        *_software(study),
    ]  # fmt: skip
    return " ".join(sentences) + "\n"


def bibliography(text: str) -> str:
    """The BibTeX entries of what a text cites, in alphabetical order."""
    cited = {key for group in re.findall(r"\[@([^\]]+)\]", text) for key in re.split(r";\s*@", group)}
    return "\n\n".join(REFERENCES[key] for key in sorted(cited)) + "\n"


def _cells(study: Study) -> list[str]:
    table = study.table
    networks, data = (listed([f"*{escaped(name)}*" for name in dict.fromkeys(table[key])]) for key in ("model", "data"))
    others = _names(table.loc[~table["is_baseline"], "cell"])
    controls = listed(_names(table.loc[table["is_baseline"], "cell"]))
    if study.effects is not None:
        factors = listed(_names(study.effects["cell"]), MOST_NAMED)
        combinations = int(study.effects["combinations"].max())  # of each network and data set
        text = "We trained {networks} on {data} with and without {factors}, in {number} combinations."
        return [translate(text, networks=networks, data=data, factors=factors, number=combinations)]
    if not others:
        text = "We trained {networks} on {data} ({control})."
        return [translate(text, networks=networks, data=data, control=controls)]
    text = (
        "We compared one alternative ({cells}) with a control ({control}) for {networks} on {data}."
        if len(others) == 1
        else "We compared {number} alternatives ({cells}) with a control ({control}) for {networks} on {data}."
    )
    cells = listed(others, MOST_NAMED)
    return [translate(text, number=len(others), cells=cells, control=controls, networks=networks, data=data)]


def _names(cells: pd.Series) -> list[str]:
    """Each once."""
    return [escaped(name) for name in dict.fromkeys(cells)]


def _data(runs: Sequence[Run]) -> list[str]:
    """A sentence on each data set and its parts."""
    first: dict[str, Run] = {}
    for run in runs:
        first.setdefault(run.config.data.name, run)
    sentences = []
    for name, run in first.items():
        facts, split, parts = run.facts, run.config.split, run.parts
        sizes = {part: int((parts == part).sum()) for part in ("train", "validation", "test")}
        if facts.get("by_time"):
            how = translate("cut by time, so that no part is later than the one it measures")
        elif split.file:
            how = translate("split as published")
        elif split.ignore_groups:
            how = translate(
                "split at random, stratified by class; near-duplicates were kept in one part, sources were not"
            )
        else:
            how = translate(
                "split at random, stratified by class, with near-duplicates and samples of one source kept in one part"
            )
        how += translate("; the official test part was kept") if facts.get("official_test") else ""
        text = (
            "*{data}* has {samples:,} synthetic samples of {classes} classes, {how} (in fold {fold}: {train:,} for "
            "training, {validation:,} for validation and {test:,} for test)."
            if facts.get("synthetic")
            else "*{data}* has {samples:,} samples of {classes} classes, {how} (in fold {fold}: {train:,} for "
            "training, {validation:,} for validation and {test:,} for test)."
        )
        values = {"classes": len(run.spec.classes), "how": how, "fold": split.fold, **sizes}
        sentences.append(translate(text, data=escaped(name), samples=len(parts), **values))
        if number := int((parts == CALIBRATION).sum()):
            text = (
                "A further {number:,} were held out for calibration alone: on them one temperature was learned for "
                "each trained network, by which the logits of all figures are divided [@guo2017]."
            )
            sentences.append(translate(text, number=number))
    return sentences


def _repeats(study: Study, runs: Sequence[Run]) -> list[str]:
    trials, epochs = study.trials, listed([str(n) for n in sorted({run.config.epochs for run in runs})])
    seeds = trials.groupby(["cell", "split_seed", "fold"]).size()
    folds = seeds.groupby("cell").size()
    same = seeds.nunique() == folds.nunique() == 1
    rates = listed([f"{rate:g}" for rate in sorted({run.config.lr for run in runs})])
    batches = listed([str(size) for size in sorted({run.config.batch_size for run in runs})])
    trained = translate(
        "Every cell was trained on {folds} with {seeds} a fold, the same for all cells, which gave {trials} finished "
        "trials ({epochs} epochs, batches of {batches}, learning rate {rates})."
        if same
        else "Cells were trained on {folds} with {seeds} a fold, which gave {trials} finished trials ({epochs} epochs, "
        "batches of {batches}, learning rate {rates}).",
        folds=translate("{folds} folds" if folds.max() != 1 else "{folds} fold", folds=_range(folds)),
        seeds=translate("{seeds} seeds" if seeds.max() != 1 else "{seeds} seed", seeds=_range(seeds)),
        trials=len(runs), epochs=epochs, batches=batches, rates=rates,
    )  # fmt: skip
    told = map(str, [*study.info.get("looked", ())[:1], *study.info.get("remarks", ())])
    return [trained, *told, translate("The test part was used for measuring alone.")]


def _range(numbers: pd.Series) -> str:
    least, most = numbers.min(), numbers.max()
    return f"{most}" if least == most else translate("{least} to {most}", least=least, most=most)


def _tuning(study: Study) -> list[str]:
    """How strengths were chosen, where they were."""
    if not study.info.get("tuned"):
        return []
    tuned = study.trials[study.trials["chosen"].notna()]
    many = listed([str(int(number)) for number in sorted(set(tuned["candidates"]))])
    text = (
        "The strengths of {cells} were chosen within each fold, among {number} candidates that were all trained there, "
        "by the mean negative log-likelihood on the fold's validation part, so that no test part had a say "
        "[@varma2006; @cawley2010]; such a cell took {number} times the training."
    )
    return [translate(text, cells=listed(_names(tuned["cell"]), MOST_NAMED), number=many)]


def _outcomes(study: Study, planned: bool) -> list[str]:
    judged = study.judged
    text = (
        "Before the first trial we recorded two families of outcomes: overfitting, by the {overfitting}, and the "
        "quality of the model, by {better}; differences within {margins} count as equivalent."
        if planned and not study.info.get("post_hoc")
        else "We judged two families of outcomes: overfitting, by the {overfitting}, and the quality of the model, by "
        "{better}; differences within {margins} count as equivalent."
    )
    ece = " [@guo2017]" if any(outcome.column == "test/ece" for outcome in judged.judged) else ""
    overfitting, better = (listed([o.label for o in some]) for some in (judged.overfitting, judged.better))
    return [
        translate(text, overfitting=overfitting, better=f"{better}{ece}", margins=margins(judged)),
        translate(
            "The gap is the difference of the same figure between train and test part, measured by one routine in "
            "evaluation mode on untouched data."
        ),
    ]


def _deviations(study: Study) -> list[str]:
    """What went otherwise than planned."""
    info = study.info
    lines = [str(line).rstrip(".") for line in info.get("post_hoc", ())]
    text = "{diverged}; such cells were never called better"
    lines += [translate(text, diverged=line) for line in info.get("diverged", ())]
    lines += [translate("Left out: {cell}", cell=escaped(line)) for line in info.get("left_out", ())]
    return [f"{line}." for line in lines]


def _software(study: Study) -> list[str]:
    versions, commit, machine = (str(study.info.get(key, "")) for key in ("with", "git", "trained on"))
    text = (
        "Trials were run{where} with overcast{commit}, PyTorch [@paszke2019] and TorchMetrics "
        "[@detlefsen2022]{versions}."
    )
    where = translate(" on {machine}", machine=machine) if machine else ""
    at = translate(" at commit {commit}", commit=commit) if commit else ""
    return [translate(text, where=where, commit=at, versions=f" ({versions})" if versions else "")]
