"""Look inside a trained run and write one page about it, into the run's MLflow run too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from overcast.core.paths import project_path
from overcast.core.seeding import stratified_sample
from overcast.core.words import translate, use_language
from overcast.evaluation.evaluate import open_recorder
from overcast.explain import attribution, filters, gradients, maps, patches
from overcast.explain.attribution import LIGHT
from overcast.explain.samples import choose_test_samples, read_files
from overcast.html import writer
from overcast.html.page import Page
from overcast.model import trainable_view
from overcast.prediction.build import build
from overcast.prediction.trained_network import open_run_pack, restore
from overcast.tracking.run_folder import Run

ROWS = 400  # samples among which a unit's strongest responses are looked for


def explain(run: Run, files: str = "", out: str = "", language: str = "en") -> Path:
    """Write ``out``, or else ``reports/explain/<run>/``, log it to the run's record, and give the page's path.

    files: a file, a folder or a glob to explain; "" for some of the test part. language: of the page, "en" or "ko".

    Raises: UserError if captum is missing, there is no such language, the data has changed since training, or no file
    can be read.
    """
    with use_language(language):
        return _explain(run, files, out)


def _explain(run: Run, files: str, out: str) -> Path:
    gradients.require_captum()
    folder = Path(out) if out else project_path(f"reports/explain/{_name(run)}")
    writer.check_report_folder(folder)
    trained, pack = restore(run), open_run_pack(run)
    samples = read_files(run, trained, files) if files else choose_test_samples(run, trained, pack)
    trained.net = trainable_view(trained.net)
    before = trainable_view(build(run.config, run.spec)[0])
    light = run.facts["multiply_adds"] <= LIGHT
    unseen = np.flatnonzero(np.isin(run.parts, ("validation", "test")))
    rows = stratified_sample(unseen, pack.labels, ROWS if light else ROWS // 4, run.config.seed, "patches")
    sections = [
        attribution.section(run, trained, samples),
        filters.section(before, trained, pack, rows),
        maps.section(trained, pack, rows, samples),
        patches.section(trained, pack, rows, patches.PROBES if light else patches.PROBES // 4),
    ]
    title = translate("Inside {name}", name=run.facts["name"])
    page = writer.write(folder, Page(title, _lead(run), sections, _facts(run)))
    record = open_recorder(run)
    record.artifact(folder, "explain")
    run.note_refused(record.refused)
    return page


def _name(run: Run) -> str:
    """The run's folder; the id of one fetched from MLflow, whose folder is always called the same."""
    return str(run.facts["id"]) if run.folder.name == "run" and run.facts["id"] else run.folder.resolve().name


def _lead(run: Run) -> str:
    names = {"model": run.config.model.name, "data": run.config.data.name}
    if run.facts["synthetic"]:
        return translate("What the {model} looks at in synthetic {data}, and what its layers have become.", **names)
    return translate("What the {model} looks at in {data}, and what its layers have become.", **names)


def _facts(run: Run) -> dict[str, object]:
    facts = run.facts
    return {
        translate("folder of the run"): str(run.folder), "id": facts["id"], translate("data"): run.config.data.name,
        translate("weights"): f"{facts['parameters']:,}", translate("epochs"): facts["epochs_run"],
        "torch": torch.__version__,
    }  # fmt: skip
