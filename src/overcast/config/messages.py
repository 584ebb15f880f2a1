"""What a user's mistake reads like: one message that names the option and lists the choices."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Glob, QuotedString
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from overcast.core.errors import UserError

LANGUAGE = "language"
"""The option of every script that says in which language it answers. It stands in no config: no file depends on it."""

AMBIGUOUS = re.compile(r"Ambiguous value for argument '(.*)'\n")
"""What Hydra says where a value could be a list, too."""
CONVERTED = re.compile(r"Value '(.*)' of type '\w+' could not be converted to (\w+)|Value '(.*)' is not a valid bool")
"""What OmegaConf says of a value of the wrong type."""
NAMES = (str, QuotedString, Glob)
"""What Hydra reads a name as."""
TYPES = {"Integer": "a whole number", "Float": "a number", "Boolean": "true or false", "String": "a text"}


def error_message(error: BaseException, conf: Path) -> str:
    """One message for ``error``, raised while composing from the config folder ``conf``, or by us."""
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        return _unknown_choice(str(error.missing_cfg_file), conf)
    if isinstance(error, OverrideParseException):
        return _unreadable(str(error.override))
    if isinstance(error, HydraException) and (ambiguous := AMBIGUOUS.match(str(error))):
        return f"{_unreadable(ambiguous[1])}. Several values in turn take -m as well"
    if isinstance(error, OmegaConfBaseException | HydraException):
        return _composition(error, conf)
    return str(error)


def quoted(value: str) -> str:
    """A text as Hydra reads it back, whatever is in it."""
    escaped = re.sub(r'(\\*)("|$)', lambda match: match[1] * 2 + ('\\"' if match[2] else ""), value)
    return '"' + escaped.replace("${", "\\${") + '"'


def _unreadable(word: str) -> str:
    """Of an override that Hydra cannot read, or reads as several: how to write it in a shell."""
    name, equals, value = word.partition("=")
    if not equals or not re.fullmatch(r"[+~]*[\w./@-]+", name):
        return f"{word}: cannot be read. Options are name=value"
    value = value if value[:1] not in ("'", '"') or value[-1:] != value[:1] or len(value) < 2 else value[1:-1]
    why = "is each bracket closed? A text with one" if value[:1] in ("[", "{") else "a value with such signs"
    return f"{word}: cannot be read: {why} is quoted: {shlex.quote(f'{name}={quoted(value)}')}"


LAUNCHERS = "hydra/launcher"
LAUNCHER_EXTRAS = {"ray": "ray", "submitit_slurm": "slurm"}
"""Launchers that are there where an extra is, by their names in Hydra."""


def _unknown_choice(missing: str, conf: Path) -> str:
    group, _, name = missing.removesuffix(".yaml").strip("/").rpartition("/")
    choices = option_names(conf, group)
    if not choices:
        return f"there is no option group '{group or name}' in {conf.name}/"
    if group == LAUNCHERS and (extra := LAUNCHER_EXTRAS.get(name)):
        return (
            f"hydra/launcher={extra} needs the extra `{extra}`: run "
            f'pip install --constraint constraints.txt --editable ".[{extra}]"'
        )
    near = difflib.get_close_matches(name, choices, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"{group}={name}: there is no such {group}.{hint} Choices: {', '.join(choices)}"


def no_option(name: str, choices: Sequence[str]) -> str:
    """That there is no option of this name, the nearest one, and all there are."""
    last = {choice.rsplit(".", 1)[-1]: choice for choice in choices}
    near = difflib.get_close_matches(name.rsplit(".", 1)[-1], last, n=1)
    hint = f" Did you mean {last[near[0]]}?" if near else ""
    return f"there is no option '{name}'.{hint} Choices: {', '.join(choices)}"


def check_group(conf: Path, word: str) -> None:
    """Raises: UserError for a ``word`` of the command line that gives an option group no name, as ``model=null``."""
    group = word.lstrip("+").partition("=")[0].partition("@")[0]
    choices = option_names(conf, group) if group.isidentifier() else []
    if choices and not all(isinstance(name, NAMES) and name for name in _values(word)):
        raise UserError(f"{word}: name a {group}. Choices: {', '.join(choices)}")


def _values(word: str) -> list[Any]:
    """What an override gives, one by one where it gives several; nothing where Hydra cannot read it, which it says."""
    try:
        value = OverridesParser.create().parse_override(word)._value
    except HydraException:
        return []
    several = value.list if isinstance(value, ChoiceSweep) else [value]
    return [name for one in several for name in (one if isinstance(one, list) else [one])]


def option_names(conf: Path, group: str) -> list[str]:
    """The names of a group's option files."""
    return sorted(path.stem for path in (conf / group).glob("*.yaml"))


def _composition(error: BaseException, conf: Path) -> str:
    chain = [error]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    text = str(error).strip()
    deepest = next((e for e in reversed(chain) if isinstance(e, OmegaConfBaseException)), None)
    if deepest is None:
        return text
    key = str(getattr(deepest, "full_key", "") or "")
    reason = str(getattr(deepest, "msg", None) or deepest).splitlines()[0]
    if (wrong := CONVERTED.match(reason)) and key:
        value, wanted = (wrong[1], TYPES.get(wrong[2], wrong[2])) if wrong[2] else (wrong[3], TYPES["Boolean"])
        return f"{key}={value}: give {wanted}"
    if reason.startswith("Interpolation"):
        return f"{key}: {reason}. Where ${{ is part of a name, it is written as \\${{"
    if "is not a ListConfig" in reason:
        return f"{key}: give a list, such as {key}=[a,b]"
    if isinstance(deepest, MissingMandatoryValue):
        return f"{key} is not set: give {key}=…"
    group, _, name = key.partition(".")
    if group == "mitigation" and name in option_names(conf, group):
        return (
            f"{key}: {name} is not chosen, so it has no options to set: choose it too (mitigation={name}). Where a "
            "sweep varies the mitigation, options of one belong into a study's cells (see conf/study/depth.yaml)"
        )
    parent = key.rpartition(".")[0]
    siblings = [f"{parent}.{name}" if parent else name for name in _siblings(deepest)]
    if siblings and re.search(r"not in|no attribute|struct", str(deepest)):
        return no_option(key, siblings if parent else [*siblings, LANGUAGE])
    return f"{key}: {reason}" if key and key not in reason else reason


def _siblings(error: BaseException) -> list[str]:
    parent = getattr(error, "parent_node", None)
    try:
        return sorted(str(k) for k in parent if k not in ("_target_", "hydra")) if parent is not None else []
    except TypeError:
        return []
