"""Label any files, lines of tables or arrays with a trained run: a row for each; a broken one has its error."""

from __future__ import annotations

import contextlib
import glob
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

import numpy as np
import torch
from tqdm.auto import tqdm

from overcast.core.atomic import whole_file
from overcast.core.csv_rows import write_rows
from overcast.core.errors import UserError
from overcast.core.spec import SEQUENCES, Spec
from overcast.data import DataSet, build_dataset
from overcast.fetch.walk import as_on_disk, walk
from overcast.prediction.doubt import Doubt, DoubtColumns
from overcast.prediction.ensemble import AnyNetwork, restore_together
from overcast.prediction.trained_network import TrainedNetwork, restore
from overcast.readers.remarks import collected_remarks
from overcast.tracking.run_folder import FILES, Run

if TYPE_CHECKING:
    import pandas as pd

BATCH = 64

OTHERS = ("file", "label", "error", "answer", "set", "ood")
"""The columns that are no class's."""


Samples = str | Path | np.ndarray | Sequence[str | Path | np.ndarray]
"""What can be labelled: a file, a folder or a glob, or several of them; or arrays, all in one or in a list."""


@dataclass(frozen=True)
class Prediction:
    """A row of the answer. probabilities: (K,), or None where there is an error.

    file: a path, with the line in it where it is a table of samples; or an array's number. features: (F,) where the
    network watches them.
    """

    file: str | int
    label: str
    probabilities: np.ndarray | None
    error: str = ""
    features: np.ndarray | None = None


def predict(
    runs: Run | Sequence[Run], files: str, out: str = "", doubt: Doubt | None = None, flip: bool = False
) -> int:
    """Write ``file,label,<a probability per class>,error`` to ``out``, or to standard output.

    A class that is called as another column is "class …" there. Returns how many could not be read.

    runs: several answer as one, with their mean probabilities. doubt: what else is said of each row, in columns before
    the error (`overcast.prediction.doubt`). flip: the mean of the answers to each picture and its mirror image.

    Raises: UserError if there are no files, no room for ``out``, or if it is one of the files, or of the run; and as
    `restore_together` and `DoubtColumns` do.
    """
    runs = [runs] if isinstance(runs, Run) else runs
    paths = matching_files(files)
    _check_out(out, [*paths, *(run.path(name) for run in runs for name in FILES)])
    doubt = doubt or Doubt()
    if flip and (doubt.ood or doubt.conformal is not None):
        raise UserError("flip=true changes the answers that conformal=… and ood=true are about: leave it or them out")
    more = DoubtColumns(runs, doubt)
    network = restore_together(runs, flip)
    if doubt.ood and isinstance(network, TrainedNetwork):
        network.watch_features()
    rows = predictions(runs[0], paths, network)
    classes = runs[0].spec.classes
    broken = total = 0
    with _output(out) as target:
        write_rows(target, [("file", "label", *probability_columns(classes), *more.names, "error")])
        for row in rows:
            broken, total = broken + bool(row.error), total + 1
            cells = [""] * len(classes) if row.probabilities is None else [f"{p:.6f}" for p in row.probabilities]
            told = more.cells(row.probabilities, row.features)
            write_rows(target, [(row.file, row.label, *cells, *told, row.error)])
    if broken:
        what = "files" if total == len(paths) else "samples"
        print(f"overcast: {broken} of {total} {what} could not be read: see the error column", file=sys.stderr)
    return broken


def probability_columns(classes: Sequence[str]) -> list[str]:
    """The classes' columns; one that is called as another column of the answer is "class …" there."""
    return [f"class {name}" if name in OTHERS else name for name in classes]


def prediction_table(run: Run, samples: Samples) -> pd.DataFrame:
    """``file``, ``label``, a probability per class and ``error``, a row a sample; no number where there is an error.

    Files are read as the run's data set reads them. Arrays are what a pack of the run's data holds, and ``file`` is
    then their number: images (C, H, W) with values from 0 to 255; sequences (T, F); token ids or words (T,). All of
    an array (N, T, F) counts: sequences of several lengths come as a list.

    Raises: UserError if there are no samples, or an array is no array of samples.
    """
    import pandas as pd

    classes = run.spec.classes
    unknown = np.full(len(classes), np.nan)
    rows = list(predictions(run, listed(samples, run.spec)))
    probabilities = [unknown if row.probabilities is None else row.probabilities for row in rows]
    table = pd.DataFrame(np.stack(probabilities), columns=pd.Index(probability_columns(classes)))
    table.insert(0, "label", [row.label for row in rows])
    table.insert(0, "file", [row.file for row in rows])
    table.insert(len(table.columns), "error", [row.error for row in rows])
    return table


