"""The methods paragraph of a study: what was done, in English, with citations as Pandoc reads them.

It says what the study's records say, and nothing that they do not: a fold is only called one of many where there are
many, and a plan only one where it was written down before the first trial.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from overcast.comparison.page import Study
from overcast.comparison.references import REFERENCES
from overcast.comparison.wording import listed, margins
from overcast.tracking.run_folder import Run

MOST_NAMED = 30
"""Cells that are listed by name."""


def methods(study: Study, runs: Sequence[Run], planned: bool) -> str:
    """The paragraph, as Markdown. runs: the study's finished ones. planned: whether its plan preceded its trials."""
    sentences = [
        *_cells(study), *_data(runs), *_repeats(study, runs), *_tuning(study), *_outcomes(study, planned),
        *(_analysis(study) if study.effects is None else FACTORIAL_ANALYSIS), *_deviations(study), *_software(study),
    ]  # fmt: skip
    return " ".join(sentences) + "\n"


def bibliography(text: str) -> str:
    """The BibTeX entries of what a text cites, in alphabetical order."""
    cited = {key for group in re.findall(r"\[@([^\]]+)\]", text) for key in re.split(r";\s*@", group)}
    return "\n\n".join(REFERENCES[key] for key in sorted(cited)) + "\n"


def _cells(study: Study) -> list[str]:
    table = study.table
    networks, data = (listed([f"*{name}*" for name in dict.fromkeys(table[key])]) for key in ("model", "data"))
    others = list(dict.fromkeys(table.loc[~table["is_baseline"], "cell"]))
    controls = listed(list(dict.fromkeys(table.loc[table["is_baseline"], "cell"])))
    if study.effects is not None:
        factors = listed(list(dict.fromkeys(study.effects["cell"])), MOST_NAMED)
        return [f"We trained {networks} on {data} with and without {factors}, in {len(others) + 1} combinations."]
    if not others:
        return [f"We trained {networks} on {data} ({controls})."]
    many = "one alternative" if len(others) == 1 else f"{len(others)} alternatives"
    return [f"We compared {many} ({listed(others, MOST_NAMED)}) with a control ({controls}) for {networks} on {data}."]


def _data(runs: Sequence[Run]) -> list[str]:
    """A sentence on each data set and its parts."""
    first: dict[str, Run] = {}
    for run in runs:
        first.setdefault(run.config.data.name, run)
    sentences = []
    for name, run in first.items():
        facts, split, parts = run.facts, run.config.split, run.parts
        sizes = {part: int((parts == part).sum()) for part in ("train", "validation", "test")}
        counts = listed([f"{count:,} for {'training' if part == 'train' else part}" for part, count in sizes.items()])
        made = "synthetic samples" if facts.get("synthetic") else "samples"
        if facts.get("by_time"):
            how = "cut by time, so that no part is later than the one it measures"
        elif split.file:
            how = "split as published"
        elif split.ignore_groups:
            how = "split at random, stratified by class; near-duplicates were kept in one part, sources were not"
        else:
            how = (
                "split at random, stratified by class, with near-duplicates and samples of one source kept in one part"
            )
        official = "; the official test part was kept" if facts.get("official_test") else ""
        sentences.append(
            f"*{name}* has {len(parts):,} {made} of {len(run.spec.classes)} classes, {how}{official} "
            f"(in fold {split.fold}: {counts})."
        )
    return sentences


def _repeats(study: Study, runs: Sequence[Run]) -> list[str]:
    trials, epochs = study.trials, listed([str(n) for n in sorted({run.config.epochs for run in runs})])
    folds = len(trials[["split_seed", "fold"]].drop_duplicates())
    seeds = trials.groupby(["cell", "split_seed", "fold"]).size()
    each = f"{seeds.min()}" if seeds.min() == seeds.max() else f"{seeds.min()} to {seeds.max()}"
    rates = listed([f"{rate:g}" for rate in sorted({run.config.lr for run in runs})])
    batches = listed([str(size) for size in sorted({run.config.batch_size for run in runs})])
    return [
        f"Every cell was trained on {folds} fold{'s' if folds != 1 else ''} with {each} "
        f"seed{'s' if each != '1' else ''} a fold, the same for all cells, which gave {len(runs)} finished trials "
        f"({epochs} epochs, batches of {batches}, learning rate {rates}).",
        *map(str, [*study.info.get("looked", ())[:1], *study.info.get("remarks", ())]),
        "The test part was used for measuring alone.",
    ]


