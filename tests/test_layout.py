"""One name, three files, in both directions; every option file composes and builds; each import stays in its room."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from overcast.config.compose import as_override
from overcast.config.metric_options import metric_options
from overcast.config.recipe import read_recipe
from overcast.core.paths import ROOT
from overcast.core.spec import Spec
from overcast.data import build_dataset
from overcast.prediction.build import build_mitigations, build_network
from overcast.training.metrics import build_metric
from overcast.tuning.space import read_space

SOURCE = ROOT / "src" / "overcast"
KINDS = ("data", "model", "mitigation")
ROOMS = (
    "claims", "demo", "retention", "explain", "audit", "serving", "comparison", "tuning", "study", "evaluation",
    "training", "prediction", "tracking", "mitigation", "model", "prepare", "data", "fetch", "readers", "statistics",
    "config", "html", "core",
)  # fmt: skip
"""From top to bottom: a room may use those below it."""
SPECS = {
    "image": Spec("image", (3, 16, 16), ("a", "b", "c")),
    "sequence": Spec("sequence", (12, 4), ("a", "b", "c")),
    "spectrogram": Spec("spectrogram", (12, 8), ("a", "b", "c")),
    "tokens": Spec("tokens", (12,), ("a", "b", "c"), vocabulary=tuple("abcdefghij")),
}


def option_files(kind: str) -> dict[str, dict[str, Any]]:
    return {path.stem: yaml.safe_load(path.read_text()) or {} for path in sorted((ROOT / "conf" / kind).glob("*.yaml"))}


def choices(kind: str) -> set[str]:
    """The options that need a module: `none` and those that only list others do not."""
    return {name for name, option in option_files(kind).items() if "_target_" in option and name != "none"}


def stems(folder: Path, pattern: str) -> set[str]:
    return {path.stem for path in folder.glob(pattern) if not path.stem.startswith("_")} - {"conftest", "test___init__"}


@pytest.mark.parametrize("kind", KINDS)
def test_one_name_three_files(kind: str) -> None:
    modules = stems(SOURCE / kind, "*.py")
    tests = {name.removeprefix("test_") for name in stems(ROOT / "tests" / kind, "test_[!_]*.py")}
    assert choices(kind) == modules
    assert modules <= tests
    assert tests - modules <= set(option_files(kind))  # a test of `none` or of a cocktail is welcome


@pytest.mark.parametrize("kind", KINDS)
def test_an_option_points_at_the_module_of_its_name(kind: str) -> None:
    for name in choices(kind):
        target = option_files(kind)[name]["_target_"]
        assert target.rpartition(".")[0] == f"overcast.{kind}.{name}"


def test_a_claim_is_a_module_a_study_and_a_test() -> None:
    modules = stems(SOURCE / "claims", "*.py")
    studies = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / "conf/study").glob("*.yaml")}
    assert {name: study["claim"] for name, study in studies.items() if "claim" in study} == {n: n for n in modules}
    assert modules <= {name.removeprefix("test_") for name in stems(ROOT / "tests" / "claims", "test_*.py")}


def test_mitigations_are_packaged_under_their_names() -> None:
    for name in choices("mitigation") | {"none"}:
        first = (ROOT / f"conf/mitigation/{name}.yaml").read_text().splitlines()[0]
        assert first == f"# @package mitigation.{name}"


@pytest.mark.parametrize("name", sorted(option_files("mitigation")))
def test_every_mitigation_composes_and_builds(config: Any, name: str) -> None:
    picked = config(f"mitigation={name}").mitigation
    if name in choices("mitigation") | {"none"}:
        assert [option.name for option in picked] == [name]
    kinds = [k for k in SPECS if all(k in option.target_class("mitigation").kinds for option in picked)]
    assert kinds
    assert list(build_mitigations(picked, kinds[0])) == [option.name for option in picked]


@pytest.mark.parametrize("name", sorted(option_files("model")))
def test_every_network_composes_and_builds_for_each_kind_it_reads(config: Any, name: str) -> None:
    if name == "transfer":
        pytest.importorskip("efficientnet_lite_pytorch", reason="it needs an extra")
    option = config(f"model={name}").model
    for kind in option.target_class("model").kinds if name != "transfer" else ("image",):  # others: see its own test
        net = build_network(option, SPECS[kind], {})
        assert sum(p.numel() for p in net.parameters()) > 0


@pytest.mark.parametrize("name", sorted(option_files("data")))
def test_every_data_set_composes_and_builds(config: Any, name: str) -> None:
    needed = {"folder": ["path"], "recordings": ["path"], "texts": ["path"], "series": ["path", "label"]}
    missing = [f"data.{key}=/there" for key in needed.get(name, [])]
    option = config(f"data={name}", *missing).data
    built = build_dataset(option)
    for raw in built.raw_options:
        assert hasattr(built, raw)


@pytest.mark.parametrize("name", sorted(option_files("metric")))
def test_a_metric_is_its_option_file(name: str) -> None:
    """A class of torchmetrics, or one that it lacks: nothing else here is of its name."""
    option = metric_options()[name]
    assert build_metric(option, 3).higher_is_better is option.higher_is_better
    assert {"higher_is_better", "range"} <= option_files("metric")[name].keys()  # a report then needs no torchmetrics
    assert not list(SOURCE.rglob(f"{name}.py"))


@pytest.mark.parametrize("name", sorted(option_files("search")))
def test_every_search_space_composes_and_builds(config: Any, name: str) -> None:
    """Each choice and each end of a range in it, for each kind of data; the options as they stand lie inside."""
    model = name if name in choices("model") else "ann"
    space = read_space(ROOT / "conf", name, model)
    for values in map(space.values, space.examples()):
        words = [f"{key}={as_override(value)}" for key, value in values.items()]
        found = config(f"model={model}", *words)
        assert [option.name for option in found.mitigation] == list(space.mitigations or ())
        for kind in found.model.target_class("model").kinds:
            fitting = [each for each in found.mitigation if kind in each.target_class("mitigation").kinds]
            assert len(build_mitigations(fitting, kind)) == len(fitting)
            build_network(found.model, SPECS[kind], {})
    stands = yaml.safe_load((ROOT / "params.yaml").read_text())
    words = [f"{key}={as_override(stands[key])}" for key in ("lr", "batch_size", "epochs", "mitigation")]
    assert space.params_of(config(f"model={model}", *words)) is not None


@pytest.mark.parametrize("name", sorted(option_files("recipe")))
def test_every_recipe_is_one(name: str) -> None:
    assert isinstance(read_recipe(ROOT / "conf", name), dict)


@pytest.mark.parametrize("group", ["trainer", "tracking"])
def test_every_other_option_composes(config: Any, group: str) -> None:
    for name in option_files(group):
        assert getattr(config(f"{group}={name}"), group)


def test_the_source_is_mirrored_by_tests() -> None:
    roots = {"pipelines": ROOT, "docs": ROOT, "hydra_plugins": ROOT / "src"}
    # what no single file of the source does
    crossing = {
        "test_containers.py",
        "test_contributing.py",
        "test_contracts.py",
        "test_dvc.py",
        "test_engineers_path.py",
        "test_gpu.py",
        "test_language.py",
        "test_layout.py",
        "test_makefile.py",
        "test_memory.py",
        "test_notebooks.py",
        "test_portability.py",
        "test_readme.py",
        "test_shared_record.py",
        "test_study.py",
        "test_stages.py",
    }
    for path in (ROOT / "tests").rglob("test_*.py"):
        below = path.relative_to(ROOT / "tests")
        if below.parts[0] in ("browser", "faults", "fuzzing") or below.name in crossing:
            continue
        source = roots.get(below.parts[0], SOURCE) / below.parent / below.name.removeprefix("test_")
        option = ROOT / "conf" / below.parent / f"{source.stem}.yaml"  # `none` and `cocktail` have no module
        assert source.exists() or option.exists(), path


def rooms_used(path: Path) -> set[str]:
    """The rooms that a file imports from, not counting what is there for types alone."""
    tree = ast.parse(path.read_text(encoding="utf8"))
    typing = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    unseen = {inner for block in typing for statement in block.body for inner in ast.walk(statement)}
    names = [
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and node not in unseen
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
        for name in ([f"overcast.{alias.name}" for alias in node.names] if name == "overcast" else [name])
    ]
    return {name.split(".")[1] for name in names if name.startswith("overcast.")}


@pytest.mark.parametrize("room", sorted(path.name for path in SOURCE.iterdir() if list(path.glob("*.py"))))
def test_a_room_uses_only_rooms_below_it(room: str) -> None:
    allowed = {room, *ROOMS[ROOMS.index(room) + 1 :]}
    assert not {
        f"{path.relative_to(SOURCE)} imports {used}"
        for path in (SOURCE / room).rglob("*.py")
        for used in rooms_used(path) - allowed
    }


def test_every_file_lies_in_a_room() -> None:
    assert [path.name for path in SOURCE.glob("*.py")] == ["__init__.py"]


def test_no_room_without_a_name() -> None:
    for name in ("utils", "util", "helpers", "common", "misc"):
        assert not list(SOURCE.rglob(f"{name}.py"))
        assert not list(SOURCE.rglob(f"{name}/"))


def importing(package: str) -> set[str]:
    line = re.compile(rf"^\s*(?:import|from) {package}\b", re.MULTILINE)
    files = [*SOURCE.rglob("*.py"), *(ROOT / "pipelines").glob("*.py")]
    return {path.relative_to(ROOT).as_posix() for path in files if line.search(path.read_text())}


def test_only_tracking_and_serving_import_mlflow() -> None:
    assert {path.rsplit("/", 1)[0] for path in importing("mlflow")} <= {"src/overcast/tracking", "src/overcast/serving"}


def test_predicting_with_an_exported_network_knows_no_torch() -> None:
    served = (
        "prediction/reading",
        "prediction/predictor",
        "prediction/predict",
        "serving/onnx_model",
        "serving/pyfunc",
    )
    assert not {f"src/overcast/{name}.py" for name in served} & importing("torch")


def test_only_the_classifier_has_a_training_step() -> None:
    having = {
        p.name for p in SOURCE.rglob("*.py") if re.search(r"def training_step|\(LightningModule\)", p.read_text())
    }
    assert having == {"classifier.py"}
    assert {p.name for p in SOURCE.rglob("*.py") if "(LightningDataModule)" in p.read_text()} == {"datamodule.py"}


def test_networks_know_no_lightning() -> None:
    assert not [path for path in importing("pytorch_lightning") if "/model/" in path]


def test_preparing_imports_no_torch() -> None:
    """What `split`, `pack` and `download` import, a data set's option file built, in a fresh Python."""
    names = [path.stem for room in ("prepare", "data") for path in (SOURCE / room).glob("*.py")]
    rooms = [f"overcast.{room}" for room in ("prepare", "data")]
    modules = rooms + [
        f"overcast.{path.parent.name}.{path.stem}"
        for room in ("prepare", "data")
        for path in (SOURCE / room).glob("*.py")
        if path.stem != "__init__"
    ]
    assert len(names) == len(modules)
    code = (
        f"import sys, importlib, overcast.config.schema, overcast.config.options\n"
        f"for name in {modules}: importlib.import_module(name)\n"
        "print([m for m in ('torch', 'pytorch_lightning', 'lightning', 'mlflow', 'pandas') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"


def test_there_is_one_padding_mask_for_arrays_and_one_for_tensors() -> None:
    compared = re.compile(r"arange\(.*<.*length\[:, None\]")
    having = {path.name: len(compared.findall(path.read_text())) for path in SOURCE.rglob("*.py")}
    assert {name: number for name, number in having.items() if number} == {"spec.py": 1, "_encoders.py": 1}


def test_the_page_kit_takes_arrays_and_knows_no_other_room() -> None:
    """Packs and runs stay in the rooms that draw them."""
    line = re.compile(r"^\s*(?:from|import) (overcast[.\w]*)", re.MULTILINE)
    imported = {name for path in (SOURCE / "html").glob("*.py") for name in line.findall(path.read_text())}
    assert {name for name in imported if not name.startswith("overcast.html")} <= {
        "overcast.core.atomic",
        "overcast.core.console",
        "overcast.core.errors",
        "overcast.core.words",
    }


def test_all_pages_are_made_by_the_kit() -> None:
    assert {path.parent.name for path in SOURCE.rglob("*.j2")} == {"html", "demo"}  # whose page asks a server
    assert {path.split("/")[2] for path in importing("jinja2")} == {"html"}
    made = re.compile(r"\bFigure\(figsize|rcParams|pyplot")
    assert {path.parent.name for path in SOURCE.rglob("*.py") if made.search(path.read_text())} == {"html"}


def test_all_that_is_no_code_is_packaged() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["overcast"]
    packaged = {path for pattern in patterns for path in SOURCE.glob(pattern)}
    lying = {path for path in SOURCE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {path for path in lying if path.suffix != ".py"} == packaged
    assert SOURCE / "py.typed" in packaged
    assert all(list(SOURCE.glob(pattern)) for pattern in patterns)


def test_archives_are_found_by_the_variable_and_by_no_folder_of_one_machine() -> None:
    named = re.compile("shared" + "/mirror")
    places = [ROOT / name for name in ("src", "conf", "docs", "tests", "pipelines")]
    texts = [p for place in places for p in place.rglob("*") if p.suffix in (".py", ".md", ".yaml")]
    assert not [path for path in (ROOT / "README.md", *texts) if named.search(path.read_text(encoding="utf8"))]
