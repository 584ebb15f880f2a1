"""A run with all that its page shows beside the answer: what can be had is got ready once, before the page opens."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from overcast.core.console import in_language
from overcast.core.errors import UserError
from overcast.core.paths import project_path
from overcast.core.words import translate
from overcast.demo.answer import Demo, single_run
from overcast.demo.doubts import Doubts
from overcast.demo.explanation import Explainer
from overcast.demo.nearest import NearestSamples
from overcast.demo.other_networks import other_networks
from overcast.prediction.predict import as_predictor
from overcast.prediction.predictor import Predictor
from overcast.prediction.run_predictor import RunPredictor

if TYPE_CHECKING:
    from overcast.tracking.run_folder import Run


def chosen_model(text: str, study: str = "", tracking: Sequence[str] = ()) -> list[Run] | Predictor:
    """What ``run=`` names: as `predict` has it, or "best", that of a study as `register` has it.

    Raises: UserError if there is no such thing, or a study is named without run=best.
    """
    from overcast.serving.candidates import BEST, best_run
    from overcast.serving.open_model import open_model

    if text == BEST:
        # kept: what is fetched from MLflow is read until the end
        return [best_run(study, tracking, Path(tempfile.mkdtemp(prefix="overcast-"))).run]
    if study:
        raise UserError("study=… goes with run=best: leave it out, or give that")
    return open_model(text, tracking)


def open_demo(
    model: list[Run] | Predictor,
    min_probability: float | None = None,
    conformal: float | None = None,
    name: str = "",
) -> Demo:
    """Restore the model, index what it was trained on, and restore other networks. name: see `Demo`.

    Raises: UserError as `as_predictor` and `Doubts` do.
    """
    predictor = as_predictor(model)
    doubts = Doubts(predictor, min_probability, conformal)
    run = single_run(predictor)
    if run is None or not isinstance(predictor, RunPredictor):
        reason = translate("There are none: they take a single run, and the data it was trained on.")
        return Demo(predictor, doubts, reason, [], None, name)
    others = other_networks(run, project_path(run.config.runs_dir))
    return Demo(predictor, doubts, _nearest(run, predictor), others, Explainer(run))


def _nearest(run: Run, predictor: RunPredictor) -> NearestSamples | str:
    try:
        return NearestSamples(run, predictor)
    except UserError as error:
        return translate("They cannot be found: {reason}.", reason=in_language(str(error)).rstrip("."))
