"""Export a run to ONNX: one file with preprocessing, network and metadata, checked on the whole test part."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from overcast.core.atomic import whole_file
from overcast.core.errors import UserError
from overcast.core.progress import progress_bar
from overcast.core.spec import Spec
from overcast.model import trainable_view
from overcast.prediction.predictor import BATCH, softmax
from overcast.prediction.run_predictor import RunPredictor
from overcast.prediction.trained_network import TrainedNetwork, open_run_pack, restore
from overcast.prepare.folds import TEST
from overcast.prepare.pack import Pack
from overcast.serving.onnx_model import INSTALL, KEY, Metadata, OnnxModel
from overcast.serving.onnx_operators import with_onnx_operators
from overcast.tracking.metadata import provenance
from overcast.tracking.run_folder import Run

OPSET = 20

TOLERANCE = 1e-5
"""By how much a probability may differ from the run's."""

UNDECIDED = 2e-5
"""Where the two best classes differ by less, either is the label."""


@dataclass(frozen=True)
class Parity:
    """The exported network against the run, over all samples of the test part, one thread each, batches of `BATCH`.

    difference: the largest of a probability. other_labels: how many labels differ where the two best classes differ by
    more than `UNDECIDED`. rates: samples a second.
    """

    samples: int
    difference: float
    other_labels: int
    torch_rate: float = field(compare=False)
    onnx_rate: float = field(compare=False)

    @property
    def text(self) -> str:
        """As a person reads it."""
        return (
            f"parity on the test part ({self.samples:,} samples): probabilities differ by at most "
            f"{self.difference:.1e}, {self.other_labels} labels differ\n"
            f"speed, one thread, batches of {BATCH}: {self.onnx_rate:,.0f} samples/s, by torch {self.torch_rate:,.0f}"
        )


def export_run(run: Run, out: str) -> tuple[Path, Parity]:
    """Write a run as one ONNX file, which gives the run's own probabilities.

    Raises: UserError if ``out`` is no name of an .onnx file, onnx is not installed, the network cannot be exported, the
    run's data is not here, or the file would give other probabilities; nothing is written then.
    """
    path = Path(out)
    if path.suffix != ".onnx" or path.is_dir() or not path.absolute().parent.is_dir():
        raise UserError(f"out={out}: name a file that ends with .onnx, in a folder that is there")
    pack, predictor = open_run_pack(run), RunPredictor([run])
    content = onnx_bytes(run)
    with TemporaryDirectory(prefix="overcast-") as folder:
        part = Path(folder) / path.name
        part.write_bytes(content)
        parity = measure_parity(predictor, OnnxModel(part), pack, np.flatnonzero(run.parts == TEST))
    if not parity.difference <= TOLERANCE or parity.other_labels:
        raise UserError(f"the exported network does not answer as the run does, so nothing is written. {parity.text}")
    whole_file(path, content)
    return path, parity


def onnx_bytes(run: Run) -> bytes:
    """A run as the content of an ONNX file. Raises: UserError as `export_run` does, but for what it checks."""
    try:
        import onnx
        import onnxscript  # noqa: F401 # which torch's exporter imports
    except ImportError:
        raise UserError(f"to export a network needs the extra `serve`: run {INSTALL}") from None
    spec, facts = run.spec, run.facts
    trained = restore(run)
    proto = _graph(trained, spec, run.config.model.name)
    for node in [*proto.graph.node, *(node for function in proto.functions for node in function.node)]:
        del node.metadata_props[:]  # where in whose files each was traced
        node.doc_string = ""
    metadata = Metadata(
        opset=OPSET,
        spec=asdict(spec),
        data=run.config.data.to_dict(),
        data_name=run.config.data.name,
        temperature=trained.temperature,
        name=facts["name"],
        run=facts["id"],
        weights=facts["weights"],
        fingerprint=facts["fingerprint"],
        git=provenance().get("git", ""),
    )
    onnx.helper.set_model_props(proto, {KEY: metadata.to_json()})
    onnx.checker.check_model(proto)
    content: bytes = proto.SerializeToString()
    return content


def _graph(trained: TrainedNetwork, spec: Spec, model: str) -> Any:
    """The network from raw values to logits as ONNX's ModelProto, for any number of samples, and of steps.

    Raises: UserError if torch's exporter cannot do it, or fixes one of the two.
    """
    with_onnx_operators(trainable_view(trained.net), OPSET)
    batch, steps = torch.export.Dim("batch"), torch.export.Dim("steps")
    shapes = {"x": {0: batch} if spec.kind == "image" else {0: batch, 1: steps}, "length": {0: batch}}
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)  # torchvision, of which there is none
    try:
        with warnings.catch_warnings(action="ignore"):
            program = torch.onnx.export(
                trained, example_batch(spec), dynamo=True, opset_version=OPSET, dynamic_shapes=shapes,
                input_names=["x", "length"], output_names=["logits"], verbose=False,
            )  # fmt: skip
    except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
        raise UserError(f"model={model} cannot be exported to ONNX: {_reason(error)}") from None
    finally:
        logger.setLevel(level)
    assert program is not None
    proto = program.model_proto
    free = [bool(dim.dim_param) for each in proto.graph.input for dim in each.type.tensor_type.shape.dim]
    if sum(free) < (2 if spec.kind == "image" else 3):
        raise UserError(
            f"model={model} cannot be exported to ONNX: torch's exporter fixes how many samples or steps it takes"
        )
    return proto


def _reason(error: BaseException) -> str:
    """The last cause's own words, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())[:300]


def example_batch(spec: Spec) -> tuple[torch.Tensor, torch.Tensor]:
    """Two samples of zeros as a pack has them, and their lengths."""
    dtype = {"image": torch.uint8, "tokens": torch.int32}.get(spec.kind, torch.float32)
    shape = spec.shape if spec.kind == "image" else (max(2, spec.shape[0]), *spec.shape[1:])
    return torch.zeros(2, *shape, dtype=dtype), torch.full((2,), shape[1 if spec.kind == "image" else 0])


def measure_parity(ours: RunPredictor, exported: OnnxModel, pack: Pack, rows: np.ndarray) -> Parity:
    """Both over these rows of the pack, and how long each took."""
    batches = [pack.gather(part) for part in np.array_split(rows, -(-len(rows) // BATCH))]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        expected, torch_seconds = _timed(ours.logits, batches, "torch")
        found, onnx_seconds = _timed(exported.logits, batches, "onnxruntime")
    finally:
        torch.set_num_threads(threads)
    p, q = softmax(expected), softmax(found)
    best = np.sort(p, axis=1)[:, -2:]
    clear = best[:, 1] - best[:, 0] > UNDECIDED
    other = int((clear & (p.argmax(1) != q.argmax(1))).sum())
    return Parity(len(rows), float(np.abs(p - q).max()), other, len(rows) / torch_seconds, len(rows) / onnx_seconds)


def _timed(
    logits: Callable[[np.ndarray, np.ndarray], np.ndarray], batches: list[tuple[np.ndarray, np.ndarray]], name: str
) -> tuple[np.ndarray, float]:
    logits(*batches[0])  # the first call costs more than those after it
    began = time.perf_counter()
    found = [logits(x, length) for x, length in progress_bar(batches, name, "batch")]
    return np.concatenate(found), time.perf_counter() - began
