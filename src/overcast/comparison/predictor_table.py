"""Each network beside what needs no network: the largest class, a linear model, what was there last."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from overcast.comparison.changes import interval_columns, unless_flattered
from overcast.comparison.pairs import PREDICTORS, Answers, Context, finished_contexts
from overcast.comparison.table import common_ratio_of
from overcast.statistics.estimates import ALPHA, Array
from overcast.statistics.simultaneous import compare_with_control, simultaneous_level
from overcast.statistics.verdicts import verdicts
from overcast.study.outcomes import PRIMARY


def predictor_table(trials: pd.DataFrame, answers: Answers | None = None) -> pd.DataFrame:
    """What needs no network, beside each context's control: ``predictor``, ``context``, ``control``, ``data``, the test
    accuracy, and the control's ``change`` from it with simultaneous intervals over the whole table and a ``verdict``.

    Where trials of the control diverged, those that are left flatter it, and it is not judged better.

    Empty where the trials do not tell what needs no network, and without a control. answers: of each run, to a fixed
    test part.
    """
    rows, compared, diverged = list[dict[str, Any]](), [], []
    for context in finished_contexts(trials):
        if context.control_lost:
            continue
        control = context.rows(context.control)
        known = [name for name in PREDICTORS if _baseline(name) in control]
        known = [name for name in known if control[_baseline(name)].notna().all()]
        if not known:
            continue
        ours = context.values(PRIMARY.column)[0]
        theirs = np.stack([context.values(_baseline(name))[0] for name in known])
        samples = _sample_variances(context, theirs, answers or {})
        compared.append(compare_with_control(ours - theirs, common_ratio_of(context, PRIMARY.column), samples))
        shared = {"context": context.name, "control": context.control, "data": control["data"].iloc[0]}
        diverged.append(context.diverged[context.control])
        rows += [shared | {"predictor": name, PRIMARY.column: control[_baseline(name)].mean()} for name in known]
    level = simultaneous_level(compared) if compared else ALPHA
    columns = []
    for each, of_control in zip(compared, diverged, strict=True):
        interval = each.interval(level)
        said = [unless_flattered(found, of_control, 0).value for found in verdicts(interval, PRIMARY.margin)]
        columns.append(pd.DataFrame(interval_columns("change", interval) | {"verdict": said}))
    return pd.concat([pd.DataFrame(rows), *([pd.concat(columns, ignore_index=True)] if columns else [])], axis=1)


def _baseline(predictor: str) -> str:
    """Its column of the trials."""
    return f"baseline/{predictor}_accuracy"


def _sample_variances(context: Context, theirs: Array, answers: Answers) -> Array:
    """(P,) the most that the samples of a fixed test part may add to the variance of each mean difference.

    theirs: (P, folds, seeds) accuracies of what needs no network, whose answers to each sample are not kept. The
    difference of two answers is 1, 0 or -1: of shares a and b that are right, at most min(a, 1-b) + min(b, 1-a) of the
    samples differ, and those of a group may all do so together. Zeros without a fixed test part.
    """
    known = [answers[run] for run in context.trials["run_id"] if run in answers] if answers else []
    if not known:
        return np.zeros(len(theirs))
    a, b = float(np.nanmean(context.values(PRIMARY.column)[0])), np.nanmean(theirs, axis=(1, 2))
    of_one = np.minimum(a, 1 - b) + np.minimum(b, 1 - a) - (a - b) ** 2
    sizes = np.unique(known[0]["group"], return_counts=True)[1]
    return np.asarray(of_one * (sizes**2).sum() / sizes.sum() ** 2)
