"""How a study was analysed, in the words of its methods paragraph."""

from __future__ import annotations

from overcast.comparison.page import Study
from overcast.comparison.wording import seeds_alone
from overcast.core.words import translatable, translate
from overcast.statistics.sequential import FUTILE

VERDICT_RULE = translatable(
    "A difference is better or worse where its interval excludes zero, equivalent where it lies inside the margin, "
    "and undecided else [@goeman2010]."
)

FACTORIAL_ANALYSIS = (
    translatable(
        "The cells are a two-level factorial or a fraction of it of resolution V, with folds as blocks [@box1978]; a "
        "mitigation's effect is the mean over all cells with it less that over all cells without it, so that every "
        "trial counts in every effect."
    ),
    translatable(
        "The error is the mean square of fold by effect, pooled over main effects and interactions of two, or the "
        "effect's own where that is larger; intervals are two-sided and hold simultaneously with 95 % for all main "
        "effects [@stoline1979] and all outcomes of a family [@sidak1967]. They speak of these data."
    ),
    VERDICT_RULE,
)


def analysis(study: Study) -> list[str]:
    """Sentence by sentence, as Markdown with citations."""
    if study.effects is not None:
        return [*map(translate, FACTORIAL_ANALYSIS), *_fixed_test_part(study)]
    return [
        *_differences(study),
        *_looks(study),
        *_fixed_test_part(study),
        *_in_general(study),
        translate(VERDICT_RULE),
    ]


def _differences(study: Study) -> list[str]:
    folds = study.trials.groupby(["split_seed", "fold"])["seed"].nunique()
    single, several = len(folds) == 1, folds.max() > 1
    unit = "seed, on a single fold" if single else "fold; seeds within a fold are averaged" if several else "fold"
    return [
        translate(
            "Differences are paired: each trial is compared with the control's trial of the same fold and seed, and "
            "the unit of analysis is the {unit}.",
            unit=translate(unit),
        ),
        translate(
            "Intervals are two-sided and hold simultaneously with 95 % for all comparisons with the control "
            "[@dunnett1955] and all outcomes of a family [@sidak1967]."
        ),
        translate(
            "The variance of a difference is pooled over the comparisons (the control's own part of it being measured "
            "apart) or the comparison's own where that is larger; degrees of freedom are Satterthwaite's "
            "[@satterthwaite1946]."
        ),
        translate(
            "Since all repeats share one fold, the conclusions hold for this split of the data."
            if single
            else "Folds share most of their train parts, so that their differences covary, and no estimate from one "
            "data set shows by how much [@bengio2004; @nadeau2003]; the upper 95 % limit of that covariance, "
            "calibrated on data that can be drawn anew, is part of every standard error."
        ),
    ]


def _looks(study: Study) -> list[str]:
    if not study.info.get("looks"):
        return []
    text = (
        "The error of a family is spent on the planned looks by the square of the fraction of folds "
        "[@lan1983; @kim1987]: the intervals of a look hold together at what it spends, a verdict stands from the "
        "look that gave it, and a cell gets no more trials when each of its comparisons is decided or would be "
        "with a probability below {futile:.0f} % [@lan1982]."
    )
    return [translate(text, futile=100 * FUTILE)]


def _in_general(study: Study) -> list[str]:
    if study.general is None:
        return []
    text = (
        "For what holds in general, each of the {number} data sets counts once, as a random effect [@hedges1983]: "
        "a t interval over their mean differences, Bonferroni-adjusted within each family, and a 95 % prediction "
        "interval for the difference on one more data set [@higgins2009; @inthout2016]."
    )
    return [translate(text, number=study.table["data"].nunique())]


def _fixed_test_part(study: Study) -> list[str]:
    """That its samples count as well, where all trials share one."""
    if not study.info.get("official_test"):
        return []
    text = (
        "Where the test part is the same in all trials, the variance by way of its samples is added, two-way over "
        "trials and samples [@owen2007]."
    )
    return [translate(text), *seeds_alone(study.judged)]
