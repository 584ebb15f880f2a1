"""What `predict` predicts with: a run, a registered model or an exported network, by what the user calls it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from overcast.core.paths import project_path
from overcast.prediction.predictor import Predictor

if TYPE_CHECKING:
    from overcast.tracking.run_folder import Run

REGISTERED = "models:/"
"""How the address of a registered model begins."""


def open_model(text: str, tracking: Sequence[str] = ()) -> list[Run] | Predictor:
    """text: as ``run=`` has it: a run's folder, MLflow id or "latest", or several with commas; ``models:/name@alias``
    or ``models:/name/3``; or an .onnx file. tracking: overrides of ``conf/tracking``, where these are looked up.

    Raises: UserError if there is no such thing, or it cannot be used.
    """
    if text.startswith(REGISTERED):
        from overcast.serving.registry import registered_model

        return registered_model(text, tracking)
    if text.endswith(".onnx"):
        from overcast.serving.onnx_model import OnnxModel

        return OnnxModel(Path(text) if Path(text).exists() else project_path(text))
    from overcast.tracking.find_run import find_runs

    return find_runs(text, tracking=tracking)
