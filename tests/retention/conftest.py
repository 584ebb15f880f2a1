"""Trials of a study that are copies of one trained run: training each would take a second."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from overcast.config.schema import TrackingConfig
from overcast.evaluation.evaluate import evaluate
from overcast.tracking.checksums import write_evaluation_hashes
from overcast.tracking.run_folder import Run
from overcast.tracking.store import TrackingStore, relative
from overcast.tracking.study_info import StudyInfo
from overcast.training.plan import make_plan
from overcast.training.train import execute

Trial = Callable[..., Run]


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the trained run is kept."""
    return tmp_path_factory.mktemp("trained") / "run"


@pytest.fixture
def words(tracking: TrackingConfig) -> list[str]:
    """Overrides: the tracking of `store`."""
    return [f"tracking.{name}={getattr(tracking, name)}" for name in ("uri", "artifacts", "experiment")]


@pytest.fixture
def trial(config: Any, place: Path, store: TrackingStore, study: StudyInfo, home: Path) -> Trial:
    """``trial(name, mitigation, seed, nll, …)``: an evaluated run of the study ``x-1``, recorded with its weights.

    nll: of its validation part. study: "" for one by hand. measured: whether it is evaluated. tags: more of them.
    """
    if not place.exists():
        made = execute(make_plan(config(f"run={place}")), None)
        evaluate(made, pictures=False)

    def make(
        name: str, mitigation: str = "none", seed: int = 0, nll: float = 1.0, role: str = "trial",
        study_id: str = study.id, status: str = "FINISHED", measured: bool = True, **tags: str,
    ) -> Run:  # fmt: skip
        folder = home / "runs" / name
        shutil.copytree(place, folder)
        run = Run(folder)
        run.write_config(replace(config(f"mitigation={mitigation}", f"seed={seed}"), role=role))
        run.write_facts({**Run(place).facts, "identity": name, "cell": f"{mitigation:8.8}", "name": name})
        if measured:
            metrics = json.loads((folder / "evaluation" / "metrics.json").read_bytes())
            metrics["validation"]["nll"] = nll
            (folder / "evaluation" / "metrics.json").write_text(json.dumps(metrics))
            write_evaluation_hashes(folder / "evaluation", run.facts["weights"])
        else:
            shutil.rmtree(folder / "evaluation")
        known = {"role": role, "study": study_id, "identity": name, "folder": relative(folder), **tags}
        record = store.create(name, {key: value for key, value in known.items() if value}, study.parent)
        record.params({"seed": seed, "mitigation": mitigation})
        run.write_record(id=record.id, study=study_id)
        for path in sorted(folder.iterdir()):
            if path.suffix in (".yaml", ".json", ".csv", ".pt"):
                record.artifact(path, "run")
        if status != "RUNNING":
            record.end(status)
        return run

    return make


@pytest.fixture
def reported(store: TrackingStore, study: StudyInfo) -> Callable[..., None]:
    """``reported(runs)``: end the study with a report on so many runs, as `describe_study` records it."""

    def end(runs: int, **tags: str) -> None:
        record = store.recorder(study.parent, {})
        record.tags({"reported": str(runs), "runs": str(runs), **tags})
        record.end("FINISHED")

    return end
