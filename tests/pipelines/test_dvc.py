"""DVC sees all that a stage depends on, and nothing that changes by itself: the same choices give the same dvc.lock."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from overcast.config import ROOT

SOURCE = ROOT / "src"
KINDS = ("data", "model", "mitigation")
"""The rooms whose modules are imported by name, when an option file is built."""

BUILT = {"download": KINDS[:1], "pack": KINDS[:1], "split": KINDS[:1], "train": KINDS, "evaluate": KINDS}
"""Of which kinds each stage builds options."""

HARMLESS = {
    "overcast.complaint": "words of error messages",
    "overcast.errors": "words of error messages",
    "overcast.defaults": "refuses what is wrong in params.yaml, which DVC sees itself",
    "overcast.hold": "waits or refuses",
    "overcast.provenance": "what is recorded of a run beside its result",
    "overcast.tracking": "what is recorded of a run beside its result",
    "overcast.study": "a stage is no study",
    "overcast.study.lookup": "a stage is no study",
    "overcast.study.progress": "a stage is no study",
    "overcast.prepare.ready": "data made ready on the way: before a stage, DVC does that",
}
"""What is imported and cannot change what a stage makes, and why: editing it runs no stage again."""

COMPOSING = {"overcast.config": "what it composes here is params.yaml and the data set's option file: DVC sees them"}
DECODING = dict.fromkeys(
    [f"overcast.prepare.{name}" for name in ("pictures", "sounds", "tables", "windows", "words")],
    "a raw file is kept as it came: what reads it can only refuse it",
)
HARMLESS_IN = {"download": COMPOSING | DECODING, "pack": COMPOSING, "split": COMPOSING}
"""The like, for some stages."""


def file_of(module: str) -> Path | None:
    """Where a module of ours is, None if it is none."""
    path = SOURCE.joinpath(*module.split("."))
    found = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return found if module.split(".")[0] == "overcast" and found.is_file() else None


@cache
def imports(path: Path) -> frozenset[str]:
    """The modules of ours that a file imports, anywhere in it, and the packages they lie in."""
    tree = ast.parse(path.read_text(encoding="utf8"))
    typing = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    unseen = {inner for block in typing for statement in block.body for inner in ast.walk(statement)}
    names: set[str] = set()
    for node in ast.walk(tree):
        if node in unseen:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, path
            names |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    parts = [name.split(".") for name in names]
    return frozenset(m for p in parts for i in range(len(p)) if file_of(m := ".".join(p[: i + 1])))


def imported(stage: str, options: dict[str, str]) -> set[str]:
    """Every module that a stage's script imports, or one of those, and the options that are built: all mitigations."""
    built = {f"overcast.{kind}.{name}" for kind in BUILT[stage] for name in options.get(kind, choices(kind)).split()}
    left, found = {*imports(ROOT / "pipelines" / f"{stage}.py"), *built}, set[str]()
    while left:
        found |= left
        left = {m for each in left for m in imports(Path(str(file_of(each))))} - found
    return found


def choices(kind: str) -> str:
    return " ".join(sorted(path.stem for path in (SOURCE / "overcast" / kind).glob("*.py") if path.stem != "__init__"))


def stages() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf8"))["stages"]
    return found


def code_of(stage: str, options: dict[str, str]) -> set[Path]:
    """The Python files below src/ that a stage lists; a folder stands for all in it."""
    files: set[Path] = set()
    for dep in stages()[stage]["deps"]:
        for kind, name in options.items():
            dep = dep.replace(f"${{{kind}}}", name)
        if dep.startswith("src/"):
            place = ROOT / dep
            files |= set(place.rglob("*.py")) if place.is_dir() else {place}
    return files


@pytest.mark.parametrize("stage", list(BUILT))
def test_a_stage_lists_the_code_that_it_imports(stage: str) -> None:
    several = {kind: choices(kind).split() for kind in ("data", "model")}
    asked = [{"data": d, "model": several["model"][0]} for d in several["data"]]
    asked += [{"data": several["data"][0], "model": m} for m in several["model"]]
    needed: set[Path] = set()
    for options in asked:
        modules = imported(stage, options) - HARMLESS.keys() - HARMLESS_IN.get(stage, {}).keys()
        now = {Path(str(file_of(module))) for module in modules}
        lacking = {path.relative_to(ROOT).as_posix() for path in now - code_of(stage, options)}
        assert not lacking, f"add to {stage} in dvc.yaml, or to HARMLESS here with a reason: {sorted(lacking)}"
        needed |= now
    listed = set[Path]().union(*(code_of(stage, options) for options in asked))
    idle = {path.relative_to(ROOT).as_posix() for path in listed - needed}
    assert not idle, f"remove from {stage} in dvc.yaml what it does not import or cannot matter: {sorted(idle)}"


def test_what_is_called_harmless_is_imported() -> None:
    every = {stage: imported(stage, {}) for stage in BUILT}
    assert HARMLESS.keys() <= set[str]().union(*every.values())
    for stage, modules in HARMLESS_IN.items():
        assert modules.keys() <= every[stage]


def test_editing_an_error_message_downloads_nothing_again() -> None:
    for module in ("overcast.complaint", "overcast.errors", "overcast.config", "overcast.defaults"):
        assert file_of(module) not in code_of("download", {"data": "skies"})


def test_dvc_sees_all_that_may_stand_in_params() -> None:
    """The early stages list what they read, the others take the whole file, and the files of the options chosen."""
    params = {name: stage.get("params", []) for name, stage in stages().items()}
    names = {name: [p for p in listed if isinstance(p, str)] for name, listed in params.items()}
    files = {name: [file for p in listed if isinstance(p, dict) for file in p] for name, listed in params.items()}
    assert names == {"download": ["data"], "pack": ["data"], "split": ["data", "split.seed", "split.folds"],
                     "train": [], "evaluate": []}  # fmt: skip
    assert files["download"] == files["pack"] == ["conf/data/${data}.yaml"]
    groups = ("data", "model", "trainer")
    assert files["train"] == ["params.yaml", *(f"conf/{group}/${{{group}}}.yaml" for group in groups)]
    assert {"conf/mitigation", "conf/config.yaml"} <= set(stages()["train"]["deps"])
