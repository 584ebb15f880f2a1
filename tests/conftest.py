"""Tiny prepared data, made once a session in this process, and configs composed as the scripts compose them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import overcast.core.startup  # noqa: F401 - before a test runs a script in this process, in which Ctrl-C ends pytest
from overcast.config.options import Option
from overcast.config.run_config import RunConfig
from overcast.config.schema import TrackingConfig
from overcast.tracking.store import TrackingStore, open_store
from overcast.tracking.study_info import StudyInfo

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: the tests share the cores between processes

import numpy as np
import pytest
from hydra import compose, initialize_config_dir

from chirps import Chirps
from overcast.config.compose import resolved, with_defaults
from overcast.config.schema import register_schema
from overcast.core.paths import HOME, ROOT
from overcast.data import DataSet
from overcast.data.digits import Digits
from overcast.data.skies import Skies
from overcast.prepare import decode
from overcast.prepare.download import download
from overcast.prepare.pack import Pack, pack
from overcast.prepare.split import split
from verses import Verses
from waves import Waves

signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background job ignores, and tests send

TINY = {"n_samples": 100, "size": 16, "difficulty": 0.2, "seed": 0}
FEW_SKIES = {f"mitigation.synthetic_pretraining.{name}": value for name, value in (("n_samples", 60), ("size", 16))}
Compose = Callable[..., RunConfig]


def prepare(root: Path, name: str, dataset: DataSet, options: dict[str, Any]) -> None:
    """Download, pack and split in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decode, "cores", lambda: 1)
        download(name, dataset, root, None)
        pack(name, dataset, options, root)
        split(name, root, seed=0)


@pytest.fixture
def prepare_data() -> Callable[[Path, str, DataSet, dict[str, Any]], None]:
    """`prepare`, for data of a test's own."""
    return prepare


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with `skies` (100 pictures of 16 pixels), `waves`, `chirps` and `verses`; 10 folds of seed 0."""
    root = tmp_path_factory.mktemp("data")
    prepare(root, "skies", Skies(**TINY), TINY)
    prepare(root, "waves", Waves(), {})
    prepare(root, "chirps", Chirps(), {})
    prepare(root, "verses", Verses(), {})
    return root


@pytest.fixture(scope="session")
def digits(prepared: Path) -> Path:
    """The same folder, with `digits` too."""
    prepare(prepared, "digits", Digits(), {})
    return prepared


@pytest.fixture
def data(prepared: Path) -> Path:
    """`prepared`, by a name that a test may also give to a parameter of its own."""
    return prepared


def composed(arguments: list[str], root: Path = ROOT) -> RunConfig:
    """The config that a script run with these arguments gets."""
    register_schema()
    with initialize_config_dir(str(root / "conf"), version_base="1.3"):
        return resolved(compose("config", [word for word in with_defaults(arguments, root) if word != "--multirun"]))


@pytest.fixture
def compose_as_script() -> Callable[[list[str], Path], RunConfig]:
    """`composed`, for any project folder."""
    return composed


@pytest.fixture
def config(prepared: Path, tmp_path: Path) -> Compose:
    """A tiny run's config: an ANN on the tiny skies, 2 epochs, bare, untracked, one thread; any override on top."""
    base = {
        "data": "skies",
        **{f"data.{key}": value for key, value in TINY.items()},
        **{"model": "ann", "mitigation": "none", "tracking": "off", "trainer": "cpu", "trainer.precision": "32-true"},
        **{"trainer.threads": 1, "epochs": 2, "batch_size": 16, "lr": 0.01},
        **{"data_dir": prepared, "runs_dir": tmp_path / "runs"},
    }

    def made(*overrides: str) -> RunConfig:
        taken = {override.split("=")[0] for override in overrides}
        foreign = any(o.startswith("data=") and o != "data=skies" for o in overrides)
        kept = {k: v for k, v in base.items() if k not in taken and not (foreign and k.startswith("data."))}
        if any(o.startswith("mitigation=") and "synthetic_pretraining" in o for o in overrides):
            kept |= {k: v for k, v in FEW_SKIES.items() if k not in taken}
        for name in ("waves", "chirps", "verses"):  # which have no option file
            if f"data={name}" in overrides:
                found = made(*(o for o in overrides if o != f"data={name}"))
                return replace(found, data=Option(name, f"{name}.{name.title()}", {}))
        return composed([*(f"{k}={v}" for k, v in kept.items()), *overrides])

    return made


@pytest.fixture
def gathered(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """The rows of each batch that is gathered from now on. All the packs here are sorted by class, but for `waves`."""
    seen: list[np.ndarray] = []
    gather = Pack.gather
    monkeypatch.setattr(Pack, "gather", lambda pack, rows: (seen.append(np.asarray(rows)), gather(pack, rows))[1])
    return seen


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to stand in, which data/, runs/ and all else are in, so that nothing lands in the project's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(HOME, str(tmp_path))
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "OVERCAST_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture(scope="session")
def tracking_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tracking database: making one takes seconds."""
    return tmp_path_factory.mktemp("studies")


@pytest.fixture
def tracking(tracking_folder: Path, request: pytest.FixtureRequest) -> TrackingConfig:
    """An experiment of the test's own."""
    uri = f"sqlite:///{tracking_folder}/mlflow.db"
    return TrackingConfig(uri=uri, artifacts=str(tracking_folder / "artifacts"), experiment=request.node.name)


@pytest.fixture
def store(tracking: TrackingConfig, home: Path) -> TrackingStore:
    found = open_store(tracking)
    assert found is not None
    return found


@pytest.fixture
def study(tmp_path: Path, store: TrackingStore) -> StudyInfo:
    """An open study of one job at a time."""
    folder = tmp_path / "runs" / "studies" / "x-1"
    (folder / "jobs").mkdir(parents=True)
    return StudyInfo("x-1", "x", store.study("x-1", "x", {"folder": str(folder)}).id, 1, str(folder))
