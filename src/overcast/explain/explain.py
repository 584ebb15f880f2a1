"""Look inside a trained run and write one page about it, into the run's MLflow run too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from overcast.config import name_of
from overcast.evaluation.evaluate import record_of
from overcast.explain import attribution, evidence, filters, maps, patches
from overcast.explain.evidence import LIGHT
from overcast.explain.specimens import of_files, of_test
from overcast.fit import build, pack_of_run, restore
from overcast.html import writer
from overcast.html.page import Page
from overcast.model import opened
from overcast.runs import Run
from overcast.seeding import stratified_sample

ROWS = 400  # samples among which a unit's strongest responses are looked for


def explain(run: Run, files: str = "", out: str = "") -> Path:
    """Write ``out``, or else ``reports/explain/<run>/``, log it to the run's record, and give the page's path.

    files: a file, a folder or a glob to explain; "" for some of the test part.

    Raises: UserError if captum is missing, the data has changed since training, or no file can be read.
    """
    attribution.require()
    folder = Path(out or f"reports/explain/{_name(run)}")
    writer.check_folder(folder)
    learner, pack = restore(run), pack_of_run(run)
    specimens = of_files(run, learner, files) if files else of_test(run, learner, pack)
    learner.net = opened(learner.net)
    before = opened(build(run.config, run.spec)[0])
    light = run.facts["multiply_adds"] <= LIGHT
    unseen = np.flatnonzero(np.isin(run.parts, ("validation", "test")))
    some = stratified_sample(unseen, pack.labels, ROWS if light else ROWS // 4, run.config["seed"], "patches")
    sections = [
        evidence.section(run, learner, specimens),
        filters.section(before, learner.net, run.spec),
        maps.section(learner, run.spec, specimens),
        patches.section(learner, pack, some, patches.PROBES if light else patches.PROBES // 4),
    ]
    page = writer.write(folder, Page(f"Inside {run.facts['name']}", _lead(run), sections, _facts(run)))
    record_of(run).artifact(folder, "explain")
    return page


def _name(run: Run) -> str:
    """The run's folder; the id of one fetched from MLflow, whose folder is always called the same."""
    return str(run.facts["id"]) if run.folder.name == "run" and run.facts["id"] else run.folder.resolve().name


def _lead(run: Run) -> str:
    kind = "synthetic " if run.facts["synthetic"] else ""
    data, model = (name_of(run.config[group]) for group in ("data", "model"))
    return f"What the {model} looks at in {kind}{data}, and what its layers have become."


def _facts(run: Run) -> dict[str, object]:
    facts = run.facts
    return {
        "run": str(run.folder), "id": facts["id"], "data": name_of(run.config["data"]),
        "weights": f"{facts['parameters']:,}", "epochs": facts["epochs_run"], "torch": torch.__version__,
    }  # fmt: skip
