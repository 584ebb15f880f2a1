"""DVC sees all that a stage depends on, and nothing that changes by itself: the same choices give the same dvc.lock."""

from __future__ import annotations

import ast
import csv
import json
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from overcast.config.schema import SETTINGS, TrackingConfig
from overcast.core.paths import ROOT
from overcast.tracking.finished_run import load_run
from overcast.tracking.store import open_store

SOURCE = ROOT / "src"
KINDS = ("data", "model", "mitigation")
"""The rooms whose modules are imported by name, when an option file is built."""

BUILT = {"download": KINDS[:1], "pack": KINDS[:1], "split": KINDS[:1], "train": KINDS, "evaluate": KINDS}
"""Of which kinds each stage builds options."""

HARMLESS = {
    "overcast.config.messages": "words of error messages",
    "overcast.core.console": "the language of what is said on a terminal",
    "overcast.core.errors": "words of error messages",
    "overcast.config.defaults": "refuses what is wrong in params.yaml, which DVC sees itself",
    "overcast.config.recipe": "reads a recipe's file, which DVC sees, or refuses it",
    "overcast.config.script": "a script's main: what went wrong, and with which exit code",
    "overcast.config.hydra_block": "refuses what an option file may not say",
    "overcast.core.durations": "how long something may take: no stage has such a limit",
    "overcast.core.formats": "refuses what another version wrote",
    "overcast.core.locks": "waits or refuses",
    "overcast.core.process": "whether a run's process is gone",
    "overcast.core.progress": "a bar on standard error",
    "overcast.core.paths": "a stage runs in the project's folder, where every path stays what it was",
    "overcast.core.secrets": "takes passwords out of addresses",
    "overcast.core.startup": "how a process ends",
    "overcast.core.system_errors": "words of error messages",
    "overcast.core.signals": "how a process ends",
    "overcast.core.watchdog": "how a process ends",
    "overcast.core.yaml_file": "reads option files and configs, which DVC sees, or refuses them",
    "overcast.core.words": "no stage asks for another language than English",
    "overcast.tracking": "what is recorded of a run beside its result",
    "overcast.tracking.create_run": "a stage names the folder of its run",
    "overcast.tracking.database": "what is recorded of a run beside its result",
    "overcast.tracking.find_run": "a stage names the folder of its run",
    "overcast.tracking.heartbeat": "what is recorded of a run beside its result",
    "overcast.tracking.metadata": "what is recorded of a run beside its result",
    "overcast.tracking.orphans": "what is recorded of a run beside its result",
    "overcast.tracking.delivery": "what is recorded of a run beside its result",
    "overcast.tracking.failures": "what is recorded of a run beside its result",
    "overcast.tracking.late_record": "what is recorded of a run beside its result",
    "overcast.tracking.outbox": "what is recorded of a run beside its result",
    "overcast.tracking.relocate": "what is recorded of a run beside its result",
    "overcast.tracking.retry": "what is recorded of a run beside its result",
    "overcast.tracking.study_info": "a stage is no study",
    "overcast.tracking.store": "what is recorded of a run beside its result",
    "overcast.tracking.tensorboard": "what is recorded of a run beside its result",
    "overcast.tracking.unrecorded": "what is recorded of a run beside its result",
    "overcast.prepare.one_process": "waits",
    "overcast.prepare.missing_steps": "data made ready on the way: before a stage, DVC does that",
}
"""What is imported and cannot change what a stage makes, and why: editing it runs no stage again."""

COMPOSING = dict.fromkeys(
    [
        f"overcast{name}"
        for name in (
            ".config",
            ".config.compose",
            ".config.run_config",
            ".config.schema",
            ".core",
            ".core.cores",
            ".core.devices",
        )
    ],
    "what it composes here is params.yaml and the data set's option file: DVC sees them",
)
DECODING = dict.fromkeys(
    [f"overcast.readers.{name}" for name in ("images", "audio", "tables", "text", "remarks")]
    + ["overcast.data._windows"],
    "a raw file is kept as it came: what reads it can only refuse it",
)
MEASURING = {"overcast.config.metric_options": "an epoch shows nll and accuracy, whatever else is measured at the end"}
HARMLESS_IN = {"download": COMPOSING | DECODING, "pack": COMPOSING, "split": COMPOSING, "train": MEASURING}
"""The like, for some stages."""


def file_of(module: str) -> Path | None:
    """Where a module of ours is, None if it is none."""
    path = SOURCE.joinpath(*module.split("."))
    found = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return found if module.split(".")[0] == "overcast" and found.is_file() else None


@cache
def imports(path: Path) -> frozenset[str]:
    """The modules of ours that a file imports, anywhere in it, and the rooms they lie in.

    Without `overcast` itself, which is the Python interface: no stage uses it.
    """
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
    return frozenset(m for p in parts for i in range(1, len(p)) if file_of(m := ".".join(p[: i + 1])))


