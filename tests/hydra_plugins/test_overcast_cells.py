"""The sweeper: the grid of the command line, and the jobs of every shipped study."""

from __future__ import annotations

import subprocess
import sys
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

from overcast.config.compose import VARIED_BY_FOLDS, study_keys
from overcast.config.schema import StudyConfig, register_schema
from overcast.core.paths import ROOT
from overcast.study.layout import study_layout
from overcast.study.tuning import ROLE


@pytest.fixture
def points() -> Any:
    """The points of the grid with these words on the command line, and these params."""

    def found(arguments: Sequence[str] = (), params: dict[str, str] | None = None) -> list[list[str]]:
        # Hydra loads its plugins anew: an imported class would have another base
        sweeper = Plugins.instance().class_name_to_class["hydra_plugins.overcast_cells.CellsSweeper"](
            [], [], params=params
        )
        register_schema()
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            hydra = GlobalHydra.instance().hydra
            assert hydra is not None
            sweeper.hydra_context = HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks())
            return list(sweeper.points(list(arguments)))

    return found


def test_a_plain_grid_is_hydras_own(points: Any) -> None:
    assert points(["model=ann,dnn", "seed=range(2)"]) == [
        ["model=ann", "seed=0"],
        ["model=ann", "seed=1"],
        ["model=dnn", "seed=0"],
        ["model=dnn", "seed=1"],
    ]
    assert points(["model=ann"]) == [["model=ann"]]


def test_lists_of_mitigations_are_points(points: Any) -> None:
    assert points(["mitigation=none,[dropout,noise]"]) == [["mitigation=none"], ["mitigation=[dropout,noise]"]]


def test_the_command_line_wins_over_params(points: Any) -> None:
    found = points(["model=lstm"], params={"model": "ann,dnn", "seed": "range(2)"})
    assert found == [["model=lstm", "seed=0"], ["model=lstm", "seed=1"]]


def test_what_it_does_not_need_for_help_is_not_imported() -> None:
    code = "import sys, hydra_plugins.overcast_cells; print([m for m in sys.modules if m.startswith('overcast')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted((ROOT / "conf" / "study").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_study_file_composes_and_has_whole_repeats(points: Any, path: Path) -> None:
    study = OmegaConf.load(path)
    sweeper: Any = OmegaConf.to_container(study.hydra.get("sweeper", OmegaConf.create()))
    settings: Any = OmegaConf.to_container(study.study)
    cells, repeats, tuned, params = (sweeper.get(name) or [] for name in ("cells", "repeats", "tuned", "params"))
    layout = study_layout(StudyConfig(**settings), points([], params or None), cells, repeats, tuned, params)
    found = layout.jobs
    each = len(layout.places)
    assert len(found) == each * len(layout.repeats) > 0
    words = {word.partition("=")[0] for job in found for word in job}
    assert words <= study_keys(path) | set(VARIED_BY_FOLDS) | {ROLE.partition("=")[0]}
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        for job in found[: each : 1 if cells or tuned else 9]:  # a design has its cells by the dozen
            compose(
                "config", ["data=skies", "model=ann", "trainer=cpu", "mitigation=none", f"+study={path.stem}", *job]
            )
