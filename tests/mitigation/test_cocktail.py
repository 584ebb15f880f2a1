"""Cocktail: several at once, milder than each alone; any number can still be changed."""

from __future__ import annotations

from typing import Any


def test_its_numbers_are_milder_than_each_ones_own(config: Any) -> None:
    mixed = config("mitigation=cocktail")["mitigation"]
    for name, option in (("dropout", "p"), ("label_smoothing", "epsilon"), ("weight_decay", "strength")):
        assert 0 < mixed[name][option] < config(f"mitigation={name}")["mitigation"][name][option]


def test_the_command_line_and_a_later_choice_win(config: Any) -> None:
    assert config("mitigation=cocktail", "mitigation.dropout.p=0.4")["mitigation"]["dropout"]["p"] == 0.4
    alone = config("mitigation=dropout")["mitigation"]["dropout"]
    assert config("mitigation=[cocktail,dropout]")["mitigation"]["dropout"] == alone
