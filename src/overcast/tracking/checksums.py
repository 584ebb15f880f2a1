"""Are a run's files what training and evaluation wrote? Hashes tell, and there is one message for what is not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from overcast.core.errors import DamagedError
from overcast.core.hashes import CHECKSUM, file_hashes, sha256, with_checksum

EVALUATED = ("metrics.json", "predictions.csv")
"""The files of an evaluation that are read again, by a comparison above all."""

CHECKSUMS = "checksums.json"
"""Of an evaluation's folder: the hashes of the `EVALUATED`, and of the weights that were measured."""


def check_files(folder: Path, facts: Mapping[str, Any], names: Iterable[str]) -> None:
    """Raises: DamagedError if the facts, or one of these files of the run in ``folder``, are not as they were written.

    facts: run.json as it was read, with the hashes of the files as ``files``.
    """
    if with_checksum(facts)[CHECKSUM] != facts.get(CHECKSUM):
        raise damaged(folder, "run.json")
    written, found = facts.get("files", {}), file_hashes(folder, names)
    if changed := [name for name in names if name not in found or found[name] != written.get(name)]:
        raise damaged(folder, *changed)


def check_content(folder: Path, name: str, content: bytes, written: str) -> None:
    """Raises: DamagedError if this ``content`` of one of a run's files has not the hash that was ``written``."""
    if sha256(content) != written:
        raise damaged(folder, name)


def damaged(folder: Path, *names: str) -> DamagedError:
    """That these files of the run in ``folder`` are not as training wrote them."""
    return DamagedError(
        f"the run in {folder} was changed or damaged since it was trained ({', '.join(names)}): bring its files back "
        "(`dvc checkout`, where DVC keeps them), or train it again, as a study's own command does"
    )


def write_evaluation_hashes(evaluation: Path, weights: str) -> None:
    """Write `CHECKSUMS` into the folder of a whole evaluation. weights: the hash of those that were measured."""
    hashes = {"weights": weights, **file_hashes(evaluation, EVALUATED)}
    (evaluation / CHECKSUMS).write_text(json.dumps(with_checksum(hashes), indent=1) + "\n", encoding="utf8")


def read_evaluated(folder: Path, name: str, weights: str) -> bytes:
    """What one of the `EVALUATED` files of the run in ``folder`` holds.

    b"" where these ``weights`` were not measured yet, or by an earlier version, which wrote no hashes.

    Raises: DamagedError if evaluation wrote another.
    """
    place, hashes, content = folder / "evaluation", None, b""
    if not (place / CHECKSUMS).exists():
        return b""
    with suppress(OSError, ValueError):
        hashes = json.loads((place / CHECKSUMS).read_bytes())
    if not isinstance(hashes, dict) or with_checksum(hashes) != hashes:
        raise _damaged_evaluation(folder, CHECKSUMS)
    if hashes.get("weights") != weights:
        return b""
    with suppress(OSError):
        content = (place / name).read_bytes()
    if sha256(content) != hashes.get(name):
        raise _damaged_evaluation(folder, name)
    return content


def _damaged_evaluation(folder: Path, name: str) -> DamagedError:
    return DamagedError(
        f"{folder / 'evaluation' / name} was changed or damaged since it was written: evaluate it again "
        f"(python pipelines/evaluate.py run={folder})"
    )
