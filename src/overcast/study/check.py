"""Is a study what its author means? Every mistake in it shows before the first run, and before it is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from overcast.config import name_of
from overcast.errors import UserError
from overcast.paths import project_path
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


def asked(cells: Sequence[dict[str, Any]]) -> list[str]:
    """The identity of a run of each cell.

    Raises: UserError for what `overcast.train.train` would refuse in any of them.
    """
    import torch

    from overcast import options
    from overcast.devices import choose
    from overcast.inputs import refuse_shuffle
    from overcast.prepare.pack import open_pack
    from overcast.prepare.split import read_about, read_parts
    from overcast.train import check

    found = []
    for config in cells:
        if config["run"]:
            raise UserError(f"run={config['run']}: each run of a study has a folder of its own, so leave it out")
        check(config)
        choose(config["trainer"])
        folder, name, cut = project_path(config["data_dir"]), name_of(config["data"]), config["split"]
        spec = open_pack(folder, name, options.numbers(config["data"])).spec
        read_parts(folder, name, cut["seed"], cut["fold"], cut["folds"], cut["random"])
        refuse_shuffle(config["shuffle"], spec)
        with torch.device("meta"):  # shapes without numbers: milliseconds
            options.network(config["model"], spec, options.mitigations(config["mitigation"], spec.kind))
        found.append(identity(config, read_about(folder, name)["fingerprint"]))
    return found
