"""Choose among strengths of a mitigation by the validation part, before the study's own repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from overcast.core.errors import DivergedError
from overcast.tracking.run_folder import Run


def best(candidates: Mapping[str, Sequence[Any]]) -> str:
    """The candidate with the best mean validation accuracy over its runs, the likelihood breaking ties.

    What is no `Run` (a failed job) does not count, but for one that diverged: its candidate comes after all whose runs
    did not, since those that are left flatter it. "" if nothing finished.
    """
    scores = {}
    for name, runs in candidates.items():
        if finished := [run for run in runs if isinstance(run, Run)]:
            whole = not any(isinstance(run, DivergedError) for run in runs)
            scores[name] = (whole, *np.mean([validation(run) for run in finished], axis=0).tolist())
    return max(scores, key=lambda name: scores[name], default="")


def validation(run: Run) -> tuple[float, float]:
    """Accuracy and log-likelihood of the kept weights on the whole validation part; the test part is not read."""
    from overcast.evaluation.evaluate import measure
    from overcast.prediction.trained_network import open_config_pack
    from overcast.training.feature_cache import restore_for_measuring

    measured = measure(
        *restore_for_measuring(run, open_config_pack(run.config)), np.flatnonzero(run.parts == "validation")
    )
    return measured.figures["accuracy"], -measured.figures["nll"]
