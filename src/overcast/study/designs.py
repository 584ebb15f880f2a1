"""Which cells a study has that says which mitigations to combine, and by which design."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from overcast.config.messages import no_option, option_names
from overcast.config.schema import StudyConfig
from overcast.core.errors import IncompatibleError, UserError
from overcast.core.paths import ROOT
from overcast.statistics.designs import MAX_FACTORS, two_level_fraction

LONGER = "longer"
"""The factor whose levels are the two lengths of a training."""

TOGETHER = "+"
"""Between mitigations that are chosen together, as in a run's name."""


def study_cells(study: StudyConfig, explicit: Sequence[str]) -> list[str]:
    """The overrides of each cell of a study's design; none without ``mitigations``: the study then names them itself.

    explicit: what it names.

    - ``one_at_a_time``: no mitigation, and each one; ``dropout+noise`` is two together.
    - ``leave_one_out``: none, all of them together, and all without each one.
    - ``factorial``: those of `two_level_fraction`, the first of which has none. Two ``epochs`` are one factor more.

    Raises: UserError if both are given, or the mitigations make no such design.
    """
    if not study.mitigations:
        if study.design != "one_at_a_time":
            raise UserError(
                f"study.design={study.design} needs study.mitigations=[…] to make its cells of; "
                f"+study={study.design} names some"
            )
        return []
    if explicit:
        raise UserError(
            "study.mitigations and the cells that this study names one by one both say what is compared. Leave one of "
            "them out; +study=leave_one_out and +study=factorial have no cells of their own"
        )
    _check_mitigations(study, ROOT / "conf")
    if not study.epochs:
        return [f"mitigation={_value(recipe)}" for recipe in _recipes(study.design, list(study.mitigations))]
    recipes = _recipes(study.design, [*study.mitigations, LONGER])
    return [
        f"mitigation={_value([name for name in recipe if name != LONGER])} epochs={study.epochs[LONGER in recipe]}"
        for recipe in recipes
    ]


def outside_design(study: StudyConfig, overrides: Sequence[str]) -> list[str]:
    """Those that leave a design alone: its cells name each their own mitigations, and epochs where those vary."""
    varied = (("mitigation=", study.mitigations), ("epochs=", study.epochs))
    named = tuple(option for option, given in varied if given)
    return [word for word in overrides if not word.startswith(named)]


def _recipes(design: str, mitigations: list[str]) -> list[list[str]]:
    """What is chosen in each cell, in the order of ``mitigations``: they apply in it."""
    if design == "one_at_a_time":
        return [[], *([name] for name in mitigations)]
    if design == "leave_one_out":
        return [[], mitigations, *([name for name in mitigations if name != without] for without in mitigations)]
    cells = two_level_fraction(len(mitigations))
    return [[name for name, level in zip(mitigations, cell, strict=True) if level > 0] for cell in cells]


def _value(recipe: Sequence[str]) -> str:
    """A recipe as the value of an override, without blanks."""
    names = [name for each in recipe for name in each.split(TOGETHER)]
    return f"[{','.join(names)}]" if len(names) > 1 else (names or ["none"])[0]


def _check_mitigations(study: StudyConfig, conf: Path) -> None:
    """Raises: UserError for a mitigation that there is not or that is named twice, and for too few or too many."""
    choices, given = option_names(conf, "mitigation"), study.mitigations
    for name in (name for each in given for name in each.split(TOGETHER)):
        if name == "none":
            raise UserError("study.mitigations: every design has a cell without mitigation, so leave none out")
        if name not in choices:
            raise UserError(f"study.mitigations: {no_option(name, choices)}")
    for name in given:
        if given.count(name) > 1:
            raise UserError(f"study.mitigations names {name} twice")
    if study.design == "one_at_a_time":
        return
    for name in given:
        if TOGETHER in name or "_target_" not in yaml.safe_load((conf / f"mitigation/{name}.yaml").read_text("utf8")):
            raise UserError(
                f"study.mitigations: {name} is several mitigations at once, which study.design={study.design} cannot "
                "tell apart. Name them one by one"
            )
    lengths = 1 if study.epochs else 0  # one factor
    most = MAX_FACTORS - lengths if study.design == "factorial" else len(given)
    if not 2 - lengths <= len(given) <= most:
        limit = f"from {2 - lengths} to {most}" if study.design == "factorial" else "2 or more"
        beside = " beside study.epochs" if lengths else ""
        raise UserError(f"study.design={study.design} is over {limit} mitigations{beside}, not {len(given)}")


def refuse_incomplete(design: str, identities: Sequence[str | IncompatibleError]) -> None:
    """Raises: UserError if a cell cannot be run, but for ``one_at_a_time``, where the others say as much without it."""
    left_out = [str(each) for each in identities if isinstance(each, IncompatibleError)]
    if left_out and design != "one_at_a_time":
        raise UserError(
            f"study.design={design} needs every one of its cells, and {len(left_out)} of {len(identities)} cannot be "
            f"run. {left_out[0]}. Name others in study.mitigations=[…]"
        )
