"""Build what an option file describes, after checking its numbers against the constructor's annotations."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from overcast.core.errors import UserError

Built = TypeVar("Built")


@dataclass(frozen=True)
class Option:
    """One choice of a group, such as ``model=cnn``.

    name: that of its file. target: the class it builds, with its module. values: its own numbers.
    """

    name: str
    target: str
    values: Mapping[str, Any]

    @classmethod
    def from_dict(cls, node: Mapping[str, Any], name: str = "") -> Self:
        """From an option file's content: ``_target_`` and numbers. Its name is that of the target's module."""
        target = str(node["_target_"])
        values = {key: value for key, value in node.items() if key != "_target_"}
        return cls(name or target.rsplit(".", 2)[-2], target, values)

    def to_dict(self) -> dict[str, Any]:
        return {"_target_": self.target, **self.values}

    def target_class(self) -> Any:
        """The class, imported."""
        module, _, name = self.target.rpartition(".")
        return getattr(importlib.import_module(module), name)


def build_option(group: str, option: Option, *args: Any, contract: type[Built], **extra: Any) -> Built:
    """``_target_(*args, **values, **extra)`` for one option of ``group``, whose class must derive from ``contract``.

    Raises: UserError naming the option if its class is of another kind, or a number has the wrong type or no such name.
    """
    target = option.target_class()
    if not (isinstance(target, type) and issubclass(target, contract)):
        base = f"{contract.__module__}.{contract.__qualname__}"
        raise UserError(f"{group.partition('.')[0]}={option.name}: {option.target} must be a class derived from {base}")
    numbers = dict(option.values)
    hints = get_type_hints(target.__init__, include_extras=True)
    names = [name for name in inspect.signature(target).parameters if name != "spec"]
    for key, value in option.values.items():
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise UserError(
                f"{group} has no option '{key}'.{hint} Choices: {', '.join(names)}. One that a study sets is left out "
                f"by ~{group}.{key}"
            )
        numbers[key] = _checked(f"{group}.{key}", value, hints.get(key, Any))
    built: Built = target(*args, **{**numbers, **extra})
    return built


def _checked(option: str, value: Any, hint: Any) -> Any:
    try:
        # YAML knows text from numbers, so text is never meant as a number here
        finite = TypeAdapter(hint, config=ConfigDict(allow_inf_nan=False))
        return finite.validate_python(value, strict=isinstance(value, str))
    except ValidationError as error:
        reason = "; ".join(sorted({str(e["msg"]) for e in error.errors()}))
        raise UserError(f"{option}={value}: {reason}") from None
