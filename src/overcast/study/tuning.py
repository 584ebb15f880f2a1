"""Choose among strengths of a mitigation by the validation part, before the study's own repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from overcast.runs import Run


def best(candidates: Mapping[str, Sequence[Any]]) -> str:
    """The candidate with the best mean validation accuracy over its runs, the likelihood breaking ties.

    What is no `Run` (a failed job) does not count; "" if nothing finished.
    """
    scores = {
        name: np.mean([validation(run) for run in runs if isinstance(run, Run)], axis=0).tolist()
        for name, runs in candidates.items()
        if any(isinstance(run, Run) for run in runs)
    }
    return max(scores, key=lambda name: scores[name], default="")


@cache
def validation(run: Run) -> tuple[float, float]:
    """Accuracy and log-likelihood of the kept weights on the whole validation part; the test part is not read."""
    from overcast.evaluation.evaluate import measure
    from overcast.fit import measuring, pack_of

    measured = measure(*measuring(run, pack_of(run.config)), np.flatnonzero(run.parts == "validation"))
    return measured.figures["accuracy"], -measured.figures["nll"]
