"""Build what an option file describes, after checking its numbers against the constructor's annotations."""

from __future__ import annotations

import difflib
import importlib
import inspect
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from overcast.config import name_of
from overcast.data import DataSet
from overcast.errors import IncompatibleError, UserError
from overcast.spec import Kind


def build(group: str, option: dict[str, Any], *args: Any, **extra: Any) -> Any:
    """``_target_(*args, **numbers, **extra)`` for one option of ``group``.

    Raises: UserError naming the option if a number has the wrong type or no such name.
    """
    target = _class(option)
    numbers = {key: value for key, value in option.items() if key != "_target_"}
    hints = get_type_hints(target.__init__, include_extras=True)
    names = [name for name in inspect.signature(target).parameters if name != "spec"]
    for key, value in numbers.items():
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise UserError(
                f"{group} has no option '{key}'.{hint} Choices: {', '.join(names)}. One that a study sets is left out "
                f"by ~{group}.{key}"
            )
        numbers[key] = _checked(f"{group}.{key}", value, hints.get(key, Any))
    return target(*args, **{**numbers, **extra})


def _class(option: dict[str, Any]) -> Any:
    module, _, name = str(option["_target_"]).rpartition(".")
    return getattr(importlib.import_module(module), name)


def _checked(option: str, value: Any, hint: Any) -> Any:
    try:
        # YAML knows text from numbers, so text is never meant as a number here
        finite = TypeAdapter(hint, config=ConfigDict(allow_inf_nan=False))
        return finite.validate_python(value, strict=isinstance(value, str))
    except ValidationError as error:
        reason = "; ".join(sorted({str(e["msg"]) for e in error.errors()}))
        raise UserError(f"{option}={value}: {reason}") from None


def dataset(option: dict[str, Any]) -> DataSet:
    """The data set of a config's ``data``."""
    built = build("data", option)
    assert isinstance(built, DataSet)
    return built


def numbers(option: dict[str, Any]) -> dict[str, Any]:
    """An option's own numbers, without its ``_target_``."""
    return {key: value for key, value in option.items() if key != "_target_"}


def refuse(group: str, name: str, kind: Kind, kinds: tuple[Kind, ...]) -> None:
    """Raises: IncompatibleError if ``group=name`` does not make sense for this kind of data."""
    if kind not in kinds:
        raise IncompatibleError(f"{group}={name} works on {' and '.join(kinds)} data; this data set is of kind {kind}")


def mitigations(options: dict[str, dict[str, Any]], kind: Kind) -> dict[str, Any]:
    """The picked mitigations by name, in the order picked.

    Raises: UserError for `none` beside others; IncompatibleError for one that makes no sense for this kind of data.
    """
    if "none" in options and len(options) > 1:
        raise UserError("mitigation=none stands for no mitigation at all: pick it alone, or leave it out")
    built = {name: build(f"mitigation.{name}", option) for name, option in options.items()}
    for name, mitigation in built.items():
        refuse("mitigation", name, kind, mitigation.kinds)
    return built


def network(option: dict[str, Any], spec: Any, mitigations: dict[str, Any]) -> Any:
    """The picked network for data of this spec, with what the mitigations put into it.

    Raises: UserError for options that are wrong; IncompatibleError for what does not fit the data or each other.
    """
    kind, model = _class(option), name_of(option)
    refuse("model", model, spec.kind, kind.kinds)
    extra: dict[str, Any] = {}
    for name, mitigation in mitigations.items():
        if reason := kind.refuses.get(name):
            raise IncompatibleError(
                f"mitigation={name} makes no sense for model={model}: {reason}. Leave one of them out"
            )
        extra |= mitigation.model_kwargs()
    if "scale" in extra:  # a smaller network than the one picked, whatever its own scale
        extra["scale"] *= option.get("scale", 1.0)
    return build("model", option, spec, **extra)
