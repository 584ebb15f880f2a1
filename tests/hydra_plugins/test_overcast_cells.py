"""The sweeper: which jobs a study has, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.types import HydraContext
from omegaconf import OmegaConf

from hydra_plugins.overcast_cells import jobs as jobs_of
from overcast.config.compose import VARIED_BY_FOLDS, study_keys
from overcast.config.schema import StudyConfig, register_schema
from overcast.core.paths import ROOT
from overcast.study.checks import study_repeats
from overcast.study.designs import study_cells


@pytest.fixture
def jobs() -> Any:
    """The jobs of these cells, repeats and params, with these words on the command line."""

    def found(
        arguments: Sequence[str] = (),
        cells: Sequence[str] = (),
        repeats: Sequence[str] = (),
        params: dict[str, str] | None = None,
    ) -> list[list[str]]:
        # Hydra loads its plugins anew: an imported class would have another base
        sweeper = Plugins.instance().class_name_to_class["hydra_plugins.overcast_cells.CellsSweeper"](
            list(cells), list(repeats), params=params
        )
        register_schema()
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            hydra = GlobalHydra.instance().hydra
            assert hydra is not None
            sweeper.hydra_context = HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks())
            points = sweeper.points(list(arguments))
            return jobs_of(points, [list(cells) or [""]] * len(points), list(repeats))

    return found


def test_repeats_vary_slowest_then_the_grid_then_the_cells(jobs: Any) -> None:
    found = jobs(
        ["lr=0.1,0.2", "epochs=3"], ["mitigation=none", "mitigation=dropout x=1"], ["seed=0 split.fold=0", "seed=1"]
    )
    assert found == [
        [f"lr={lr}", "epochs=3", *cell, *repeat]
        for repeat in (["seed=0", "split.fold=0"], ["seed=1"])
        for lr in ("0.1", "0.2")
        for cell in (["mitigation=none"], ["mitigation=dropout", "x=1"])
    ]


def test_a_plain_grid_is_hydras_own(jobs: Any) -> None:
    assert jobs(["model=ann,dnn", "seed=range(2)"]) == [
        ["model=ann", "seed=0"],
        ["model=ann", "seed=1"],
        ["model=dnn", "seed=0"],
        ["model=dnn", "seed=1"],
    ]
    assert jobs(["model=ann"]) == [["model=ann"]]


def test_lists_of_mitigations_are_points(jobs: Any) -> None:
    assert jobs(["mitigation=none,[dropout,noise]"]) == [["mitigation=none"], ["mitigation=[dropout,noise]"]]


def test_the_command_line_wins_over_params(jobs: Any) -> None:
    found = jobs(["model=lstm"], params={"model": "ann,dnn", "seed": "range(2)"})
    assert found == [["model=lstm", "seed=0"], ["model=lstm", "seed=1"]]


@pytest.mark.parametrize("path", sorted((ROOT / "conf" / "study").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_study_file_composes_and_has_whole_repeats(jobs: Any, path: Path) -> None:
    study = OmegaConf.load(path)
    sweeper = study.hydra.get("sweeper", OmegaConf.create())
    named = [*sweeper.get("cells", []), *(cell for group in sweeper.get("tuned", []) for cell in group)]
    settings: Any = OmegaConf.to_container(study.study)
    every = study_cells(StudyConfig(**settings), named) or named
    repeats = study_repeats(sweeper.get("repeats", []), study.study.get("folds"))
    found = jobs([], every, repeats, sweeper.get("params"))
    assert len(found) % len(repeats) == 0
    cells = [job[: -len(repeats[0].split())] for job in found]
    each = len(found) // len(repeats)
    assert all(cells[start : start + each] == cells[:each] for start in range(0, len(cells), each))
    assert {word.partition("=")[0] for job in found for word in job} <= study_keys(path) | set(VARIED_BY_FOLDS)
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        for job in found[: each : 1 if named else 9]:  # a design has its cells by the dozen
            compose(
                "config", ["data=skies", "model=ann", "trainer=cpu", "mitigation=none", f"+study={path.stem}", *job]
            )
