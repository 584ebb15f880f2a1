"""The winner's file is a recipe of the program, and another search's is not overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from overcast.config.recipe import read_recipe
from overcast.core.errors import UserError
from overcast.tuning import recipe
from overcast.tuning.recipe import check_recipe, write_recipe

VALUES = {"lr": 0.00005, "model.scale": 0.5, "mitigation": ["dropout"], "mitigation.dropout.p": 0.2}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(recipe, "ROOT", tmp_path)
    (tmp_path / "conf" / "recipe").mkdir(parents=True)
    return tmp_path


def test_what_is_written_is_read(project: Path) -> None:
    command = "python pipelines/tune.py storage=postgresql://me:hush@host/db\nname=x"
    text = write_recipe("mine", "mine-1", command, VALUES).read_text()
    assert read_recipe(project / "conf", "mine") == VALUES
    assert "hush" not in text
    assert text.count("\n") == 1 + len(VALUES)


def test_another_recipe_is_kept() -> None:
    path = write_recipe("mine", "mine-1", "", VALUES)
    check_recipe("mine", "mine-1")
    for text in (path.read_text(), "lr: 0.1\n"):
        path.write_text(text)
        with pytest.raises(UserError, match=r"conf/recipe/mine\.yaml holds another recipe"):
            check_recipe("mine", "mine-2")


@pytest.mark.parametrize("name", ["none", "a/b", "../a", "a b", "비"])
def test_a_name_is_a_word(name: str) -> None:
    with pytest.raises(UserError, match=f"name={name}: a recipe is called by letters"):
        check_recipe(name, "x")
