"""The winner as ``conf/recipe/<name>.yaml``: what ``recipe=<name>`` takes, on the command line or in params.yaml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from overcast.config.recipe import NONE
from overcast.core.atomic import whole_file
from overcast.core.errors import UserError
from overcast.core.paths import ROOT
from overcast.core.secrets import without_password

FOUND_BY = "# Found by search {}: "
"""How a recipe of ours begins, by which the search that goes on knows its own."""


def recipe_path(name: str) -> Path:
    """Where it lies: in the project, as all options do."""
    return ROOT / "conf" / "recipe" / f"{name}.yaml"


def check_recipe(name: str, search: str) -> None:
    """Raises: UserError if a recipe cannot be called so, or another one is: it would be lost."""
    if not re.fullmatch(r"[\w-]+", name, re.ASCII) or name == NONE:
        raise UserError(f"name={name}: a recipe is called by letters, digits, - and _, and not {NONE}")
    path = recipe_path(name)
    if path.exists() and not path.read_text(encoding="utf8", errors="replace").startswith(FOUND_BY.format(search)):
        raise UserError(
            f"conf/recipe/{name}.yaml holds another recipe, which this search would replace: give this one another "
            f"name (name=…), or remove that file"
        )


def write_recipe(name: str, search: str, command: str, values: dict[str, Any]) -> Path:
    """Write it; where it lies."""
    one_line = " ".join(without_password(command).split())
    text = f"{FOUND_BY.format(search)}{one_line}\n" + "".join(_line(key, value) for key, value in values.items())
    whole_file(recipe_path(name), text)
    return recipe_path(name)


def _line(key: str, value: Any) -> str:
    shown = yaml.safe_dump(value, default_flow_style=True, width=float("inf")).removesuffix("...\n").strip()
    return f"{key}: {shown}\n"
