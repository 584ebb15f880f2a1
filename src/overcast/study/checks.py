"""Is a study what its author means? Every mistake in it shows before the first run, and before it is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from overcast.config.run_config import RunConfig
from overcast.core.errors import IncompatibleError, UserError
from overcast.core.paths import project_path
from overcast.tracking.run_folder import identity

if TYPE_CHECKING:  # which imports torch
    from overcast.core.devices import Machine


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


def cell_identities(cells: Sequence[RunConfig], machine: Machine | None = None) -> list[str | IncompatibleError]:
    """The identity of a run of each cell or, for one of things that do not go together, why it is left out.

    machine: on which "auto" means what it does; this one by default.

    Raises: UserError for anything else that `overcast.training.train.train` would refuse, or if none is left.
    """
    found: list[str | IncompatibleError] = []
    for config in cells:
        try:
            found.append(_identity(config, machine))
        except IncompatibleError as error:
            found.append(error)
    if found and not any(isinstance(each, str) for each in found):
        raise UserError(str(found[0]))
    return found


def _identity(config: RunConfig, machine: Machine | None) -> str:
    """The identity of a run of this config. Raises: UserError for what `overcast.training.train.train` would refuse."""
    from overcast.core.devices import resolve_devices
    from overcast.prepare.pack import open_pack
    from overcast.prepare.split import TRAIN, read_parts, read_split_info
    from overcast.training.plan import check_config, check_plan, draw_train_fraction

    if config.run:
        raise UserError(f"run={config.run}: each run of a study has a folder of its own, so leave it out")
    check_config(config)
    devices = resolve_devices(config.trainer, 1, machine)
    folder, name, cut = project_path(config.data_dir), config.data.name, config.split
    spec = open_pack(folder, name, config.data.values).spec
    parts = read_parts(folder, name, cut.seed, cut.fold, config.folds, cut.ignore_groups)
    n_train = int((draw_train_fraction(parts, config.train_fraction, config.seed) == TRAIN).sum())
    check_plan(config, spec, n_train, devices.ranks)
    return identity(config, read_split_info(folder, name)["fingerprint"], devices)
