"""Data made ready on the way: downloaded, packed and split where a study's data is not there yet."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from overcast import options
from overcast.config import name_of
from overcast.paths import project_path
from overcast.prepare.fetch import FETCHED, download
from overcast.prepare.pack import pack
from overcast.prepare.split import split


def prepare(configs: Iterable[dict[str, Any]]) -> None:
    """Do the steps that are missing for the data of each config; what is there already is left as it is.

    Raises: UserError as the steps do. Data that was made with other options is refused later, and not overwritten.
    """
    done = set()
    for config in configs:
        root, name, cut = project_path(config["data_dir"]), name_of(config["data"]), config["split"]
        if (root, name) in done:
            continue
        done.add((root, name))
        dataset = options.dataset(config["data"])
        if not (root / name / "pack" / "pack.json").exists():
            if not (root / name / "raw" / FETCHED).exists():
                print(f"preparing {name}: download", flush=True)
                download(name, dataset, root, Path(config["mirror"]) if config["mirror"] else None)
            print(f"preparing {name}: pack", flush=True)
            pack(name, dataset, options.numbers(config["data"]), root)
        if not (root / name / "parts.json").exists():
            split(name, root, seed=cut["seed"], folds=cut["folds"])
