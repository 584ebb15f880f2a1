"""Everything a run depends on, as one frozen, typed object: what all rooms above this one pass on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from types import MappingProxyType
from typing import Any, Self

from overcast.config.messages import no_option
from overcast.config.options import Option
from overcast.config.schema import RunSettings, SplitConfig, StudyConfig, TrackingConfig
from overcast.core.devices import TrainerConfig
from overcast.core.errors import UserError
from overcast.core.paths import ROOT
from overcast.core.yaml_file import read_yaml

GROUPS: Mapping[str, type] = MappingProxyType(
    {"split": SplitConfig, "trainer": TrainerConfig, "tracking": TrackingConfig, "study": StudyConfig}
)

LARGEST_SPLIT_SEED = 2**32 - 1  # as numpy's RandomState has it, by which scikit-learn draws
LARGEST_CALIBRATION = 0.5  # of a train part


@dataclass(frozen=True, kw_only=True)
class RunConfig(RunSettings):
    """A run's settings, and the options that were chosen.

    data, model: one option each. mitigation: those chosen, in the order in which they apply.

    Raises: UserError if a number is out of its range.
    """

    data: Option
    model: Option
    mitigation: tuple[Option, ...]

    def __post_init__(self) -> None:
        for name, low in (("epochs", 1), ("measure_every", 1), ("batch_size", 2)):
            if getattr(self, name) < low:
                raise UserError(f"{name}={getattr(self, name)}: must be at least {low}")
        if not 0 < self.lr < math.inf:
            raise UserError(f"lr={self.lr}: must be above 0, and a number")
        if not 0 <= self.split.seed <= LARGEST_SPLIT_SEED:
            raise UserError(f"split.seed={self.split.seed}: must be at least 0 and at most {LARGEST_SPLIT_SEED:,}")
        if self.split.folds is not None and self.split.folds < 1:  # how many there must be is for the split to say
            raise UserError(f"split.folds={self.split.folds}: must be at least 1")
        if self.split.file and self.split.ignore_groups:
            raise UserError(
                "split.ignore_groups=true draws a split of its own, and split.file names one: leave one out"
            )
        if not 0 <= self.split.calibration <= LARGEST_CALIBRATION:
            raise UserError(
                f"split.calibration={self.split.calibration}: must be at least 0 and at most {LARGEST_CALIBRATION}"
            )
        if self.split.file and self.split.calibration:
            raise UserError(
                "split.calibration holds rows out of a split that is drawn, and split.file names one: leave one out, "
                "or give the file rows whose part is calibration"
            )
        if not 0 < self.train_fraction <= 1:
            raise UserError(f"train_fraction={self.train_fraction}: must be above 0 and at most 1")
        if not 1 <= self.imbalance_ratio < math.inf:
            raise UserError(f"imbalance_ratio={self.imbalance_ratio}: must be at least 1, and a number")

    @property
    def folds(self) -> int:
        """How many folds the data is split into: ``split.folds``, or the data set's own number.

        A published split has one where that does not say.
        """
        if self.split.folds is not None:
            return self.split.folds
        return 1 if self.split.file else int(self.data.target_class("data").folds)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Self:
        """From nested plain values, as Hydra composes them; what is missing has its default.

        Raises: UserError for a name that is none of a run's.
        """
        _refuse_unknown(settings, cls)
        for name in GROUPS.keys() & settings.keys():
            _refuse_unknown(settings[name], GROUPS[name], f"{name}.")
        values = dict(settings)
        values |= {name: kind(**settings[name]) for name, kind in GROUPS.items() if name in settings}
        for name in ("data", "model"):
            if "_target_" not in (settings.get(name) or {}):  # as after ~data
                raise UserError(f"{name}: no run goes without; choose one with {name}=…")
        values |= {name: Option.from_dict(settings[name]) for name in ("data", "model")}
        chosen = settings["mitigation"]
        for name, node in chosen.items():
            if not isinstance(node, Mapping) or "_target_" not in node:
                raise UserError(
                    f"mitigation.{name}: not chosen, so that it has no numbers; choose it: mitigation={name}"
                )
        values["mitigation"] = tuple(Option.from_dict(chosen[name], name) for name in chosen)
        values["tags"] = tuple(settings.get("tags", ()))
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """The same as nested plain values, for YAML."""
        plain: dict[str, Any] = {"data": self.data.to_dict(), "model": self.model.to_dict()}
        plain["mitigation"] = {option.name: option.to_dict() for option in self.mitigation}
        for field in fields(RunSettings):
            value = getattr(self, field.name)
            if field.name in GROUPS:
                value = {inner.name: _plain(getattr(value, inner.name)) for inner in fields(value)}
            plain[field.name] = _plain(value)
        return plain

    @property
    def mitigation_name(self) -> str:
        """ "none", "dropout", "dropout+augmentation", in their order; "cocktail" for what its option file chooses."""
        return composite_name(self.mitigation) or "+".join(option.name for option in self.mitigation) or "none"


def composite_name(options: Sequence[Option]) -> str:
    """The name of the option file in conf/mitigation that chooses just these, in these strengths; "" if none does."""
    chosen = {option.name: option.values for option in options}
    for name, (parts, strengths) in _composites().items():
        weaker = all(chosen.get(part, {}).get(key) == value for (part, key), value in strengths.items())
        if weaker and list(chosen) == parts:
            return name
    return ""


def mitigation_parts(name: str) -> list[str]:
    """The mitigations that are on in a run with this `RunConfig.mitigation_name`."""
    if name == "none":
        return []
    return _composites()[name][0] if name in _composites() else name.split("+")


@cache
def _composites() -> dict[str, tuple[list[str], dict[tuple[str, str], Any]]]:
    """Of each option file that chooses several mitigations: which, and what it sets of them."""
    composites = {}
    for path in sorted((ROOT / "conf" / "mitigation").glob("*.yaml")):
        content = read_yaml(path) or {}
        if parts := [each for each in content.get("defaults", []) if each != "_self_"]:
            own = {part: content[part] for part in parts if part in content}
            composites[path.stem] = (parts, {(part, key): v for part, some in own.items() for key, v in some.items()})
    return composites


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _refuse_unknown(settings: Mapping[str, Any], kind: type, prefix: str = "") -> None:
    own = sorted(f"{prefix}{field.name}" for field in fields(kind))
    for name in settings:
        if f"{prefix}{name}" not in own:
            raise UserError(no_option(f"{prefix}{name}", own))
