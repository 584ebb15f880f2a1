"""A study's settings are those of the command line, and else those of its file."""

from __future__ import annotations

from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from overcast.config.schema import StudyConfig
from overcast.core.errors import UserError
from overcast.study.settings import study_settings

COMPOSED: Any = OmegaConf.structured(StudyConfig)


def test_the_command_line_wins() -> None:
    composed = OmegaConf.merge(COMPOSED, {"folds": 3, "seeds": 2})
    assert isinstance(composed, DictConfig)
    found = study_settings(composed, ["-m", "study.folds=5", "epochs=3", "study.outcomes=[nll]", "study.nothing=1"])
    assert (found.folds, found.seeds, list(found.outcomes)) == (5, 2, ["nll"])


def test_a_setting_is_not_swept() -> None:
    with pytest.raises(UserError, match=r"study\.folds=2,3: give a whole number"):
        study_settings(COMPOSED, ["study.folds=2,3"])
