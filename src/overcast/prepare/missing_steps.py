"""Data made ready on the way: downloaded, packed and split where a study's data is not there yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from overcast.config.run_config import RunConfig
from overcast.core.console import show
from overcast.core.paths import project_path
from overcast.data import build_dataset
from overcast.prepare.download import FETCHED, download
from overcast.prepare.one_process import one_process_at_once
from overcast.prepare.pack import pack
from overcast.prepare.split import split


def prepare_missing(configs: Iterable[RunConfig]) -> None:
    """Do the steps that are missing for the data of each config; what is there already is left as it is.

    Where another process is at the same data, its end is waited for.

    Raises: UserError as the steps do. Data that was made with other options is refused later, and not overwritten.
    """
    for config in configs:
        root, name = project_path(config.data_dir), config.data.name
        if not all(_finished_steps(root / name).values()):
            with one_process_at_once(root / name):
                _prepare(config, root, name, _finished_steps(root / name))


def prepare_pack(config: RunConfig) -> None:
    """As `prepare_missing`, but for the split, which a page about the data can do without.

    Raises: UserError as the steps do.
    """
    root, name = project_path(config.data_dir), config.data.name
    if not (finished := _finished_steps(root / name))["pack"]:
        with one_process_at_once(root / name):
            _prepare(config, root, name, finished | {"split": True})


def prepare_anew(config: RunConfig) -> None:
    """Fetch, pack and split the data of a config again, as where it is damaged: raw files may be, too.

    Raises: UserError as the steps do.
    """
    root, name = project_path(config.data_dir), config.data.name
    with one_process_at_once(root / name):
        (root / name / "raw" / FETCHED).unlink(missing_ok=True)
        _prepare(config, root, name, dict.fromkeys(("pack", "split"), False))


def _finished_steps(folder: Path) -> dict[str, bool]:
    """Which of the steps that training needs are done, by the file that each writes last."""
    return {"pack": (folder / "pack" / "pack.json").exists(), "split": (folder / "parts.json").exists()}


def _prepare(config: RunConfig, root: Path, name: str, finished: Mapping[str, bool]) -> None:
    dataset = build_dataset(config.data)
    if not finished["pack"]:
        if not (root / name / "raw" / FETCHED).exists():
            show(f"preparing {name}: download", flush=True)
            download(name, dataset, root, Path(config.mirror) if config.mirror else None)
        show(f"preparing {name}: pack", flush=True)
        pack(name, dataset, config.data.values, root)
    if not finished["split"]:
        cut = config.split
        split(name, root, cut.seed, config.folds, cut.file, cut.calibration)
