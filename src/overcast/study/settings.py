"""The settings of a study, ``study.…``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from overcast.config.compose import override_key
from overcast.config.schema import StudyConfig


def study_settings(composed: DictConfig, user_overrides: Sequence[str]) -> StudyConfig:
    """Those of the command line, which Hydra keeps for the jobs alone, and else those that were composed.

    Raises: UserError for one that is wrong.
    """
    settings: Any = OmegaConf.to_container(composed)
    words = [word for word in user_overrides if override_key(word).startswith("study.")]
    for override in OverridesParser.create().parse_overrides(words):
        name = override.key_or_group.removeprefix("study.")
        if name in settings:  # of another, Hydra says that there is no such option
            settings[name] = override.get_value_string() if override.is_sweep_override() else override.value()
    return StudyConfig(**settings)
