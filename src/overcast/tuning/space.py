"""What a search may vary: ``conf/search/<name>.yaml``, a line for each option, named as on the command line::

    lr: {low: 0.0003, high: 0.1, log: true}
    batch_size: [16, 32, 64]
    model.scale: [0.25, 0.5, 1.0]
    mitigation:
      batch_norm: {}
      dropout: {p: {low: 0.1, high: 0.6}}

A list is a choice, ``low`` and ``high`` a range, of whole numbers where both are. Each mitigation listed is on or off
in a trial, and has its strengths where it is on; no other one is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from optuna import Trial

from overcast.config.compose import as_override, override_key
from overcast.config.messages import option_names
from overcast.config.recipe import CHOICE, NUMBERS, PARTS, is_recipe_key
from overcast.config.run_config import RunConfig
from overcast.core.errors import UserError
from overcast.core.yaml_file import read_yaml

Params = Mapping[str, Any]
"""What Optuna knows of a trial: a value for each option, true or false for ``mitigation.<name>``."""

DIGITS = 4
"""Significant ones of a number that is tried: a recipe has numbers that people can read."""


@dataclass(frozen=True)
class Range:
    """From ``low`` to ``high``, both included; log: even on a logarithmic scale."""

    low: float
    high: float
    log: bool = False

    def suggest(self, trial: Trial, name: str) -> Any:
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(name, self.low, self.high, log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)

    def holds(self, value: Any) -> bool:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and self.low <= value <= self.high

    @property
    def examples(self) -> list[Any]:
        return [self.low, self.high]


@dataclass(frozen=True)
class Choice:
    """One of these values."""

    values: tuple[Any, ...]

    def suggest(self, trial: Trial, name: str) -> Any:
        return trial.suggest_categorical(name, self.values)

    def holds(self, value: Any) -> bool:
        return value in self.values

    @property
    def examples(self) -> list[Any]:
        return list(self.values)


Dimension = Range | Choice


@dataclass(frozen=True)
class Space:
    """options: by their names. mitigations: of each its strengths; None where the search varies no mitigation."""

    name: str
    options: Mapping[str, Dimension]
    mitigations: Mapping[str, Mapping[str, Dimension]] | None = None

    def suggest(self, trial: Trial) -> Params:
        """A point of it, drawn by the trial's sampler."""
        for name, dimension in self.options.items():
            dimension.suggest(trial, name)
        for mitigation, strengths in (self.mitigations or {}).items():
            if trial.suggest_categorical(f"{CHOICE}.{mitigation}", [False, True]):
                for name, dimension in strengths.items():
                    dimension.suggest(trial, f"{CHOICE}.{mitigation}.{name}")
        return trial.params

    def values(self, params: Params) -> dict[str, Any]:
        """The options of a point, as a recipe has them."""
        found = {name: _rounded(params[name]) for name in self.options}
        if self.mitigations is None:
            return found
        on = {name: strengths for name, strengths in self.mitigations.items() if params[f"{CHOICE}.{name}"]}
        found[CHOICE] = list(on) or "none"
        keys = [f"{CHOICE}.{name}.{strength}" for name, strengths in on.items() for strength in strengths]
        return found | {key: _rounded(params[key]) for key in keys}

    def words(self, params: Params) -> list[str]:
        """The options of a point as overrides."""
        return [f"{name}={as_override(value)}" for name, value in self.values(params).items()]

    def params_of(self, config: RunConfig) -> dict[str, Any] | None:
        """The point that this config is, None if it lies outside."""
        params = {name: _value(config, name) for name in self.options}
        inside = all(dimension.holds(params[name]) for name, dimension in self.options.items())
        if self.mitigations is None:
            return params if inside else None
        chosen = {option.name: option.values for option in config.mitigation if option.name != "none"}
        inside &= [name for name in self.mitigations if name in chosen] == list(chosen)
        for mitigation, strengths in self.mitigations.items():
            params[f"{CHOICE}.{mitigation}"] = mitigation in chosen
            for name, dimension in strengths.items() if mitigation in chosen else ():
                value = chosen[mitigation].get(name)
                inside &= dimension.holds(value)
                params[f"{CHOICE}.{mitigation}.{name}"] = value
        return params if inside else None

    def without(self, words: Sequence[str]) -> Space:
        """What is left to search where the user has set some options: those stay as they are set."""
        given = set(map(override_key, words))
        options = {name: dimension for name, dimension in self.options.items() if name not in given}
        mitigations = None if CHOICE in given else self.mitigations
        if mitigations is not None:
            mitigations = {
                mitigation: {name: d for name, d in own.items() if f"{CHOICE}.{mitigation}.{name}" not in given}
                for mitigation, own in mitigations.items()
            }
        return replace(self, options=options, mitigations=mitigations)

    def examples(self) -> list[dict[str, Any]]:
        """Points that have, taken together, each choice and each end of a range, with all mitigations on."""
        dimensions = {name: dimension.examples for name, dimension in self.options.items()}
        for mitigation, strengths in (self.mitigations or {}).items():
            dimensions[f"{CHOICE}.{mitigation}"] = [True]
            dimensions |= {f"{CHOICE}.{mitigation}.{name}": d.examples for name, d in strengths.items()}
        most = max(map(len, dimensions.values()), default=0)
        return [{name: values[n % len(values)] for name, values in dimensions.items()} for n in range(most)]

    @property
    def is_empty(self) -> bool:
        return not self.options and not self.mitigations

    def to_dict(self) -> dict[str, Any]:
        """As plain values: the same for the same search."""
        mitigations = {name: {k: repr(d) for k, d in own.items()} for name, own in (self.mitigations or {}).items()}
        return {"options": {name: repr(d) for name, d in self.options.items()}, "mitigations": mitigations}


