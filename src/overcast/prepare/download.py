"""The raw files of a data set, fetched into a folder that is there whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

from overcast.core.atomic import whole_folder
from overcast.core.hashes import file_hashes, with_checksum
from overcast.data import DataSet
from overcast.fetch.left_out import LEFT_OUT
from overcast.fetch.manifest import VERIFIED

FETCHED = "fetched.json"

ABOUT = (VERIFIED, LEFT_OUT)
"""What is said about the raw files, beside them: `FETCHED` has the hashes."""


def download(name: str, dataset: DataSet, root: Path, mirror: Path | None) -> Path:
    """Fills ``root/<name>/raw`` anew and returns it; one that fails leaves what was there before.

    Raises: UserError if the files cannot be had, are not what they should be, or do not fit on the disk.
    """
    raw = root / name / "raw"
    with whole_folder(raw) as part:
        dataset.fetch(part, mirror)
        fetched = {"name": name, "options": raw_options(dataset), "files": file_hashes(part, ABOUT)}
        (part / FETCHED).write_text(json.dumps(with_checksum(fetched), indent=1) + "\n")
    return raw


def raw_options(dataset: DataSet) -> dict[str, object]:
    """The options that the raw files depend on, by name."""
    return {option: getattr(dataset, option) for option in dataset.raw_options}