def listed(samples: Samples, spec: Spec) -> list[Path] | list[np.ndarray]:
    """The files that are meant, or the arrays one by one. Raises: UserError as `prediction_table` does."""
    if isinstance(samples, np.ndarray) and samples.dtype.kind in "iufb":
        _check_several(samples, spec)
    given = [samples] if isinstance(samples, str | Path) else list(samples)
    if not given:
        raise UserError("there is nothing to predict: give files or arrays")
    files = [each for each in given if isinstance(each, str | Path)]
    if files and len(files) < len(given):
        raise UserError("give either files or arrays, not both at once")
    if files:
        return [path for each in files for path in matching_files(str(each))]
    try:
        return [np.asarray(each) for each in given]
    except ValueError as error:
        raise UserError(f"what was given are neither files nor arrays ({error})") from None


def _check_several(samples: np.ndarray, spec: Spec) -> None:
    """Raises: UserError for one sample where several are meant, and the like."""
    if samples.ndim != 1 + len(spec.shape):
        needed = {"image": "(N, C, H, W)", "tokens": "(N, T)"}.get(spec.kind, "(N, T, F)")
        single = "; a single sample comes in a list, as [array]" if samples.ndim == len(spec.shape) else ""
        raise UserError(f"the array has shape {samples.shape}, but several samples are {needed}{single}")


def predictions(
    run: Run, samples: Sequence[Path] | Sequence[np.ndarray], network: AnyNetwork | None = None
) -> Iterator[Prediction]:
    """A row for each file or array, in their order. Raises: DivergedError at once if the run diverged.

    network: that of several runs as one, in the place of the run's own.
    """
    trained, spec, dataset = network or restore(run), run.spec, build_dataset(run.config.data)

    def read() -> Iterator[tuple[str | int, np.ndarray | str]]:
        for number, sample in enumerate(tqdm(samples, unit="file", disable=len(samples) <= BATCH)):
            if isinstance(sample, Path):
                yield from _read_file(dataset, spec, sample)
            else:
                yield number, _read_array(sample, spec)

    def rows() -> Iterator[Prediction]:
        every = read()
        while batch := list(islice(every, BATCH)):
            found = _answers(trained, [array for _, array in batch])
            for (file, _), answer in zip(batch, found, strict=True):
                if isinstance(answer, str):
                    yield Prediction(file, "", None, answer)
                else:
                    label = spec.classes[int(answer.probabilities.argmax())]
                    yield Prediction(file, label, answer.probabilities, features=answer.features)

    return rows()


def matching_files(files: str) -> list[Path]:
    """The files that a file, a folder (searched in depth, without what is hidden or a system's) or a glob stands for.

    Raises: UserError if there are none.
    """
    place = as_on_disk(Path(files))
    if place.is_file():
        return [place]
    if place.is_dir():
        found = [path for path, problem in walk(place) if not problem]
    else:
        found = [Path(p) for p in glob.glob(files, recursive=True)]
    paths = sorted(p for p in found if p.is_file())
    if not paths:
        raise UserError(f"files={files}: no such file, an empty folder, or a pattern that matches nothing")
    return paths


def _read_file(dataset: DataSet, spec: Spec, path: Path) -> Iterator[tuple[str, np.ndarray | str]]:
    """Each sample in a file: its name, and what the network is given, or why there is nothing."""
    try:
        with collected_remarks() as remarks:
            samples = dataset.read_all(path)
    except (UserError, OSError) as error:
        samples, remarks = [("", error)], []
    for text in remarks:
        print(f"overcast: {path}: {text}", file=sys.stderr)
    for place, sample in samples:
        yield f"{path}{place}", _encoded(sample, spec)


def _encoded(sample: np.ndarray | Exception, spec: Spec) -> np.ndarray | str:
    if isinstance(sample, Exception):
        return " ".join(str(sample).split())
    if spec.kind in SEQUENCES and sample.shape[1:] != spec.shape[1:]:
        return f"{sample.shape[1]} features a step, but the run was trained with {spec.shape[1]}"
    return spec.encode(sample)


