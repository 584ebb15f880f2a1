"""A recipe stands in for what params.yaml says, and the user's own words for both."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from overcast.config.compose import with_defaults
from overcast.config.recipe import read_recipe
from overcast.core.errors import UserError
from overcast.core.paths import ROOT

MINE = "lr: 0.5\nmodel.scale: 0.25\nmitigation: [augmentation, dropout]\nmitigation.dropout.p: 0.1\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a recipe called `mine`."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    (tmp_path / "conf/recipe/mine.yaml").write_text(MINE)
    return tmp_path


def test_a_recipe_stands_in_for_params(compose_as_script: Any, project: Path) -> None:
    plain, found = compose_as_script([], project), compose_as_script(["recipe=mine"], project)
    assert (found.lr, found.model.values["scale"], found.mitigation_name) == (0.5, 0.25, "augmentation+dropout")
    assert found.mitigation[1].values == {"p": 0.1}
    assert (found.epochs, found.data, found.split) == (plain.epochs, plain.data, plain.split)
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("recipe: none", "recipe: mine"))
    assert compose_as_script([], project) == found  # as `dvc repro` does
    assert compose_as_script(["recipe=none"], project) == plain


def test_the_user_and_a_study_win_over_a_recipe(compose_as_script: Any, project: Path) -> None:
    found = compose_as_script(["recipe=mine", "lr=0.1", "mitigation=none"], project)
    assert (found.lr, found.mitigation_name, found.model.values["scale"]) == (0.1, "none", 0.25)
    (project / "conf/study/short.yaml").write_text("# @package _global_\nepochs: 1\nlr: 0.2\nstudy: {folds: 3}\n")
    words = with_defaults(["+study=short", "recipe=mine"], project)
    assert not [word for word in words if word.startswith(("lr=", "epochs=", "recipe="))]
    assert "model.scale=0.25" in words


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("True", MINE, "recipe=True: there is no such recipe. Choices: mine, none"),
        ("yours", MINE, "recipe=yours: there is no such recipe. Choices: mine, none"),
        ("mine,none", MINE, "recipe=mine,none: there is no such recipe: give one name. Choices: mine, none"),
        ("mine", "data: skies", "conf/recipe/mine.yaml: data is nothing that a recipe sets"),
        ("mine", "seed: 1", "conf/recipe/mine.yaml: seed is nothing that a recipe sets"),
        ("mine", "lr:", "conf/recipe/mine.yaml: lr: give a value"),
        ("mine", "mitigation: {dropout: {p: 1}}", "conf/recipe/mine.yaml: mitigation: give a value"),
        ("mine", "cnn", "conf/recipe/mine.yaml: has to consist of lines such as"),
    ],
)
def test_a_wrong_recipe_is_one_message(project: Path, name: str, text: str, message: str) -> None:
    (project / "conf/recipe/mine.yaml").write_text(text)
    with pytest.raises(UserError, match=re.escape(message)):
        read_recipe(project / "conf", name)
