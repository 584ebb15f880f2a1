"""Data made ready on the way: downloaded, packed and split where a study's data is not there yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from overcast import options
from overcast.atomic import writing
from overcast.config import name_of
from overcast.hold import held, turn
from overcast.paths import project_path
from overcast.prepare.fetch import FETCHED, download
from overcast.prepare.pack import pack
from overcast.prepare.split import split


def prepare(configs: Iterable[dict[str, Any]]) -> None:
    """Do the steps that are missing for the data of each config; what is there already is left as it is.

    Where another process is at the same data, its end is waited for.

    Raises: UserError as the steps do. Data that was made with other options is refused later, and not overwritten.
    """
    for config in configs:
        root, name = project_path(config["data_dir"]), name_of(config["data"])
        if not all(_made(root / name).values()):
            with _turn(root / name, name):
                _prepare(config, root, name)


def _made(folder: Path) -> dict[str, bool]:
    """Which of the steps that training needs are done, by the file that each writes last."""
    return {"pack": (folder / "pack" / "pack.json").exists(), "split": (folder / "parts.json").exists()}


@contextmanager
def _turn(folder: Path, name: str) -> Iterator[None]:
    """One process at a time prepares a data set; the others find it ready."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if held(folder):
        print(f"preparing {name}: waiting for another process that is at it", flush=True)
    with turn(folder):
        yield


def _prepare(config: dict[str, Any], root: Path, name: str) -> None:
    made, dataset, cut = _made(root / name), options.dataset(config["data"]), config["split"]
    if not made["pack"]:
        if not (root / name / "raw" / FETCHED).exists():
            print(f"preparing {name}: download", flush=True)
            download(name, dataset, root, Path(config["mirror"]) if config["mirror"] else None)
        print(f"preparing {name}: pack", flush=True)
        pack(name, dataset, options.numbers(config["data"]), root)
    if not made["split"]:
        split(name, root, seed=cut["seed"], folds=cut["folds"])
