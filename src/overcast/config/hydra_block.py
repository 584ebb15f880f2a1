"""What Hydra builds before anything of ours runs: an option file may only say whether to sweep, and over what.

Hydra calls whatever the ``hydra`` part of the composed config names (callbacks, launcher, sweeper, loggers), and a
study file may come from anyone. conf/config.yaml and conf/hydra, which set that part up, are this project's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from overcast.core.errors import UserError
from overcast.core.yaml_file import read_yaml

ALLOWED = {"mode": (), "sweeper": ("cells", "params", "repeats", "tuned")}
PLACED = re.compile(r"@.*\bhydra\b")
"""In a comment, the header that puts all of a file there; in a list of defaults, what does so with another file."""

OTHER_CONFIG = ("--config-path", "-cp", "--config-name", "-cn", "hydra.searchpath")


def check_hydra_blocks(conf: Path, arguments: Sequence[str]) -> None:
    """Raises: UserError for an option file, in ``conf`` or a folder that the command names, that says more to Hydra."""
    for word in arguments:
        if (name := word.partition("=")[0].lstrip("+~")) in OTHER_CONFIG:
            raise UserError(f"{name}: options are read from {conf.name}/ and from --config-dir=<folder> alone")
    for folder in (conf, *_further_folders(arguments)):
        for path in sorted(folder.glob("**/*.yaml")):
            first = path.relative_to(folder).parts[0]
            if folder != conf or first not in ("config.yaml", "hydra"):
                _check(path, first == "hydra")


def _further_folders(arguments: Sequence[str]) -> Iterator[Path]:
    for word, after in zip(arguments, [*arguments, ""][1:], strict=True):
        name, _, value = word.partition("=")
        if name in ("--config-dir", "-cd"):
            yield Path(value or after)


def _check(path: Path, placed: bool) -> None:
    """placed: whether all of the file is put into Hydra's part."""
    content = read_yaml(path)
    if not isinstance(content, dict):
        return
    comments = [line for line in path.read_text(encoding="utf8").splitlines() if line.lstrip().startswith("#")]
    placed = placed or any(map(PLACED.search, [*comments, *_texts(content.get("defaults"))]))
    if placed or not _is_allowed(content.get("hydra", {})):
        raise UserError(
            f"{path}: its part for Hydra may hold nothing but mode and the sweeper's {', '.join(ALLOWED['sweeper'])}, "
            "as plain values: Hydra runs what else it names. Jobs at once and the like are for the command line"
        )


def _is_allowed(block: Any) -> bool:
    """Whether Hydra builds nothing of it: no target, nor an interpolation, which may stand for one."""
    if not isinstance(block, dict) or not block.keys() <= ALLOWED.keys():
        return False
    sweeper = block.get("sweeper") or {}
    if not isinstance(sweeper, dict) or not sweeper.keys() <= set(ALLOWED["sweeper"]):
        return False
    return not any("${" in text or text == "_target_" for text in _texts(block))


def _texts(node: Any) -> Iterator[str]:
    """Every key and value in it, as text."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield str(key)
            yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)
    else:
        yield str(node)
