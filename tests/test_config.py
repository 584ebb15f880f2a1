"""params.yaml, the command line and what `dvc repro` runs mean the same; a pick stands back for the user."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from overcast.config import ROOT, _arguments, name_of, picks, study_keys, tracking_settings, with_picks
from overcast.errors import UserError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of params.yaml and conf/, to edit."""
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    return tmp_path


def edit(project: Path, **changes: Any) -> None:
    path = project / "params.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes))


def dvc_arguments() -> list[str]:
    """What dvc.yaml gives train.py."""
    command = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["train"]["cmd"]
    return str(command).split("pipelines/train.py", 1)[1].split()


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        (["model=lstm"], {"model": "lstm"}),
        (["mitigation=none", "seed=3", "lr=0.01"], {"mitigation": "none", "seed": 3, "lr": 0.01}),
        (["mitigation=[early_stopping,batch_norm]"], {"mitigation": ["early_stopping", "batch_norm"]}),
        (["split.fold=2"], {"split": {"seed": 0, "fold": 2}}),
        (["data=digits", "epochs=7"], {"data": "digits", "epochs": 7}),
    ],
)
def test_command_line_params_and_dvc_are_one(
    compose_as_script: Any, project: Path, words: list[str], changes: dict[str, Any]
) -> None:
    typed = compose_as_script(words)
    assert typed != compose_as_script([])
    edit(project, **changes)
    assert compose_as_script([], project) == typed
    by_dvc = compose_as_script(dvc_arguments(), project)
    assert by_dvc.pop("run") == "runs/repro"
    assert typed.pop("run") is None
    assert by_dvc == typed


def test_dvc_names_every_pick_that_training_reads() -> None:
    """A pick that no stage lists would not re-run anything when it is changed."""
    stage = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["train"]
    listed = {p for p in stage["params"] if isinstance(p, str)}
    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    flat = {f"{k}.{inner}" for k, v in tree.items() if isinstance(v, dict) for inner in v}
    flat |= {k for k, v in tree.items() if not isinstance(v, dict)}
    assert flat - listed == {"trainer", "split.seed"}  # a device; and the split itself, which is a dependency


def test_conf_holds_no_pick() -> None:
    defaults = yaml.safe_load((ROOT / "conf/config.yaml").read_text())["defaults"]
    picked = {k: v for d in defaults if isinstance(d, dict) for k, v in d.items()}
    assert all(picked[group] == "???" for group in ("data", "model", "mitigation", "trainer"))


def test_picks_in_front_without_what_the_user_gave(project: Path) -> None:
    edit(project, model="cnn", seed=1)
    found = with_picks(["-m", "model=ann,dnn", "split.fold=1"], project)
    assert found[0] == "-m"
    assert found[-2:] == ["model=ann,dnn", "split.fold=1"]
    assert "seed=1" in found
    assert not [word for word in found if word.startswith(("model=cnn", "split.fold=0"))]
    assert with_picks(["--cfg", "job"], project)[:2] == ["--cfg", "job"]


