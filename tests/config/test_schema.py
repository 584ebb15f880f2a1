"""params.yaml, the command line and what `dvc repro` runs mean the same; a default stands back for the user."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from overcast.config.compose import compose_tracking, default_overrides, study_keys, with_defaults
from overcast.config.options import Option
from overcast.config.script import _parse_arguments
from overcast.core.errors import UserError
from overcast.core.paths import ROOT

SPLIT = {"seed": 0, "fold": 0, "folds": None, "ignore_groups": False, "file": None, "calibration": 0}


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
        (["split.fold=2"], {"split": SPLIT | {"fold": 2}}),
        (
            ["train_fraction=0.5", "split.folds=5"],
            {"train_fraction": 0.5, "split": SPLIT | {"folds": 5}},
        ),
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
    assert (by_dvc.run, typed.run) == ("runs/repro", None)
    assert replace(by_dvc, run=None) == typed


def test_conf_holds_no_default_of_params() -> None:
    defaults = yaml.safe_load((ROOT / "conf/config.yaml").read_text())["defaults"]
    listed = {k: v for d in defaults if isinstance(d, dict) for k, v in d.items()}
    assert all(listed[group] == "???" for group in ("data", "model", "mitigation", "trainer"))


def test_defaults_in_front_without_what_the_user_gave(project: Path) -> None:
    edit(project, model="cnn", seed=1)
    found = with_defaults(["-m", "model=ann,dnn", "split.fold=1"], project)
    assert found[0] == "-m"
    assert found[-2:] == ["model=ann,dnn", "split.fold=1"]
    assert "seed=1" in found
    assert not [word for word in found if word.startswith(("model=cnn", "split.fold=0"))]
    assert with_defaults(["--cfg", "job"], project)[:2] == ["--cfg", "job"]


@pytest.mark.parametrize("word", ["--hydra-help", "--shell-completion", "-sc"])
def test_no_defaults_where_nothing_is_composed(project: Path, word: str) -> None:
    assert with_defaults([word, "query=bash"], project) == [word, "query=bash"]


def test_a_bare_info_does_not_take_a_default_for_its_value(project: Path) -> None:
    assert with_defaults(["--info"], project)[0] == "--info=all"
    assert with_defaults(["-i", "model=ann"], project)[0] == "--info=all"
    assert with_defaults(["--info", "defaults"], project)[:2] == ["--info", "defaults"]


def test_defaults_of_every_type(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(
        "data: x\nmodel: y\nmitigation: [a, b]\ntrainer: cpu\nseed: 1\nepochs: 2\nbatch_size: 3\nlr: 0.5\n"
        "split: {seed: 0, fold: 1, folds: null, ignore_groups: true, file: null, calibration: 0.1}\n"
    )
    assert default_overrides(path, ["data", "model", "seed", "epochs", "split.seed"]) == [
        "mitigation=[a,b]", "trainer=cpu", "batch_size=3", "lr=0.5", "split.fold=1", "split.folds=null",
        "split.ignore_groups=true", "split.file=null", "split.calibration=0.1",
    ]  # fmt: skip


def test_defaults_stand_back_for_a_study(project: Path) -> None:
    (project / "conf/study").mkdir(exist_ok=True)
    (project / "conf/study/mine.yaml").write_text(
        "# @package _global_\ndefaults: [{override /model: ann}]\nepochs: 3\nsplit: {fold: 4}\n"
        "hydra: {mode: MULTIRUN, sweeper: {params: {seed: 'range(2)'}}}\n"
    )
    assert {"model", "epochs", "split.fold", "seed"} <= study_keys(project / "conf/study/mine.yaml")
    found = with_defaults(["+study=mine", "lr=0.1"], project)
    assert {word.split("=")[0] for word in found} == {
        "--multirun", "data", "mitigation", "trainer", "batch_size", "split.seed", "split.folds", "split.ignore_groups",
        "split.file", "split.calibration", "+study", "lr",
    }  # fmt: skip
    assert study_keys(project / "nothing.yaml") == set()
    for words in (["+study=mine", "study.folds=3"], ["+study=mitigations"]):  # the folds give each repeat its own
        keys = {word.split("=")[0] for word in with_defaults(words, project)}
        assert not {"seed", "split.fold"} & keys
    assert with_defaults(["study.folds=2"], project)[0] == "--multirun"


def test_a_data_set_says_its_own_number_of_folds(compose_as_script: Any) -> None:
    assert compose_as_script(["data=skies"]).folds == 10
    assert compose_as_script(["data=speech"]).folds == 5
    assert compose_as_script(["data=speech", "split.folds=4"]).folds == 4
    with pytest.raises(UserError, match=r"split\.folds=0: must be at least 1"):  # not the data set's own
        compose_as_script(["data=speech", "split.folds=0"])


def test_the_name_of_an_option_is_its_module() -> None:
    assert Option.from_dict({"_target_": "overcast.model.lstm.LSTM"}).name == "lstm"


def test_the_mirror_comes_from_the_environment(compose_as_script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERCAST_MIRROR", "/media/archives")
    assert compose_as_script([]).mirror == "/media/archives"
    assert compose_as_script(["mirror=/other"]).mirror == "/other"


def test_where_a_training_records_is_told_without_training() -> None:
    assert compose_tracking().experiment == "overcast"
    assert compose_tracking(["tracking.experiment=x", "tracking.uri=sqlite:///y.db"]) == replace(
        compose_tracking(), experiment="x", uri="sqlite:///y.db"
    )
    assert compose_tracking(["tracking=off"]).enabled is False


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("tracking=of", "tracking=of: there is no such tracking. Did you mean off?"),
        ("tracking.experment=x", "there is no option 'tracking.experment'. Did you mean tracking.experiment?"),
    ],
)
def test_a_mistyped_place_to_record_is_one_message(word: str, said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        compose_tracking([word])


def test_a_command_takes_words_of_tracking_beside_its_own() -> None:
    @dataclass
    class Own:
        run: str = "latest"
        tracking: Sequence[str] = ()

    @dataclass
    class Other:
        run: str = "latest"

    assert _parse_arguments(Own, []) == Own()
    words = ["tracking=off", "run=x", "tracking.uri=a=b"]
    assert _parse_arguments(Own, words) == Own("x", ["tracking=off", "tracking.uri=a=b"])
    with pytest.raises(
        UserError, match=r"there is no option 'trackin'\. Did you mean tracking\? Choices: run, tracking"
    ):
        _parse_arguments(Own, ["trackin=off"])
    with pytest.raises(UserError, match=r"there is no option 'tracking'\. Choices: run"):
        _parse_arguments(Other, ["tracking=off"])


def test_a_reader_that_leaves_early_is_no_error() -> None:
    text = """
import dataclasses
from overcast.config.script import plain_script
@dataclasses.dataclass
class Arguments:
    "none"
@plain_script
def main(arguments: Arguments) -> None:
    raise BrokenPipeError
main()
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (141, "")