def _tuning(study: Study) -> list[str]:
    """How strengths were chosen, where they were."""
    if not study.info.get("tuned"):
        return []
    tuned = study.trials[study.trials["chosen"].notna()]
    many = listed([str(int(number)) for number in sorted(set(tuned["candidates"]))])
    return [
        f"The strengths of {listed(list(dict.fromkeys(tuned['cell'])), MOST_NAMED)} were chosen within each fold, "
        f"among {many} candidates that were all trained there, by the mean negative log-likelihood on the fold's "
        "validation part, so that no test part had a say [@varma2006; @cawley2010]; such a cell took "
        f"{many} times the training."
    ]


def _outcomes(study: Study, planned: bool) -> list[str]:
    judged = study.judged
    when = "Before the first trial we recorded" if planned and not study.info.get("post_hoc") else "We judged"
    ece = " [@guo2017]" if any(outcome.column == "test/ece" for outcome in judged.judged) else ""
    return [
        f"{when} two families of outcomes: overfitting, by the {listed([o.label for o in judged.overfitting])}, and "
        f"the quality of the model, by {listed([o.label for o in judged.better])}{ece}; differences within "
        f"{margins(judged)} count as equivalent.",
        "The gap is the difference of the same figure between train and test part, measured by one routine in "
        "evaluation mode on untouched data.",
    ]


VERDICTS = (
    "A difference is better or worse where its interval excludes zero, equivalent where it lies inside the margin, "
    "and undecided else [@goeman2010]."
)


FACTORIAL_ANALYSIS = (
    "The cells are a two-level factorial or a fraction of it of resolution V, with folds as blocks [@box1978]; a "
    "mitigation's effect is the mean over all cells with it less that over all cells without it, so that every trial "
    "counts in every effect.",
    "The error is the mean square of fold by effect, pooled over main effects and interactions of two, or the effect's "
    "own where that is larger; intervals are two-sided and hold simultaneously with 95 % for all main effects "
    "[@stoline1979] and all outcomes of a family [@sidak1967]. They speak of these data.",
    VERDICTS,
)


def _analysis(study: Study) -> list[str]:
    folds = study.trials.groupby(["split_seed", "fold"])["seed"].nunique()
    single, several = len(folds) == 1, folds.max() > 1
    unit = "seed, on a single fold" if single else f"fold{'; seeds within a fold are averaged' if several else ''}"
    sentences = [
        "Differences are paired: each trial is compared with the control's trial of the same fold and seed, and the "
        f"unit of analysis is the {unit}.",
        "Intervals are two-sided and hold simultaneously with 95 % for all comparisons with the control "
        "[@dunnett1955] and all outcomes of a family [@sidak1967].",
        "The variance of a difference is pooled over the comparisons (the control's own part of it being measured "
        "apart) or the comparison's own where that is larger; degrees of freedom are Satterthwaite's "
        "[@satterthwaite1946].",
    ]
    sentences += [
        "Since all repeats share one fold, the conclusions hold for this split of the data."
        if single
        else "Folds share most of their train parts, so that their differences covary, and no estimate from one data "
        "set shows by how much [@bengio2004; @nadeau2003]; the upper 95 % limit of that covariance, calibrated on data "
        "that can be drawn anew, is part of every standard error."
    ]
    if study.info.get("official_test"):
        sentences.append(
            "Where the test part is the same in all trials, the variance by way of its samples is added, two-way over "
            "trials and samples [@owen2007]."
        )
    if study.general is not None:
        sentences.append(
            f"For what holds in general, each of the {study.table['data'].nunique()} data sets counts once, as a "
            "random effect [@hedges1983]: a t interval over their mean differences, Bonferroni-adjusted within each "
            "family, and a 95 % prediction interval for the difference on one more data set "
            "[@higgins2009; @inthout2016]."
        )
    return [*sentences, VERDICTS]


def _deviations(study: Study) -> list[str]:
    """What went otherwise than planned."""
    info = study.info
    lines = [str(line).rstrip(".") for line in info.get("post_hoc", ())]
    lines += [f"{line}; such cells were never called better" for line in info.get("diverged", ())]
    lines += [f"Left out: {line}" for line in info.get("left_out", ())]
    return [f"{line}." for line in lines]


def _software(study: Study) -> list[str]:
    versions, commit, machine = (str(study.info.get(key, "")) for key in ("with", "git", "trained on"))
    told = f" ({versions})" if versions else ""
    at = f" at commit {commit}" if commit else ""
    where = f" on {machine}" if machine else ""
    return [f"Trials were run{where} with overcast{at}, PyTorch [@paszke2019] and TorchMetrics [@detlefsen2022]{told}."]
