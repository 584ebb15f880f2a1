"""params.yaml, which holds the defaults to run: read, and checked before anything is made of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import yaml

from overcast.config.messages import no_option
from overcast.core.errors import UserError

BESIDE = ("recipe",)
"""What may stand in params.yaml and is no part of the config: values of its own stand in for others there."""


class _Loader(yaml.SafeLoader):
    """YAML in which no key stands twice: one of the two would be ignored."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for number, (key, _) in enumerate(node.value):
            if key.value in keys[:number]:
                raise yaml.MarkedYAMLError(problem=f"{key.value} stands twice", problem_mark=key.start_mark)
        return super().construct_mapping(node, deep)


def read_defaults(path: Path, schema: type, without: Collection[str] = ()) -> dict[str, Any]:
    """params.yaml as option → value, flat: ``split.fold`` for what stands below ``split``.

    schema: the config's dataclass. A group of conf/ (a field made by a factory) is named by its choice here, or by a
    list of them; ``split`` has all its keys, since DVC refuses to list one that is not there. without: fields that
    may not stand here.

    Raises: UserError for an option that there is none of, that is missing or has no value, and for what is no YAML.
    """
    known = {field.name: field for field in fields(schema) if field.name not in without}
    hints = get_type_hints(schema)
    tree = _read(path)
    _check_names(path, tree, [*known, *BESIDE], [name for name, field in known.items() if _is_required(field)])
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if name == "split":
            below = [field.name for field in fields(hints[name])]
            own = value if isinstance(value, dict) else {}
            _check_names(path, own, below, below, "split.")
            optional = [key for key, hint in get_type_hints(hints[name]).items() if type(None) in get_args(hint)]
            flat |= {f"split.{key}": _with_value(path, f"split.{key}", own[key], key in optional) for key in below}
        else:
            flat[name] = _with_value(path, name, value)
            if name in known and known[name].default_factory is not MISSING and not _is_choice(value):
                raise UserError(f"{path.name}: {name}={value}: name a choice of conf/{name}, or a list of them")
    return flat


def _read(path: Path) -> dict[str, Any]:
    again = f"`git checkout {path.name}` brings back what was"
    try:
        tree = yaml.load(path.read_text(encoding="utf8"), _Loader)
    except FileNotFoundError:
        raise UserError(f"{path.name} is missing in {path.parent}: it says what to run ({again})") from None
    except OSError as error:
        raise UserError(f"{path.name}: cannot be read ({error.strerror}): it has to be a file ({again})") from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{path.name}{line}: cannot be read: {error.problem} ({again})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path.name}: cannot be read: {' '.join(str(error).split())} ({again})") from None
    if tree is not None and not isinstance(tree, dict):
        raise UserError(f"{path.name}: cannot be read: it has to consist of lines like `model: cnn` ({again})")
    return {str(name): value for name, value in (tree or {}).items()}


def _is_required(field: Field[Any]) -> bool:
    return field.default_factory is not MISSING or field.default == "???"


def _check_names(path: Path, tree: dict[str, Any], known: list[str], required: list[str], before: str = "") -> None:
    for name in tree:
        if name not in known:
            raise UserError(f"{path.name}: {no_option(before + str(name), [before + each for each in known])}")
    if missing := [before + name for name in required if name not in tree]:
        raise UserError(
            f"{path.name} lacks {', '.join(missing)}: add it (`git checkout {path.name}` brings back what was)"
        )


def _with_value(path: Path, name: str, value: Any, optional: bool = False) -> Any:
    if value is None and not optional:
        raise UserError(f"{path.name}: {name} has no value: give it one")
    return value


def _is_choice(value: Any) -> bool:
    names = value if isinstance(value, list) else [value]
    return bool(names) and all(isinstance(each, str) for each in names)
