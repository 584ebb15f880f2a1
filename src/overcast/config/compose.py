"""Composing: params.yaml's values in front of the user's own overrides, and the result as plain containers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import hydra
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from overcast.config.defaults import read_defaults
from overcast.config.messages import LANGUAGE, check_group, error_message, quoted
from overcast.config.recipe import CHOICE, NONE, read_recipe
from overcast.config.run_config import RunConfig
from overcast.config.schema import SETTINGS, ConfigSchema, TrackingConfig, register_schema
from overcast.core.errors import UserError
from overcast.core.paths import ROOT
from overcast.core.secrets import keep_passwords
from overcast.core.yaml_file import read_yaml

VARIED_BY_FOLDS = ("split.fold", "seed")
"""What differs from one repeat of a study to the next where it says how many folds it uses."""


PLAIN = re.compile(r"(?!(?:null|true|false|nan|inf)$)[a-zA-Z_][\w-]*", re.IGNORECASE | re.ASCII)
"""A text that Hydra reads as itself without quotes."""


def default_overrides(params: Path, taken: Iterable[str], recipe: str = "") -> list[str]:
    """params.yaml as overrides, without the keys already ``taken`` by the user or a study.

    recipe: the one whose values stand in for some of them, instead of the one that params.yaml names.

    Raises: UserError for anything in it that is no default to run, or if there is no such recipe.
    """
    flat, taken = read_defaults(params, ConfigSchema, SETTINGS), set(taken)
    name = flat.pop("recipe", NONE)
    own = read_recipe(params.parent / "conf", recipe or str(name))
    if CHOICE in taken:  # strengths of what may not be chosen any more
        own = {key: value for key, value in own.items() if not key.startswith(f"{CHOICE}.")}
    flat |= own
    return [f"{key}={as_override(value)}" for key, value in flat.items() if key not in taken]


def as_override(value: Any) -> str:
    """A plain value as it stands in an override."""
    if isinstance(value, list):
        return "[" + ",".join(map(as_override, value)) + "]"
    if isinstance(value, str):
        return value if PLAIN.fullmatch(value) else quoted(value)
    return json.dumps(value)


def override_key(word: str) -> str:
    """Which option an override sets: ``model`` for ``+model=cnn``."""
    return word.partition("=")[0].lstrip("+~").partition("@")[0]


def with_defaults(arguments: list[str], root: Path = ROOT) -> list[str]:
    """The command line with params.yaml's defaults put in front of the user's overrides."""
    # Hydra's parser wants all overrides in one run of arguments: flags first, defaults before the overrides
    if {"--hydra-help", "--shell-completion", "-sc"} & set(arguments):
        return arguments  # composes nothing
    for word in arguments:
        if any("\ud800" <= sign <= "\udfff" for sign in word):  # as Python has a byte that is none
            shown = word.encode("utf8", "backslashreplace").decode()
            raise UserError(
                f"{shown}: has bytes that are no UTF-8, which no config can hold: make a link of another name"
            )
    arguments = _with_info_value(keep_passwords(arguments))
    flags = [a for a in arguments if a in ("-m", "--multirun")]
    arguments = [a for a in arguments if a not in flags]
    overrides = [a for a in arguments if "=" in a and not a.startswith("-")]
    for word in overrides:
        check_group(root / "conf", word)
    recipes = [word for word in overrides if override_key(word) == "recipe"]  # which Hydra does not know
    arguments, overrides = ([a for a in words if a not in recipes] for words in (arguments, overrides))
    recipe = recipes[-1].partition("=")[2] if recipes else ""
    keys = {override_key(word) for word in overrides}
    chosen = [word.partition("=")[2] for word in overrides if override_key(word) == "study"]
    # a study is a multirun, with +study=… as with study.folds=…: saying so makes Hydra report a mistake in it as such
    study = any(key == "study" or key.startswith("study.") for key in keys)
    for name in chosen:
        keys |= study_keys(root / "conf" / "study" / f"{name}.yaml")
    if "study.folds" in keys:
        keys |= set(VARIED_BY_FOLDS)
    at = arguments.index(overrides[0]) if overrides else len(arguments)
    other = any(a.startswith(("--cfg", "-c", "--info", "-i", "--help", "-h", "--run", "-r")) for a in arguments)
    flags = flags or ["--multirun"] * (study and not other)
    return [*flags, *arguments[:at], *default_overrides(root / "params.yaml", keys, recipe), *arguments[at:]]


def completed_line(line: str) -> str:
    """A command line that a shell asks about, with the defaults in it, so that a config can be made of it at all.

    line: as ``COMP_LINE`` has it: up to the word that is being typed, which may be empty.
    """
    *words, typed = line.split(" ")
    script = next((at for at, word in enumerate(words) if word.endswith(".py")), 0)
    given = [word for word in words[script + 1 :] if "=" in word and not word.startswith(("-", f"{LANGUAGE}="))]
    try:
        given = with_defaults(given)
    except UserError:
        return line
    return " ".join([*words[: script + 1], *(word for word in given if not word.startswith("-")), typed])


def _with_info_value(arguments: list[str]) -> list[str]:
    """A bare ``--info`` with its value, or Hydra would take the override that follows for it."""
    following = [*arguments[1:], "="]
    pairs = zip(arguments, following, strict=False)
    return ["--info=all" if word in ("-i", "--info") and "=" in after else word for word, after in pairs]


def study_keys(path: Path) -> set[str]:
    """What a study file sets itself, so that params.yaml's default for it must stand back."""
    if not path.is_file():
        return set()
    study = read_yaml(path) or {}
    sweeper = (study.get("hydra") or {}).get("sweeper") or {}
    lists = [sweeper.get(name) or [] for name in ("cells", "repeats")] + (sweeper.get("tuned") or [])
    words = " ".join(line for lines in lists for line in lines).split()
    swept = [*(sweeper.get("params") or {}), *map(override_key, words)]
    groups = [key for d in study.get("defaults", []) if isinstance(d, dict) for key in d]
    keys = {key.removeprefix("override ").lstrip("/") for key in groups} | set(swept) | set(study)
    return keys | {f"{k}.{inner}" for k, v in study.items() if isinstance(v, dict) for inner in v}


