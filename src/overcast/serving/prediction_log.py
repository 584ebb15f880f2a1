"""What a served model has answered, one JSON line a sample, for `pipelines/drift.py` to compare with its reference.

`LOG` names the file; without it nothing is kept. Inputs are kept with `INPUTS` set to 1 alone. A line holds the time
(UTC), the model, and

- of an answer: the label, the probability of each class, and the sample's `input_features`;
- of a sample that could not be read, for which the request was refused: ``refused``, the reason.

The lines of a request are one write to the file's end (O_APPEND), which the kernel does not mix with those of other
processes; the file is opened for each request, so that it can be renamed by whatever rotates it. No request fails
because of its log: what goes wrong is said once.
"""

from __future__ import annotations

import base64
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from overcast.core.console import warn
from overcast.core.spec import Spec
from overcast.serving.input_features import input_features
from overcast.serving.onnx_model import OnnxModel

LOG = "OVERCAST_PREDICTION_LOG"
INPUTS = "OVERCAST_PREDICTION_LOG_INPUTS"


@dataclass(frozen=True)
class ModelIdentity:
    """Which model has answered. name, run: as people say it, and its MLflow id ("" without one).

    weights, fingerprint: the first 16 digits of each, which tell models apart.
    """

    name: str
    run: str
    weights: str
    fingerprint: str

    @classmethod
    def of(cls, name: str, run: str, weights: str, fingerprint: str) -> ModelIdentity:
        return cls(name, run, weights[:16], fingerprint[:16])

    @property
    def key(self) -> tuple[str, str]:
        """What two models of the same answers share."""
        return self.weights, self.fingerprint


def model_identity(model: OnnxModel) -> ModelIdentity:
    """By what an exported network says of itself."""
    told = model.metadata
    return ModelIdentity.of(told.name, told.run, told.weights, told.fingerprint)


def prediction(probabilities: np.ndarray, classes: Iterable[str], features: Mapping[str, float]) -> dict[str, Any]:
    """An answer as it is kept, of a request and of a reference alike: rounding then tells the two not apart."""
    names = list(classes)
    return {
        "label": names[int(probabilities.argmax())],
        "probabilities": {name: round(float(p), 6) for name, p in zip(names, probabilities, strict=True)},
        "features": {name: float(f"{x:.5g}") if math.isfinite(x) else None for name, x in features.items()},
    }


def json_line(model: ModelIdentity, entry: Mapping[str, Any], time: str = "") -> str:
    """A line of the log, of ASCII alone; of a reference, which has no time."""
    return json.dumps({**({"time": time} if time else {}), "model": asdict(model), **entry}) + "\n"


@dataclass
class PredictionLog:
    """path: of the file. inputs: keep those too."""

    path: str
    model: ModelIdentity
    spec: Spec
    inputs: bool = False
    _told: bool = field(default=False, init=False)

    @staticmethod
    def from_environment(model: OnnxModel) -> PredictionLog | None:
        """As the environment asks for; None if it asks for none."""
        if not (path := os.environ.get(LOG, "")):
            return None
        return PredictionLog(path, model_identity(model), model.spec, os.environ.get(INPUTS, "") == "1")

    def answered(self, sample: np.ndarray, probabilities: np.ndarray, content: Any) -> str:
        """The line of a sample that was answered, to be written with `write`; content: as it came in the request."""
        lines = []
        with self._told_once():
            entry = prediction(probabilities, self.spec.classes, input_features(sample, self.spec))
            lines.append(self._line(entry | ({"content": as_json(content)} if self.inputs else {})))
        return "".join(lines)

    def refused(self, reason: str) -> None:
        """Write that a request was refused, without what it held."""
        with self._told_once():
            self.write([self._line({"refused": reason})])

    def write(self, lines: Iterable[str]) -> None:
        """Append them, in one write."""
        with self._told_once():
            if content := "".join(lines).encode():
                _append(self.path, content)

    def _line(self, entry: Mapping[str, Any]) -> str:
        return json_line(self.model, entry, datetime.now(UTC).isoformat(timespec="milliseconds"))

    @contextmanager
    def _told_once(self) -> Iterator[None]:
        """Whatever goes wrong within it goes no further, and is said once."""
        try:
            yield
        except Exception as error:
            if self._told:
                return
            self._told = True
            reason = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
            with suppress(OSError, ValueError):  # there is nobody to tell
                warn(
                    f"not all predictions are logged: {LOG}={self.path}: {reason}. This is said once; "
                    "requests are answered all the same",
                    flush=True,
                )


def _append(path: str, content: bytes) -> None:
    """Raises: OSError if it is not written as a whole; at once where a pipe has no reader, or one that is behind."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
    file = os.open(path, flags, 0o600)  # what people sent is for its owner alone
    try:
        if os.write(file, content) < len(content):
            raise OSError(0, "a line was cut short")
    finally:
        os.close(file)


def as_json(content: Any) -> Any:
    """What came in a request as JSON takes it: a text as it is, bytes as base64, an array as lists."""
    if isinstance(content, Path):
        content = content.read_bytes()
    if isinstance(content, bytes | bytearray):
        return base64.b64encode(content).decode()
    return content.tolist() if isinstance(content, np.ndarray) else content
