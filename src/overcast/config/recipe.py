"""A recipe: numbers and choices of a training that stand in for those of params.yaml, such as a search's winner.

``conf/recipe/<name>.yaml`` has a line for each, named as on the command line::

    lr: 0.0123
    model.scale: 0.5
    mitigation: [augmentation, dropout]
    mitigation.dropout.p: 0.2

``recipe=<name>`` takes it, on the command line or in params.yaml. The user's own words and a study win over it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from overcast.config.messages import option_names
from overcast.core.errors import UserError
from overcast.core.yaml_file import read_yaml

NONE = "none"
"""The recipe that changes nothing."""

NUMBERS = ("lr", "batch_size", "epochs")
PARTS = ("model.", "mitigation.")
CHOICE = "mitigation"


def is_recipe_key(name: str) -> bool:
    """Whether an option is one of the training itself: not of data, split, network, seed or device."""
    return name in (*NUMBERS, CHOICE) or name.startswith(PARTS)


def read_recipe(conf: Path, name: str) -> dict[str, Any]:
    """The options of ``conf/recipe/<name>.yaml`` by their names.

    Raises: UserError if there is no such recipe, or it holds what is none of a recipe's.
    """
    path, file = conf / "recipe" / f"{name}.yaml", f"conf/recipe/{name}.yaml"
    if name == NONE:
        return {}
    if not path.is_file():
        choices = ", ".join(option_names(conf, "recipe"))
        one = ": give one name" if "," in name else ""
        raise UserError(f"recipe={name}: there is no such recipe{one}. Choices: {choices}")
    content = read_yaml(path) or {}
    if not isinstance(content, dict):
        raise UserError(f"{file}: has to consist of lines such as `lr: 0.01`")
    for key, value in content.items():
        if not is_recipe_key(str(key)):
            own = ", ".join([*NUMBERS, CHOICE, *(f"{part}…" for part in PARTS)])
            raise UserError(f"{file}: {key} is nothing that a recipe sets. It may set {own}")
        if value is None or isinstance(value, dict):
            raise UserError(f"{file}: {key}: give a value; an option of an option is a line such as `model.scale: 0.5`")
    return {str(key): value for key, value in content.items()}
