"""What a user's mistake reads like: one message that names the option and lists the choices."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from overcast.core.errors import UserError


def error_message(error: BaseException, conf: Path) -> str:
    """One message for ``error``, raised while composing from the config folder ``conf``, or by us."""
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        return _unknown_choice(str(error.missing_cfg_file), conf)
    if isinstance(error, OverrideParseException):
        return (
            f"{error.override}: cannot be read. Options are name=value; a value with brackets, blanks or other signs "
            "is quoted twice: \"name='value'\""
        )
    if isinstance(error, OmegaConfBaseException | HydraException):
        return _composition(error, conf)
    return str(error)


def _unknown_choice(missing: str, conf: Path) -> str:
    group, _, name = missing.removesuffix(".yaml").strip("/").rpartition("/")
    choices = option_names(conf, group)
    if not choices:
        return f"there is no option group '{group or name}' in {conf.name}/"
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
    group, _, value = word.partition("=")
    choices = option_names(conf, group) if group.isidentifier() else []
    if choices and re.fullmatch(r"null|true|false|[-+.\d].*|", value, re.IGNORECASE):
        raise UserError(f"{word}: name a {group}. Choices: {', '.join(choices)}")


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
        return no_option(key, siblings)
    return f"{key}: {reason}" if key and key not in reason else reason


def _siblings(error: BaseException) -> list[str]:
    parent = getattr(error, "parent_node", None)
    try:
        return sorted(str(k) for k in parent if k not in ("_target_", "hydra")) if parent is not None else []
    except TypeError:
        return []
