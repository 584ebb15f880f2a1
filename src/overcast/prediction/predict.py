"""Label any files, lines of tables or arrays with a trained run, or a network that was exported from one.

There is a row for each; a broken one has its error. Only a run brings torch: an exported network needs none.
"""

from __future__ import annotations

import contextlib
import glob
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeAlias, Union

import numpy as np

from overcast.core.atomic import whole_file
from overcast.core.console import warn
from overcast.core.csv_rows import write_rows
from overcast.core.errors import UserError
from overcast.core.progress import open_bar
from overcast.core.spec import Spec
from overcast.data import build_dataset
from overcast.fetch.walk import as_on_disk, walk
from overcast.prediction.doubt import Doubt, DoubtColumns
from overcast.prediction.predictor import BATCH, Predictor, answers, probability_columns
from overcast.prediction.reading import Read, read_array, read_file

if TYPE_CHECKING:
    import pandas as pd

    from overcast.tracking.run_folder import Run

Model: TypeAlias = Union["Run", "Sequence[Run]", Predictor]
"""What can label: a run, several that answer as one, or a network that was exported from one."""

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
    model: Model, files: str, out: str = "", doubt: Doubt | None = None, flip: bool = False, on_ray: bool = False
) -> int:
    """Write ``file,label,<a probability per class>,error`` to ``out``, or to standard output.

    A class that is called as another column is "class …" there. Returns how many could not be read.

    doubt: what else is said of each row, in columns before the error (`overcast.prediction.doubt`). flip: the mean of
    the answers to each picture and its mirror image. on_ray: let a Ray cluster label (`overcast.prediction.ray_batch`).

    Raises: UserError if there are no files, no room for ``out``, or if it is one of the files, or of the model; and as
    `as_predictor` and `DoubtColumns` do.
    """
    paths = matching_files(files)
    doubt = doubt or Doubt()
    if flip and (doubt.ood or doubt.conformal is not None):
        raise UserError("flip=true changes the answers that conformal=… and ood=true are about: leave it or them out")
    predictor = as_predictor(model, flip)
    _check_out(out, [*paths, *predictor.files])
    more = DoubtColumns(predictor, doubt)
    label: Callable[[Predictor, Sequence[Path]], Iterator[Prediction]] = predictions
    if on_ray:
        from overcast.prediction.ray_batch import predictions_on_ray as label
    classes = predictor.spec.classes
    broken = total = 0
    with _output(out) as target:
        write_rows(target, [("file", "label", *probability_columns(classes), *more.names, "error")])
        for row in label(predictor, paths):
            broken, total = broken + bool(row.error), total + 1
            cells = [""] * len(classes) if row.probabilities is None else [f"{p:.6f}" for p in row.probabilities]
            told = more.cells(row.probabilities, row.features)
            write_rows(target, [(row.file, row.label, *cells, *told, row.error)])
    if broken:
        what = "files" if total == len(paths) else "samples"
        warn(f"{broken} of {total} {what} could not be read: see the error column")
    return broken


def as_predictor(model: Model, flip: bool = False) -> Predictor:
    """That of a run, of several that answer as one, or what is one already. flip: see `predict`.

    Raises: DivergedError at once if a run diverged; UserError if runs cannot answer as one, or what is no run is to
    be flipped.
    """
    if isinstance(model, Predictor):
        if flip:
            raise UserError("flip=true needs a run: leave it out for an exported or registered model")
        return model
    from overcast.prediction.run_predictor import RunPredictor

    return RunPredictor(model if isinstance(model, Sequence) else [model], flip)


def prediction_table(model: Model, samples: Samples) -> pd.DataFrame:
    """``file``, ``label``, a probability per class and ``error``, a row a sample; no number where there is an error.

    Files are read as the run's data set reads them. Arrays are what a pack of the run's data holds, and ``file`` is
    then their number: images (C, H, W) with values from 0 to 255; sequences (T, F); token ids or words (T,). All of
    an array (N, T, F) counts: sequences of several lengths come as a list.

    Raises: UserError if there are no samples, or an array is no array of samples.
    """
    import pandas as pd

    predictor = as_predictor(model)
    classes = predictor.spec.classes
    unknown = np.full(len(classes), np.nan)
    rows = list(predictions(predictor, listed(samples, predictor.spec)))
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


def predictions(predictor: Predictor, samples: Sequence[Path] | Sequence[np.ndarray]) -> Iterator[Prediction]:
    """A row for each file or array, in their order."""
    spec, dataset = predictor.spec, build_dataset(predictor.data)

    def read() -> Iterator[tuple[str | int, Read]]:
        for number, sample in enumerate(open_bar(samples, unit="file", disable=len(samples) <= BATCH)):
            if isinstance(sample, Path):
                yield from read_file(dataset, spec, sample)
            else:
                yield number, read_array(sample, spec)

    every = read()
    while batch := list(islice(every, BATCH)):
        found = answers(predictor, [array for _, array in batch])
        for (file, _), answer in zip(batch, found, strict=True):
            if isinstance(answer, str):
                yield Prediction(file, "", None, answer)
            else:
                label = spec.classes[int(answer.probabilities.argmax())]
                yield Prediction(file, label, answer.probabilities, features=answer.features)


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