def read_space(conf: Path, name: str, model: str) -> Space:
    """``conf/search/<name>.yaml``; without a name the one that is called as the network, or else ``default``.

    Raises: UserError if there is no such file, or what is in it is no search space.
    """
    known = option_names(conf, "search")
    if name and name not in known:
        raise UserError(f"search={name}: there is no such search space. Choices: {', '.join(known)}")
    name = name or (model if model in known else "default")
    file = f"conf/search/{name}.yaml"
    content = read_yaml(conf / "search" / f"{name}.yaml")
    if not isinstance(content, dict) or not content:
        raise UserError(f"{file}: there is nothing to search in it: give lines such as `batch_size: [16, 32, 64]`")
    mitigations = content.pop(CHOICE, None)
    for key in content:
        if not is_recipe_key(str(key)) or str(key).startswith(f"{CHOICE}."):
            own = ", ".join([*NUMBERS, f"{PARTS[0]}…", CHOICE])
            raise UserError(f"{file}: {key} is nothing that a search varies. It may vary {own}")
    options = {str(key): _dimension(f"{file}: {key}", value) for key, value in content.items()}
    return Space(name, options, _mitigations(file, mitigations))


def _mitigations(file: str, content: Any) -> dict[str, dict[str, Dimension]] | None:
    if content is None:
        return None
    found = {}
    for name, strengths in content.items() if isinstance(content, dict) else [("", content)]:
        if not isinstance(strengths or {}, dict) or not name:
            raise UserError(
                f"{file}: {CHOICE}: give mitigations with their strengths, such as `dropout: {{p: [0.1, 0.3]}}`"
            )
        where = f"{file}: {CHOICE}.{name}"
        found[str(name)] = {str(key): _dimension(f"{where}.{key}", value) for key, value in (strengths or {}).items()}
    return found


def _dimension(where: str, content: Any) -> Dimension:
    if isinstance(content, list) and content and all(not isinstance(value, list | dict) for value in content):
        return Choice(tuple(dict.fromkeys(content)))
    if isinstance(content, dict) and {"low", "high"} <= content.keys() <= {"low", "high", "log"}:
        low, high, log = _number(content["low"]), _number(content["high"]), content.get("log", False)
        if low < high and isinstance(log, bool) and (low > 0 or not log):
            return Range(low, high, log)
    raise UserError(
        f"{where}: {content}: give a list of values, or a range such as {{low: 0.001, high: 0.1, log: true}}: from a "
        "lower number to a higher one, above 0 where it is logarithmic"
    )


def _number(value: Any) -> float:
    """YAML takes 1e-4 for text. NaN, which is in no range, for what is no number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        return float(value) if isinstance(value, str) else math.nan
    except ValueError:
        return math.nan


def _rounded(value: Any) -> Any:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _value(config: RunConfig, name: str) -> Any:
    """What a config has for an option that a search may vary, mitigations aside."""
    group, _, inner = name.partition(".")
    return config.model.values.get(inner) if inner else getattr(config, group)
