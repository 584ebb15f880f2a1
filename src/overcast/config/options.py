"""Build what an option file describes, after checking its numbers against the constructor's annotations."""

from __future__ import annotations

import difflib
import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar, cast, get_args, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from overcast.core.errors import UserError
from overcast.core.paths import ROOT
from overcast.core.spec import Kind
from overcast.core.yaml_file import read_yaml

Built = TypeVar("Built")

Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole, or a chance."""
Rate = Annotated[float, Field(ge=0, lt=1)]
"""The like, which must leave something: the chance that a unit is left out of a step."""

FURTHER_PACKAGES = {"metric": ("torchmetrics", "overcast.training.metrics")}
"""Of the groups whose classes are not all in overcast's room of that name."""

ENDS = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
"""What a JSON schema calls the ends of a range, and what a message does."""
BEYOND = {"ge", "gt", "le", "lt"}
"""What pydantic calls them."""


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
        return cls(name or target.rsplit(".", 2)[-2:][0], target, values)

    def to_dict(self) -> dict[str, Any]:
        return {"_target_": self.target, **self.values}

    def target_class(self, group: str) -> Any:
        """The class, imported. group: that of the option.

        Raises: UserError if it may not be imported, there is no such module or class, or the module itself imports
        what there is not.
        """
        option = f"{group}={self.name}"
        module, _, name = self.target.rpartition(".")
        written = (
            f"see _target_ in {Path('conf', group, '*.yaml')}"  # a file of another name, if the module is misspelt
        )
        if not module or module.startswith("."):
            raise UserError(f"{option}: {self.target} must be a class with its module: {written}")
        if not _may_be_imported(group, self.target):
            raise UserError(
                f"{option}: {self.target} is not imported: it is no class of {' or '.join(_own_packages(group))}, and "
                f"a stored config may come from anyone. If you trust it, name it as _target_ in a file of conf/{group}/"
            )
        try:
            found = importlib.import_module(module)
        except ImportError as error:
            absent = isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}.")
            place = written if absent else f"look into {module.replace('.', '/')}.py"
            raise UserError(f"{option}: {self.target} cannot be imported ({error}): {place}") from None
        if not hasattr(found, name):
            raise UserError(f"{option}: {found.__file__} has no class {name}: {written}")
        return getattr(found, name)

    def checked_class(self, group: str, contract: type[Built]) -> type[Built]:
        """The class, which keeps ``contract``: derived from it, with all its methods, for kinds of data that there are.

        Raises: UserError naming the option, and what its class lacks.
        """
        target, option = self.target_class(group), f"{group}={self.name}"
        if not (isinstance(target, type) and issubclass(target, contract)):
            base = f"{contract.__module__}.{contract.__qualname__}"
            raise UserError(f"{option}: {self.target} must be a class derived from {base}")
        if missing := sorted(getattr(target, "__abstractmethods__", ())):
            raise UserError(f"{option}: {self.target} lacks {', '.join(missing)}")
        name = "kinds" if hasattr(target, "kinds") else "kind"
        kinds = cast("str | tuple[str, ...]", getattr(target, name, ()))
        declared = {kinds} if isinstance(kinds, str) else set(kinds)
        if unknown := sorted(declared - set(get_args(Kind))):
            choices = ", ".join(get_args(Kind))
            raise UserError(f"{option}: {self.target}.{name} has {', '.join(unknown)}: the choices are {choices}")
        return target


def is_own(group: str, target: str) -> bool:
    """Whether this is a class of the packages and modules that any config may name as options of ``group``."""
    return target.startswith(tuple(f"{package}." for package in _own_packages(group)))


def _own_packages(group: str) -> tuple[str, ...]:
    return FURTHER_PACKAGES.get(group, (f"overcast.{group}",))


def _may_be_imported(group: str, target: str) -> bool:
    """Whether a config that may come from anyone may name this class: to import a module is to run it.

    So may one that is overcast's, one that an option file of this project names, and one that this process has
    already defined as an option of that group.
    """
    if is_own(group, target):
        return True
    module, _, name = target.rpartition(".")
    defined = getattr(sys.modules.get(module), name, None)
    if isinstance(defined, type) and any(base.__module__ == f"overcast.{group}" for base in defined.__mro__):
        return True
    return target in _option_file_targets(group)


def _option_file_targets(group: str) -> set[str]:
    """The classes that the option files of this project name. Raises: UserError if one cannot be read."""
    targets = set()
    for path in (ROOT / "conf" / group).glob("*.yaml"):
        content = read_yaml(path)
        targets.add(str(content.get("_target_")) if isinstance(content, dict) else "")
    return targets


def build_option(group: str, option: Option, *args: Any, contract: type[Built], **extra: Any) -> Built:
    """``_target_(*args, **values, **extra)`` for one option of ``group``, whose class must keep ``contract``.

    Raises: UserError naming the option if its class does not, or a number has the wrong type or no such name.
    """
    target: Callable[..., Built] = option.checked_class(group.partition(".")[0], contract)
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
        numbers[key] = checked_value(f"{group}.{key}", value, hints.get(key, Any))
    return target(*args, **{**numbers, **extra})


def checked_value(option: str, value: Any, hint: Any) -> Any:
    """``value`` as the type ``hint``. Raises: UserError naming the option, and the range that it is beyond."""
    finite = TypeAdapter(hint, config=ConfigDict(allow_inf_nan=False))
    try:
        # YAML knows text from numbers, so text is never meant as a number here
        return finite.validate_python(value, strict=isinstance(value, str))
    except ValidationError as error:
        reason = "; ".join(sorted({_reason(finite, e) for e in error.errors()}))
        raise UserError(f"{option}={value}: {reason}") from None


def _reason(numbers: TypeAdapter[Any], error: ErrorDetails) -> str:
    """Both ends of the range that a number is beyond, or one in a list; for other errors pydantic's own words."""
    said = error["msg"].replace("Input should be", "must be")
    if not BEYOND & set(error.get("ctx", ())):
        return said
    schema = numbers.json_schema()
    for _ in error["loc"]:
        schema = schema.get("items", {})
    ends = " and ".join(f"{word} {schema[key]:,.15g}" for key, word in ENDS.items() if key in schema)
    return f"must be {ends}" if ends else said
