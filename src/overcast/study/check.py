"""Is a study what its author means? Every mistake in it shows before the first run, and before it is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from overcast.config import name_of
from overcast.errors import IncompatibleError, UserError
from overcast.runs import identity


def refuse_overlap(typed: Sequence[str], words: Sequence[str]) -> None:
    """Raises: UserError where the command line sets what the study's cells or repeats vary: theirs would win."""
    varied = {word.partition("=")[0].lstrip("+~") for line in words for word in line.split()}
    for key in (word.partition("=")[0].lstrip("+~") for word in typed):
        if key in varied:
            raise UserError(
                f"{key} is what this study varies in its cells or repeats. Leave it out, or give other ones: "
                """'hydra.sweeper.repeats=["seed=0","seed=1"]', and `cells` alike"""
            )


def check_claim(name: str | None) -> None:
    """Raises: UserError if the study is to measure a claim that there is none of."""
    if name:
        from overcast.claims import load

        load(name)


def asked(cells: Sequence[dict[str, Any]]) -> list[str | IncompatibleError]:
    """The identity of a run of each cell or, for one of things that do not go together, why it is left out.

    Raises: UserError for anything else that `overcast.train.train` would refuse in any of them, or if none is left.
    """
    found: list[str | IncompatibleError] = []
    for config in cells:
        try:
            found.append(_identity(config))
        except IncompatibleError as error:
            found.append(error)
    if found and not any(isinstance(each, str) for each in found):
        raise UserError(str(found[0]))
    return found


def _identity(config: dict[str, Any]) -> str:
    """The identity of a run of this config. Raises: UserError for what `overcast.train.train` would refuse."""
    from overcast import options
    from overcast.devices import choose
    from overcast.plan import check_plan
    from overcast.prepare.pack import open_pack
    from overcast.prepare.split import TRAIN, read_about, read_parts
    from overcast.train import check, keep_share

    check(config)
    devices = choose(config["trainer"])
    folder, name, cut = Path(config["data_dir"]), name_of(config["data"]), config["split"]
    spec = open_pack(folder, name, options.numbers(config["data"])).spec
    parts = read_parts(folder, name, cut["seed"], cut["fold"], cut["folds"], cut["random"])
    n_train = int((keep_share(parts, config["share"], config["seed"]) == TRAIN).sum())
    check_plan(config, spec, n_train, devices.ranks)
    return identity(config, read_about(folder, name)["fingerprint"])