def compose_config(*overrides: str) -> RunConfig:
    """The config that `python pipelines/train.py` gets with these words: for one run.

    Raises: UserError for an override, or a default in params.yaml, that is wrong, and for what makes a study.
    """
    started = "a study of several runs is started with `python pipelines/train.py`"
    for word in overrides:
        if word.startswith("-"):
            raise UserError(f"{word}: only options are read here, as name=value; {started}")
        if override_key(word).partition(".")[0] == "study":
            raise UserError(f"{word}: one run is composed here; {started} {word}")
    try:
        swept = [each for each in OverridesParser.create().parse_overrides(list(overrides)) if each.is_sweep_override()]
    except HydraException as error:
        raise UserError(error_message(error, ROOT / "conf")) from None
    if swept:
        raise UserError(f"{swept[0].input_line}: one run is composed here, with one value; {started} -m")
    with _composed(overrides) as composed:
        return resolved(composed)


@contextmanager
def _composed(overrides: Sequence[str]) -> Iterator[DictConfig]:
    """What Hydra composes; what is wrong with it, also where it is used, becomes a UserError."""
    register_schema()
    try:
        with hydra.initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            composed = hydra.compose("config", with_defaults(list(overrides)))
        yield composed
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(error_message(error, ROOT / "conf")) from None
    except yaml.YAMLError as error:  # of an option file
        raise UserError(" ".join(str(error).split())) from None


def compose_tracking(overrides: Sequence[str] = ()) -> TrackingConfig:
    """What a training with these overrides (``tracking=…``, ``tracking.…=…``) has as ``tracking``: where it records.

    Raises: UserError for an override, or a default in params.yaml, that is wrong.
    """
    with _composed(overrides) as composed:
        settings = OmegaConf.to_container(composed.tracking, resolve=True)
    assert isinstance(settings, dict)
    return TrackingConfig(**{str(key): value for key, value in settings.items()})


def resolved(cfg: DictConfig) -> RunConfig:
    """The composed config as a `RunConfig`, without Hydra's own part, and its number of folds a number.

    Raises: UserError for a number out of its range.
    """
    config = RunConfig.from_dict({str(key): _plain(cfg[key]) for key in cfg if key != "hydra"})
    return replace(config, split=replace(config.split, folds=config.folds))


def _plain(node: Any) -> Any:
    """A node of a composed config as plain values."""
    if not OmegaConf.is_config(node):
        return node
    return OmegaConf.to_container(node, resolve=True, enum_to_str=True, throw_on_missing=True)