def test_picks_of_every_type(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("a: [x, y]\nb: 0.5\nc: {d: true, e: null}\nf: text\n")
    assert picks(path, ["c.d"]) == ["a=[x,y]", "b=0.5", "c.e=null", "f=text"]
    with pytest.raises(UserError, match=r"params\.yaml is missing"):
        picks(tmp_path / "none" / "params.yaml", [])


def test_a_study_takes_picks_away(project: Path) -> None:
    (project / "conf/study").mkdir(exist_ok=True)
    (project / "conf/study/mine.yaml").write_text(
        "# @package _global_\ndefaults: [{override /model: ann}]\nepochs: 3\nsplit: {fold: 4}\n"
        "hydra: {mode: MULTIRUN, sweeper: {params: {seed: 'range(2)'}}}\n"
    )
    assert {"model", "epochs", "split.fold", "seed"} <= study_keys(project / "conf/study/mine.yaml")
    found = with_picks(["+study=mine", "lr=0.1"], project)
    assert {word.split("=")[0] for word in found} == {
        "--multirun", "data", "mitigation", "trainer", "batch_size", "split.seed", "+study", "lr",
    }  # fmt: skip
    assert study_keys(project / "nothing.yaml") == set()


def test_a_data_set_says_its_own_number_of_folds(compose_as_script: Any) -> None:
    assert compose_as_script(["data=skies"])["split"]["folds"] == 10
    assert compose_as_script(["data=speech"])["split"]["folds"] == 5
    assert compose_as_script(["data=speech", "split.folds=4"])["split"]["folds"] == 4


def test_the_name_of_an_option_is_its_module() -> None:
    assert name_of({"_target_": "overcast.model.lstm.LSTM"}) == "lstm"


def test_the_mirror_comes_from_the_environment(compose_as_script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERCAST_MIRROR", "/media/archives")
    assert compose_as_script([])["mirror"] == "/media/archives"
    assert compose_as_script(["mirror=/other"])["mirror"] == "/other"


@pytest.mark.slow
def test_dvc_exp_run_resolves_to_what_is_typed(
    compose_as_script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real `dvc exp run -S` in a small copy of the project."""
    monkeypatch.delenv("OVERCAST_MIRROR", raising=False)
    copy = tmp_path / "copy"
    for name in ("conf", "pipelines", "src"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", "params.yaml", ".gitignore"):
        shutil.copy(ROOT / name, copy)
    skies = "_target_: overcast.data.skies.Skies\nnumber: 100\nsize: 16\ndifficulty: 0.5\nseed: 0\n"
    (copy / "conf/data/skies.yaml").write_text(skies)
    (copy / "conf/tracking/mlflow.yaml").write_text("enabled: false\n")
    edit(copy, data="skies", epochs=1)
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    environment = {"PATH": path, "HOME": str(tmp_path), "DVC_NO_ANALYTICS": "1", "OMP_NUM_THREADS": "1"}

    def run(*command: str) -> None:
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    run("git", "init", "-q")
    run("dvc", "init", "-q")
    run("git", "add", "-A")
    run("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "copy")
    words = ["model=lstm", "mitigation=[batch_norm,early_stopping]"]
    run("dvc", "exp", "run", "-q", *(part for word in words for part in ("-S", word)))
    assert (copy / "runs/repro/evaluation/metrics.json").exists()
    found = yaml.safe_load((copy / "runs/repro/config.yaml").read_text())
    assert found.pop("run") == "runs/repro"
    edit(copy, model="cnn", mitigation=["augmentation"])
    typed = compose_as_script(words, copy)
    typed.pop("run")
    assert found == typed


def test_where_a_training_records_is_told_without_training() -> None:
    assert tracking_settings()["experiment"] == "overcast"
    assert tracking_settings(["tracking.experiment=x", "tracking.uri=sqlite:///y.db"]) == {
        **tracking_settings(),
        **{"experiment": "x", "uri": "sqlite:///y.db"},
    }
    assert tracking_settings(["tracking=off"])["enabled"] is False


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("tracking=of", "tracking=of: there is no such tracking. Did you mean off?"),
        ("tracking.experment=x", "there is no option 'tracking.experment'. Did you mean experiment?"),
    ],
)
def test_a_mistyped_place_to_record_is_one_message(word: str, said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        tracking_settings([word])


def test_a_command_takes_words_of_tracking_beside_its_own() -> None:
    @dataclass
    class Own:
        run: str = "latest"
        tracking: Sequence[str] = ()

    @dataclass
    class Other:
        run: str = "latest"

    assert _arguments(Own, []) == Own()
    words = ["tracking=off", "run=x", "tracking.uri=a=b"]
    assert _arguments(Own, words) == Own("x", ["tracking=off", "tracking.uri=a=b"])
    with pytest.raises(UserError, match=r"there is no option 'trackin'\. Choices: run=…, tracking=…"):
        _arguments(Own, ["trackin=off"])
    with pytest.raises(UserError, match=r"there is no option 'tracking'\. Choices: run=…"):
        _arguments(Other, ["tracking=off"])


def test_a_reader_that_leaves_early_is_no_error() -> None:
    text = """
import dataclasses
from overcast.config import command
@dataclasses.dataclass
class Arguments:
    "none"
@command
def main(arguments: Arguments) -> None:
    raise BrokenPipeError
main()
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (141, "")