def imported(stage: str, options: dict[str, str]) -> set[str]:
    """Every module that a stage's script imports, or one of those, and the options that are built: all mitigations."""
    built = {f"overcast.{kind}.{name}" for kind in BUILT[stage] for name in options.get(kind, choices(kind)).split()}
    left, found = {*imports(ROOT / "pipelines" / f"{stage}.py"), *built}, set[str]()
    while left:
        found |= left
        left = {m for each in left for m in imports(Path(str(file_of(each))))} - found
    return found


def choices(kind: str) -> str:
    return " ".join(
        sorted(path.stem for path in (SOURCE / "overcast" / kind).glob("*.py") if not path.stem.startswith("_"))
    )


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
    needed, lacking = set[Path](), set[str]()
    for options in asked:
        modules = imported(stage, options) - HARMLESS.keys() - HARMLESS_IN.get(stage, {}).keys()
        now = {Path(str(file_of(module))) for module in modules}
        lacking |= {path.relative_to(ROOT).as_posix() for path in now - code_of(stage, options)}
        needed |= now
    assert not lacking, f"add to {stage} in dvc.yaml, or to HARMLESS here with a reason: {sorted(lacking)}"
    listed = set[Path]().union(*(code_of(stage, options) for options in asked))
    idle = {path.relative_to(ROOT).as_posix() for path in listed - needed}
    assert not idle, f"remove from {stage} in dvc.yaml what it does not import or cannot matter: {sorted(idle)}"


def test_what_is_called_harmless_is_imported() -> None:
    every = {stage: imported(stage, {}) for stage in BUILT}
    assert HARMLESS.keys() <= set[str]().union(*every.values())
    for stage, modules in HARMLESS_IN.items():
        assert modules.keys() <= every[stage]


def test_editing_an_error_message_downloads_nothing_again() -> None:
    for module in (
        "overcast.config.messages",
        "overcast.core.errors",
        "overcast.config.schema",
        "overcast.config.defaults",
    ):
        assert file_of(module) not in code_of("download", {"data": "skies"})


def test_dvc_sees_all_that_may_stand_in_params() -> None:
    """The early stages list what they read, the others take the whole file, and the files of the options chosen."""
    params = {name: stage.get("params", []) for name, stage in stages().items()}
    names = {name: [p for p in listed if isinstance(p, str)] for name, listed in params.items()}
    files = {name: [file for p in listed if isinstance(p, dict) for file in p] for name, listed in params.items()}
    assert names == {
        "download": ["data"],
        "pack": ["data"],
        "split": ["data", "split.seed", "split.folds", "split.file", "split.calibration"],
        "train": [],
        "evaluate": [],
    }
    assert files["download"] == files["pack"] == ["conf/data/${data}.yaml"]
    groups = ("data", "model", "recipe", "trainer")
    assert files["train"] == ["params.yaml", *(f"conf/{group}/${{{group}}}.yaml" for group in groups)]
    assert {"conf/mitigation", "conf/config.yaml"} <= set(stages()["train"]["deps"])
    assert "conf/metric" in stages()["evaluate"]["deps"]


