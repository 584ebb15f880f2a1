"""An exported network: onnxruntime, numpy and the readers are all that it needs, and nothing else is imported.

The file holds preprocessing and network, from raw values as a pack has them to logits; in its metadata is what it takes
to read a file as the training did, and to say what the logits mean.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from overcast.config.options import Option
from overcast.core.errors import UserError
from overcast.core.formats import check_format
from overcast.core.spec import Spec
from overcast.prediction.predictor import Predictor

FORMAT = 1
"""Of the metadata: raised when what is written could no longer be read by the version before."""

KEY = "overcast"
"""Of the metadata in the file: all of it is one JSON text."""

INSTALL = 'pip install --constraint constraints.txt --editable ".[serve]"'


@dataclass(frozen=True)
class Metadata:
    """What an exported network says of itself.

    data, data_name: the data set's option, by which files are read, and its name. temperature: what its
    logits are divided by in the graph, so that they are as sure as right (Guo et al. 2017); 1 where none was learned.
    name, run: the run's, as people say it, and its MLflow id ("" without one). weights: their SHA-256. fingerprint: of
    the data and its split. git: the commit that exported it. opset: of ONNX.
    """

    opset: int
    spec: Mapping[str, Any]
    data: Mapping[str, Any]
    data_name: str
    temperature: float
    name: str
    run: str
    weights: str
    fingerprint: str
    git: str

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self)})

    @classmethod
    def from_json(cls, text: str, path: Path) -> Metadata:
        """Raises: UserError if another version of overcast wrote it, or it is damaged."""
        try:
            stored = json.loads(text)
            check_format(f"the exported network {path}", stored, FORMAT, "export the run again")
            return cls(**{name: stored[name] for name in cls.__dataclass_fields__})
        except (ValueError, LookupError, TypeError, AttributeError):
            raise UserError(f"{path} is damaged: what it says of itself cannot be read. Export the run again") from None


class OnnxModel(Predictor):
    """See `Predictor`. threads: of the processor for one batch; a server has a process for each core instead.

    content: the file's, where another machine has read it.

    Raises: UserError if onnxruntime is not installed, or the file is no network that `export` wrote.
    """

    def __init__(self, path: Path, threads: int = 1, content: bytes | None = None) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise UserError(f"an exported network needs the extra `serve`: run {INSTALL}") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors
        try:
            # not by its name: a file from anyone could name others as parts of it
            self._pickled = path, threads, content or path.read_bytes()
            self.session = onnxruntime.InferenceSession(self._pickled[2], options, providers=["CPUExecutionProvider"])
        except OSError as error:
            raise UserError(f"{path} cannot be read ({error.strerror})") from None
        except Exception as error:  # onnxruntime raises classes of its own, one for each of its states
            reason = " ".join(str(error).split())[:200]
            raise UserError(f"{path} is no network in ONNX that can be run ({reason})") from None
        found = self.session.get_modelmeta().custom_metadata_map
        if KEY not in found:
            raise UserError(f"{path} was not exported by overcast: `python pipelines/export.py run=… out=…` does so")
        self.metadata = Metadata.from_json(found[KEY], path)
        self.files = [path]
        told = self.metadata.spec.items()
        stored: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in told}
        self._spec = Spec(**stored)
        self._dtype = {"image": np.uint8, "tokens": np.int32}.get(self._spec.kind, np.float32)

    def __reduce__(self) -> tuple[type[OnnxModel], tuple[Path, int, bytes]]:
        """Pickled for another process or machine, where there is no such file; onnxruntime's session cannot be."""
        return OnnxModel, self._pickled

    @property
    def spec(self) -> Spec:
        return self._spec

    @property
    def data(self) -> Option:
        return Option.from_dict(self.metadata.data, self.metadata.data_name)

    def logits(self, x: np.ndarray, length: np.ndarray) -> np.ndarray:
        inputs = {"x": x.astype(self._dtype, copy=False), "length": length.astype(np.int64, copy=False)}
        found: np.ndarray = self.session.run(["logits"], inputs)[0]
        return found
