"""Label any files with a trained run: a row a file; a broken one is a row with its error."""

from __future__ import annotations

import contextlib
import csv
import glob
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
import torch
from tqdm.auto import tqdm

from overcast.core.atomic import whole_file
from overcast.core.errors import UserError
from overcast.core.spec import Spec
from overcast.data import DataSet, build_dataset
from overcast.prediction.trained_network import TrainedNetwork, restore
from overcast.tracking.run_folder import FILES, Run

BATCH = 64


def predict(run: Run, files: str, out: str = "") -> int:
    """Write ``file,label,<a probability per class>,error`` to ``out``, or to standard output.

    Returns how many files could not be read. Raises: UserError if there are no files, no room for ``out``, or
    if it is one of the files, or of the run.
    """
    paths = expand(files)
    _check_out(out, [*paths, *(run.path(name) for name in FILES)])
    learner, dataset = restore(run), build_dataset(run.config.data)
    classes = run.spec.classes
    broken = 0
    with _output(out) as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(["file", "label", *classes, "error"])
        for start in tqdm(range(0, len(paths), BATCH), unit="batch", disable=len(paths) <= BATCH):
            for path, found in _labelled(learner, dataset, run.spec, paths[start : start + BATCH]):
                if isinstance(found, str):
                    broken += 1
                    writer.writerow([path, "", *[""] * len(classes), found])
                else:
                    shares = [f"{p:.6f}" for p in found]
                    writer.writerow([path, classes[int(found.argmax())], *shares, ""])
    if broken:
        print(
            f"overcast: {broken} of {len(paths)} files could not be read: see the error column",
            file=sys.stderr,
        )
    return broken


def expand(files: str) -> list[Path]:
    """The files that a file, a folder (searched in depth, hidden ones left out) or a glob stands for.

    Raises: UserError if there are none.
    """
    place = Path(files)
    if place.is_file():
        return [place]
    if place.is_dir():
        found = [p for p in place.rglob("*") if not any(s.startswith(".") for s in p.relative_to(place).parts)]
    else:
        found = [Path(p) for p in glob.glob(files, recursive=True)]
    paths = sorted(p for p in found if p.is_file())
    if not paths:
        raise UserError(f"files={files}: no such file, an empty folder, or a pattern that matches nothing")
    return paths


def _labelled(
    learner: TrainedNetwork, dataset: DataSet, spec: Spec, paths: list[Path]
) -> Iterator[tuple[Path, np.ndarray | str]]:
    """Each path with its class probabilities (K,), or with why it could not be read."""
    read: list[np.ndarray | str] = []
    for path in paths:
        try:
            sample = dataset.read(path)
            if spec.kind == "sequence" and sample.shape[1:] != spec.shape[1:]:
                raise UserError(f"{sample.shape[1]} features a step, but the run was trained with {spec.shape[1]}")
            read.append(spec.encode(sample) if spec.kind == "tokens" else sample)
        except (UserError, OSError) as error:
            read.append(" ".join(str(error).split()))
    arrays = [array for array in read if not isinstance(array, str)]
    found = iter(probabilities(learner, arrays) if arrays else [])
    for path, array in zip(paths, read, strict=True):
        answer = array if isinstance(array, str) else next(found)
        finite = isinstance(answer, str) or np.isfinite(answer).all()
        yield path, answer if finite else "the network has no finite answer: some of its values are far too large"


def probabilities(learner: TrainedNetwork, arrays: list[np.ndarray]) -> np.ndarray:
    """(N, K) of samples padded with zeros to the longest."""
    image = learner.preprocessor.kind == "image"
    length = np.array([a.shape[1 if image else 0] for a in arrays])
    longest = max(len(a) for a in arrays)
    batch = np.stack([np.pad(a, [(0, longest - len(a)), *[(0, 0)] * (a.ndim - 1)]) for a in arrays])
    with torch.inference_mode():
        logits = learner(torch.from_numpy(batch), torch.from_numpy(length))
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
        yield sys.stdout
        return
    text = io.StringIO()
    yield text
    whole_file(Path(out), text.getvalue())
