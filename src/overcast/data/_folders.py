"""A folder of anyone's files, with one sub-folder a class, named so; or one a part, with such sub-folders in each."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from overcast.core.console import show
from overcast.core.errors import UserError
from overcast.data import Sample
from overcast.fetch.left_out import Line, keep_left_out
from overcast.fetch.walk import as_on_disk, problem_of, walk

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("test", "testing"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval"), "validation"),
}
"""Words in the names of folders that are parts of a data set, and no classes."""
TAKEN = ("train", "test")
"""What a part is taken for."""


def copy_classes(path: str, raw: Path, what: str, suffix: str = "") -> None:
    """Copies every file (of this suffix) of each class below ``path`` to the same place below ``raw``.

    Links are followed. What is not taken is kept by `keep_left_out`. what: the files in words, as in "pictures".

    Raises: UserError if there is no such folder, it has fewer than two classes, a class has no file, it holds
    overcast's own data, or it has parts without classes.
    """
    source = as_on_disk(Path(path).expanduser()).resolve()
    if not source.is_dir():
        raise UserError(f"data.path: there is no folder {source}: give one with a sub-folder a class.")
    if raw.resolve().is_relative_to(source):
        raise UserError(f"data.path: {source} holds overcast's own data: give a folder of {what}.")
    folders = _class_folders(source, what)
    _print_parts(source, folders)
    left_out = _beside(source, [folder for folder, _ in folders])
    for folder, _ in folders:
        found = list(walk(folder, suffix))
        files = [file for file, problem in found if not problem]
        if not files:
            lack = f"has no {suffix} file" if suffix else "is empty"
            beside = f" but what is left out, such as {found[0][0].name} ({found[0][1]})" if found else ""
            raise UserError(f"data.path: {folder} {lack}{beside}: put this class's {what} there, or remove it.")
        left_out += [(file.relative_to(source).as_posix(), "left out", why) for file, why in found if why]
        left_out += _links_out(source, folder)
        for file in files:
            target = raw / file.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    keep_left_out(raw, left_out)


def _print_parts(source: Path, folders: Sequence[tuple[Path, str]]) -> None:
    """Which folders are taken for which part, where the data comes with its parts."""
    names = {of: ", ".join(sorted({folder.parent.name for folder, part in folders if part == of})) for of in TAKEN}
    if names["test"]:
        told = f"{names['test']} is the test part, the others are cut of {names['train']}"
        show(f"{source} comes with its parts: {told}")


def class_samples(raw: Path, suffix: str = "") -> list[Sample]:
    """Every file (of this suffix) in each class's folder, sorted, with its class and its part."""
    return [
        Sample(file.relative_to(raw).as_posix(), folder.name, part=part)
        for folder, part in _class_folders(raw, "files")
        for file, problem in walk(folder, suffix)
        if not problem
    ]


def _class_folders(source: Path, what: str) -> list[tuple[Path, str]]:
    """The folders of the classes, sorted, each with its part: "" where ``source`` has no parts.

    Where it has no test part, its validation part is taken for that; beside one, it joins the train part.
    """
    folders = _folders(source)
    parts = {folder: _part(folder.name) for folder in folders}
    if not _has_parts(folders, parts, source):
        if len(folders) < 2:
            inside = f" (or is it {folders[0]}?)" if folders and len(_folders(folders[0])) > 1 else ""
            raise UserError(
                f"data.path: {source} has {len(folders)} sub-folder(s), but needs two: put the {what} "
                f"of each class in a sub-folder named as the class{inside}."
            )
        for blank in (folder.name for folder in folders if not folder.name.strip()):
            raise UserError(f"data.path: a folder in {source} has a blank name, {blank!r}: name the class by it.")
        return [(folder, "") for folder in folders]
    held_out = "test" if "test" in parts.values() else "validation"
    found = [(inner, "test" if parts[f] == held_out else "train") for f in folders for inner in _folders(f)]
    if (number := len({inner.name for inner, _ in found})) < 2:
        raise UserError(f"data.path: the parts of {source} have {number} class(es) in all, but need two.")
    return found


def _has_parts(folders: Sequence[Path], parts: dict[Path, str], source: Path) -> bool:
    """Whether the sub-folders are parts, not classes. Raises: UserError where some are, and it cannot be told how."""
    named = [folder for folder in folders if parts[folder]]
    if "train" not in parts.values() or len({parts[folder] for folder in named}) < 2:
        return False
    classes = [{inner.name for inner in _folders(folder)} for folder in named]
    others = [folder.name for folder in folders if not parts[folder]]
    if others and not set.intersection(*classes):
        return False  # a train is a class beside cars and ships
    names = " and ".join(folder.name for folder in named)
    if without := [folder for folder, inner in zip(named, classes, strict=True) if not inner]:
        raise UserError(
            f"data.path: {names} in {source} are parts of a data set by their names, but {without[0].name} has no "
            "sub-folder a class: give the folder whose sub-folders are the classes, such as "
            f"data.path={next(folder for folder in named if parts[folder] == 'train')}, or rename what is a class."
        )
    if others:
        raise UserError(f"data.path: {source} has {names}, and beside them {', '.join(others)}: move that elsewhere.")
    return True


def _part(name: str) -> str:
    """The part that a folder of this name is, such as seg_train or Test; "" where it is none."""
    found = {PARTS[word] for word in re.split("[^a-z]+", name.lower()) if word in PARTS}
    return found.pop() if len(found) == 1 else ""


def _folders(folder: Path) -> list[Path]:
    """The sub-folders with something of a person's, sorted."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not problem_of(path))


def _beside(source: Path, classes: Sequence[Path]) -> list[Line]:
    """What is in no class's folder: by each of its files, or as the folder that a system has made."""
    taken = {path for folder in classes for path in (folder, *folder.parents)}
    places = {folder.parent for folder in classes} | {source}
    paths = sorted(path for place in places for path in place.iterdir() if path not in taken)
    return [
        (path.relative_to(source).as_posix(), "left out", problem_of(path) or "in no class's folder") for path in paths
    ]


def _links_out(source: Path, folder: Path) -> list[Line]:
    """The links in a class's folder, or it itself, that lead out of ``source``."""
    links = [path for path in (folder, *sorted(folder.rglob("*"))) if path.is_symlink() and not problem_of(path)]
    return [
        (link.relative_to(source).as_posix(), "linked", f"to {link.resolve()}, and read there")
        for link in links
        if not link.resolve().is_relative_to(source)
    ]
