"""overcast: which way of fighting overfitting works, for this network on this data, and how sure are we?

The Python interface, for a script or a notebook. A user's mistake is a UserError, and nothing ends Python.

    import overcast

    run = overcast.train("model=lstm", "epochs=3")
    overcast.evaluate(run)["test"]["accuracy"]
    overcast.predict(run, "/pictures")

Each function imports what it needs when it is called: torch for a training, pandas for a table.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from overcast.core.launchers import forget_ranks

if TYPE_CHECKING:
    import pandas as pd

    from overcast.comparison.compare import Comparison
    from overcast.prediction.predict import Samples
    from overcast.prepare.pack import Pack
    from overcast.tracking.run_folder import Run

if "OMP_WAIT_POLICY" not in os.environ:
    # Before torch is imported: its threads shall keep a core busy for some microseconds only while they wait, not for
    # milliseconds, or two trainings on the same cores slow each other down tenfold (docs/performance.md)
    os.environ.setdefault("GOMP_SPINCOUNT", "5000")

forget_ranks(os.environ)  # before Lightning is imported, which ends with an error where one is no number

__all__ = ["compare", "evaluate", "load_run", "open_pack", "predict", "train"]


def train(*overrides: str) -> Run:
    """One run, as by ``python pipelines/train.py`` with these words: ``train("model=lstm", "epochs=3")``.

    Raises: UserError for anything that the user can put right, before any training where possible.
    """
    from overcast.config.compose import compose_config
    from overcast.training import train as training

    return _with_absolute_folder(training.train(compose_config(*overrides)))


def evaluate(run: Run | str | Path, shift: bool = False) -> dict[str, Any]:
    """Measure a run, write ``evaluation/`` in its folder, and give the figures: ``["test"]["accuracy"]`` and so on.

    run: here and in `predict` also what `load_run` takes. shift: also the accuracy on corrupted test pictures.

    Raises: UserError if the data is not the one the run was trained on, or its training diverged.
    """
    from overcast.evaluation import evaluate as evaluation

    return evaluation.evaluate(_loaded(run), shift=shift)


def predict(run: Run | str | Path, files_or_arrays: Samples) -> pd.DataFrame:
    """Label files (a path, a folder, a glob, or several) or arrays of the run's kind of data: a row for each.

    run: also an exported network's file, or the address of a registered model, as ``models:/name@champion``.
    Columns: ``file`` (an array's number), ``label``, a probability per class, and ``error``: why there is none.

    Raises: UserError if there are no files or arrays, or an array is no array of samples.
    """
    from overcast.prediction.predict import prediction_table
    from overcast.serving.open_model import open_model

    return prediction_table(open_model(str(run)) if isinstance(run, str | Path) else run, files_or_arrays)


def compare(study: str = "", language: str = "en") -> Comparison:
    """A study's tables, verdicts and report; study: its name or id, or "" for the one that ran last.

    language: of what is written for people: "en", or "ko" for Korean.

    Raises: UserError if there is no such study or language, or the study has no finished run.
    """
    from overcast.claims import judge_claim
    from overcast.comparison import compare as comparison

    return comparison.compare(study, judge=judge_claim, language=language)


def load_run(folder_or_id: str | Path = "latest") -> Run:
    """A trained run by its folder, by the id of its MLflow run, or the ``latest``.

    Raises: UserError if there is none, or only a half one.
    """
    from overcast.tracking.find_run import find_run

    return _with_absolute_folder(find_run(str(folder_or_id)))


def open_pack(data: str, root: str | Path = "data") -> Pack:
    """The packed data set of this name. root: as ``data_dir``, in the project's folder unless it is an absolute path.

    Raises: UserError if there is none, or it is damaged.
    """
    from overcast.core.paths import project_path
    from overcast.prepare import pack

    return pack.open_pack(project_path(root), data)


def _loaded(run: Run | str | Path) -> Run:
    return load_run(run) if isinstance(run, str | Path) else run


def _with_absolute_folder(run: Run) -> Run:
    """The same run also after a change of the working directory."""
    return replace(run, folder=run.folder.absolute())