@dataclass(frozen=True)
class Project:
    """A small copy of the project in a Git repository of its own."""

    folder: Path

    def run(self, *command: str, mirror: str = "/one") -> str:
        """What a command prints in it."""
        path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
        environment = {"PATH": path, "HOME": str(self.folder.parent), "DVC_NO_ANALYTICS": "1", "OMP_NUM_THREADS": "1"}
        environment |= {"OVERCAST_MIRROR": mirror, "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t"}
        environment |= {"GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t"}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def clone(self, folder: Path, share_cache: bool = False) -> Project:
        """A fresh clone, which knows what this one has made only where they share the cache."""
        self.run("git", "clone", "-q", str(self.folder), str(folder))
        copy = Project(folder)
        if share_cache:
            copy.run("dvc", "config", "--local", "cache.dir", str(self.folder / ".dvc" / "cache"))
        return copy

    def edit(self, **changes: Any) -> None:
        path = self.folder / "params.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes))

    def assert_clean(self) -> None:
        assert "up to date" in self.run("dvc", "status")
        assert self.run("git", "status", "--porcelain") == ""

    def recorded(self) -> list[dict[str, str]]:
        """The tags of its MLflow runs."""
        place = {"uri": f"sqlite:///{self.folder}/mlflow.db", "artifacts": str(self.folder / "mlartifacts")}
        store = open_store(TrackingConfig(experiment="overcast", **place))
        assert store is not None
        return [run.tags for run in store.search()]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """It has run once, and its dvc.lock is committed."""
    made = Project(tmp_path_factory.mktemp("project") / "one")
    for name in ("conf", "pipelines", "src"):
        shutil.copytree(ROOT / name, made.folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("dvc.yaml", "params.yaml", ".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, made.folder)
    skies = "_target_: overcast.data.skies.Skies\nn_samples: 100\nsize: 16\ndifficulty: 0.5\nseed: 0\n"
    (made.folder / "conf/data/skies.yaml").write_text(skies)
    made.edit(data="skies", model="ann", mitigation="none", epochs=1)
    made.run("git", "init", "-q")
    made.run("dvc", "init", "-q")
    made.run("dvc", "repro", "-q")
    made.run("git", "add", "-A")
    made.run("git", "commit", "-qm", "all of it")
    return made


@pytest.mark.slow
def test_two_folders_get_the_same_lock(project: Project, tmp_path: Path) -> None:
    """From nothing, with another mirror: nothing that DVC keeps knows of place, time, id or mirror."""
    other = project.clone(tmp_path / "other")
    (other.folder / "dvc.lock").unlink()
    other.run("dvc", "repro", "-q", mirror="/two")
    assert (other.folder / "dvc.lock").read_text() == (project.folder / "dvc.lock").read_text()
    other.assert_clean()


@pytest.mark.slow
def test_what_was_pushed_is_pulled_and_nothing_is_left_to_do(project: Project, tmp_path: Path) -> None:
    project.run("dvc", "remote", "add", "--local", "-d", "there", str(tmp_path / "remote"))
    project.run("dvc", "push", "-q")
    clone = project.clone(tmp_path / "clone")
    clone.run("dvc", "remote", "add", "--local", "-d", "there", str(tmp_path / "remote"))
    clone.run("dvc", "pull", "-q")
    clone.assert_clean()
    assert "Running stage" not in clone.run("dvc", "repro")
    clone.assert_clean()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # MLflow's
def test_a_run_that_dvc_restores_is_recorded_once_and_stays_clean(project: Project, tmp_path: Path) -> None:
    clone = project.clone(tmp_path / "clone", share_cache=True)
    assert "Running stage" not in clone.run("dvc", "repro", "--pull")
    clone.assert_clean()
    for _ in range(2):
        clone.run("env", "PYTHONPATH=src", "python", "pipelines/evaluate.py", "run=runs/repro")
        clone.assert_clean()
    (tags,) = clone.recorded()
    assert tags["restored"] == "true"
    shutil.rmtree(clone.folder / "runs")
    assert "Running stage" not in clone.run("dvc", "repro")
    clone.run("dvc", "repro", "--force", "--single-item", "evaluate")
    clone.assert_clean()
    assert clone.recorded() == [tags]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # MLflow's
def test_an_experiment_in_a_temporary_copy_is_what_is_typed(
    compose_as_script: Any, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERCAST_MIRROR", "/another")
    clone = project.clone(tmp_path / "clone", share_cache=True)
    words = ["model=dnn", "mitigation=[batch_norm,early_stopping]"]
    options = [part for word in words for part in ("-S", word)]
    clone.run("dvc", "exp", "run", "-q", "--temp", "--name", "tried", *options)
    clone.run("git", "checkout", "-q", ".")
    clone.run("dvc", "exp", "apply", "-q", "tried")
    run = load_run(clone.folder / "runs" / "repro")
    typed = compose_as_script(words, clone.folder)
    found, asked = (
        {name: value for name, value in config.to_dict().items() if name not in SETTINGS}
        for config in (run.config, typed)
    )
    assert found == asked
    assert (run.folder / "evaluation" / "metrics.json").is_file()
    assert run.record == {}
    clone.run("env", "PYTHONPATH=src", "python", "pipelines/evaluate.py", "run=runs/repro")
    assert "up to date" in clone.run("dvc", "status")
    assert [tags["restored"] for tags in clone.recorded()] == ["true"]
    shown = subprocess.run(["make", "-n", "experiments"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (command,) = (line for line in shown.splitlines() if line.startswith("dvc exp show"))
    columns = next(csv.reader(clone.run(*shlex.split(command), "--csv").splitlines()))
    assert {"test.accuracy", "gap.accuracy", "model", "mitigation"} <= set(columns)
    assert len(columns) < 15


@pytest.mark.slow
def test_what_is_added_to_params_runs_what_it_must(project: Project, tmp_path: Path) -> None:
    clone = project.clone(tmp_path / "clone", share_cache=True)
    clone.run("dvc", "checkout", "-q")
    cut = {"seed": 0, "fold": 0, "folds": None, "ignore_groups": False, "file": None, "calibration": 0}
    for changes, stages in (
        ({"train_fraction": 0.5}, ["train"]),
        ({"shuffle_pixels": True}, ["train"]),
        ({"debug": True}, ["train"]),
        ({"trainer": "cpu"}, ["train"]),
        ({"split": cut | {"ignore_groups": True}}, ["train"]),
        ({"split": cut | {"folds": 5}}, ["split", "train"]),
    ):
        clone.edit(**changes)
        assert list(json.loads(clone.run("dvc", "status", "--json"))) == stages, changes
        clone.run("git", "checkout", "-q", "params.yaml")
    clone.assert_clean()
