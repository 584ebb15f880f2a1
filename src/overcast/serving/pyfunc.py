"""An exported network as MLflow's pyfunc: raw files in, labels and probabilities out.

Its input has one column, ``content``, of one sample a row:

- the bytes of a file that the data set's reader takes: a picture, a sound, a table; in JSON as base64;
- of a text the text itself;
- an array as a pack holds it: pictures (C, H, W) of 0 to 255, steps by features; in JSON as nested lists;
- a `pathlib.Path`, which no request can hold: no path is ever taken from a text.

MLflow loads it by `_load_pyfunc`, from the file alone: nothing of it is pickled, so that neither the Python nor the
overcast that serves it has to be the one that registered it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from mlflow.exceptions import MlflowException

from overcast.core.errors import UserError
from overcast.data import build_dataset
from overcast.prediction.predictor import BATCH, answers, probability_columns
from overcast.prediction.reading import Read, read_array, read_content
from overcast.serving.onnx_model import OnnxModel
from overcast.serving.prediction_log import PredictionLog

if TYPE_CHECKING:
    import pandas as pd

COLUMN = "content"

NO_CONTENT = {
    "tokens": "no text",
    "sequence": "neither base64 of a file nor an array of steps by features",
}
NO_FILE = "neither base64 of a file nor an array"


class InvalidInput(MlflowException):  # type: ignore[misc] # MLflow is untyped
    """What was sent cannot be read: HTTP 400. Its text is all that is answered: MLflow would put the data before it."""

    def __init__(self, text: str) -> None:
        super().__init__(text, error_code=INVALID)

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "message" or not hasattr(self, "message"):
            super().__setattr__(name, value)


INVALID = 1000
"""MLflow's INVALID_PARAMETER_VALUE."""


class ServedModel:
    """What MLflow calls: `predict` of a frame with the column ``content``.

    logged: whether its answers are kept where the environment asks for it (`overcast.serving.prediction_log`).
    """

    def __init__(self, path: Path, logged: bool = False) -> None:
        self.model = OnnxModel(path)
        self.log = PredictionLog.from_environment(self.model) if logged else None
        self.dataset = build_dataset(self.model.data)

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """A row a sample: ``label``, and the probability of each class.

        Raises: InvalidInput if there is no such column, or a sample cannot be read, naming the first.
        """
        import pandas as pd

        if COLUMN not in getattr(model_input, "columns", ()):
            raise InvalidInput(f"there is no column {COLUMN}: give one, with a sample a row")
        values, classes = _each(model_input[COLUMN]), self.model.spec.classes
        answered = list(self._answers(values))
        found = np.stack([each for each, _ in answered]) if values else np.empty((0, len(classes)))
        table = pd.DataFrame(found, columns=pd.Index(probability_columns(classes)))
        table.insert(0, "label", [classes[best] for best in found.argmax(1)])
        if self.log:
            self.log.write(line for _, line in answered)
        return table

    def _answers(self, values: list[Any]) -> Iterator[tuple[np.ndarray, str]]:
        """The probabilities (K,) of each, and its line for the log: a request is logged as a whole, or as refused."""
        for start in range(0, len(values), BATCH):
            batch = [self.read(value) for value in values[start : start + BATCH]]
            for number, answer in enumerate(answers(self.model, batch), start=start):
                sample = batch[number - start]
                if isinstance(answer, str) or isinstance(sample, str):
                    if self.log:
                        self.log.refused(str(answer))
                    raise InvalidInput(str(answer) if len(values) == 1 else f"sample {number}: {answer}")
                line = self.log.answered(sample, answer.probabilities, values[number]) if self.log else ""
                yield answer.probabilities, line

    def read(self, value: Any) -> Read:
        """One value of the column as the network is given it, or why it cannot be."""
        spec, no_content = self.model.spec, NO_CONTENT.get(self.model.spec.kind, NO_FILE)
        if isinstance(value, str):
            if spec.kind == "tokens":
                return read_content(self.dataset, spec, value.encode(errors="replace"))
            try:
                value = base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError):
                return no_content
        if isinstance(value, Path):
            try:
                value = value.read_bytes()
            except OSError as error:
                return f"{value} cannot be read ({error.strerror})"
        if isinstance(value, bytes | bytearray):
            return read_content(self.dataset, spec, bytes(value))
        if isinstance(value, list | np.ndarray):
            try:
                return read_array(np.asarray(value), spec)
            except ValueError:
                return "the lists are no array: some are longer than others"
        return no_content


def _each(column: Iterable[Any]) -> list[Any]:
    """The values of a column; MLflow's server puts all that a request has as ``inputs`` into one."""
    texts = [
        isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value) for value in column
    ]
    return [each for value, several in zip(column, texts, strict=True) for each in (value if several else [value])]


def _load_pyfunc(path: str) -> ServedModel:
    """What MLflow loads a model by. path: of the exported network. Raises: MlflowException if it cannot be used."""
    try:
        return ServedModel(Path(path), logged=True)
    except UserError as error:
        raise MlflowException(str(error)) from None
