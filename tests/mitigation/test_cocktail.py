"""Cocktail: several at once, milder than each alone; any number can still be changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from overcast.config.run_config import RunConfig


def values(config: RunConfig) -> dict[str, Mapping[str, Any]]:
    """The numbers of each mitigation."""
    return {option.name: option.values for option in config.mitigation}


def test_its_numbers_are_milder_than_each_ones_own(config: Any) -> None:
    mixed = values(config("mitigation=cocktail"))
    for name, option in (("dropout", "p"), ("label_smoothing", "epsilon"), ("weight_decay", "strength")):
        assert 0 < mixed[name][option] < values(config(f"mitigation={name}"))[name][option]


def test_the_command_line_and_a_later_choice_win(config: Any) -> None:
    assert values(config("mitigation=cocktail", "mitigation.dropout.p=0.4"))["dropout"]["p"] == 0.4
    alone = values(config("mitigation=dropout"))["dropout"]
    assert values(config("mitigation=[cocktail,dropout]"))["dropout"] == alone


def test_what_the_option_file_chooses_has_its_name(config):
    assert config("mitigation=cocktail").mitigation_name == "cocktail"
    stronger = config("mitigation=cocktail", "mitigation.dropout.p=0.4")
    assert stronger.mitigation_name.startswith("augmentation+batch_norm+dropout")
    parts = [option.name for option in stronger.mitigation]
    assert config(f"mitigation=[{','.join(parts)}]").mitigation_name == "+".join(parts)