def _read_array(array: np.ndarray, spec: Spec) -> np.ndarray | str:
    try:
        return _checked_array(array, spec)
    except UserError as error:
        return str(error)


def _checked_array(array: np.ndarray, spec: Spec) -> np.ndarray:
    """As a pack would hold it. Raises: UserError if it is no such sample."""
    whole, letters = array.dtype.kind in "iu", array.dtype.kind in "US"
    lengths = () if spec.kind == "image" else array.shape[:1]  # these may differ from one to the next
    if array.ndim != len(spec.shape) or (*lengths, *spec.shape[len(lengths) :]) != array.shape:
        needed = ", ".join(["any", *map(str, spec.shape[1:])] if spec.kind != "image" else map(str, spec.shape))
        raise UserError(f"shape {array.shape}, but the run was trained with ({needed})")
    if not array.size:
        raise UserError("no steps: the array is empty")
    if spec.kind == "image":
        if not whole or array.min() < 0 or array.max() > 255:
            raise UserError(f"pictures are whole numbers from 0 to 255, not {_range(array)}")
        return array.astype(np.uint8)
    if spec.kind in SEQUENCES:
        if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
            raise UserError("sequences are finite numbers")
        return spec.encode(array) if spec.offset else array.astype(np.float32)
    if letters:
        return spec.encode(list(map(str, array)))
    if not whole or array.min() < 0 or array.max() >= spec.ids:
        raise UserError(f"texts are words, or token ids from 0 to {spec.ids - 1}, not {_range(array)}")
    ids: np.ndarray = np.trim_zeros(array.astype(np.int32), "b")  # what pads a batch
    return ids if len(ids) else array[:1].astype(np.int32)


def _range(array: np.ndarray) -> str:
    told = f" from {array.min():g} to {array.max():g}" if array.dtype.kind in "iuf" else ""
    return f"{array.dtype}{told}"


class Answer(NamedTuple):
    """The class probabilities (K,) of a sample, and its features (F,) where the network watches them."""

    probabilities: np.ndarray
    features: np.ndarray | None


def _answers(trained: AnyNetwork, read: list[np.ndarray | str]) -> Iterator[Answer | str]:
    """The answer to each sample, or why there is none."""
    arrays = [array for array in read if not isinstance(array, str)]
    found = iter(predict_probabilities(trained, arrays) if arrays else [])  # then the features are there too
    watched = trained.features if isinstance(trained, TrainedNetwork) else None
    features = iter([None] * len(arrays) if watched is None else watched.flatten(1).double().numpy())
    for array in read:
        if isinstance(array, str):
            yield array
            continue
        answer = Answer(next(found), next(features))
        finite = np.isfinite(answer.probabilities).all()
        yield answer if finite else "the network has no finite answer: some of its values are far too large"


def predict_probabilities(trained: AnyNetwork, arrays: list[np.ndarray]) -> np.ndarray:
    """(N, K) of samples padded with zeros to the longest."""
    image = trained.preprocessor.kind == "image"
    length = np.array([a.shape[1 if image else 0] for a in arrays])
    longest = max(len(a) for a in arrays)
    batch = np.stack([np.pad(a, [(0, longest - len(a)), *[(0, 0)] * (a.ndim - 1)]) for a in arrays])
    with torch.inference_mode():
        logits = trained(torch.from_numpy(batch), torch.from_numpy(length))
    found: np.ndarray = logits.double().softmax(-1).numpy()
    return found


def _check_out(out: str, kept: list[Path]) -> None:
    """Raises: UserError if ``out`` cannot be a file, or is one of those to keep."""
    path = Path(out)
    if out and (not path.absolute().parent.is_dir() or (path.exists() and not path.is_file())):
        raise UserError(f"out={out}: cannot be written: name a plain file, in a folder that is there")
    if out and path.exists() and any(path.samefile(other) for other in kept):
        raise UserError(f"out={out}: is read itself, and would be overwritten: name another file")


@contextlib.contextmanager
def _output(out: str) -> Iterator[TextIO]:
    """Standard output, or a file that is there only when whole."""
    if not out:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="surrogateescape")  # a file's name may be no UTF-8
        yield sys.stdout
        return
    text = io.StringIO()
    yield text
    whole_file(Path(out), text.getvalue())
