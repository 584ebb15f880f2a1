"""A study file may come from anyone: nothing that it says to Hydra is built, but for the sweep it asks for."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from overcast.config import script
from overcast.config.hydra_block import check_hydra_blocks
from overcast.core.errors import UserError
from overcast.core.paths import ROOT

CALL = "{_target_: os.system, command: touch ran}"


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    for group in ("study", "model"):
        shutil.copytree(ROOT / "conf" / group, tmp_path / "conf" / group)
    return tmp_path / "conf"


def test_the_shipped_option_files_are_allowed() -> None:
    check_hydra_blocks(ROOT / "conf", ["study=small", "-m", "hydra.launcher.n_jobs=2"])


@pytest.mark.parametrize(
    "text",
    [
        f"hydra: {{callbacks: {{x: {CALL}}}}}",
        f"hydra: {{launcher: {CALL}}}",
        f"hydra: {{sweeper: {CALL}}}",
        f"hydra: {{sweeper: {{params: {CALL}}}}}",
        f"hydra: {{sweeper: {{cells: [{CALL}]}}}}",
        f"data: {CALL}\nhydra: {{sweeper: {{params: '${{data}}'}}}}",
        "hydra: {job_logging: {handlers: {x: {'()': os.system, command: touch ran}}}}",
        "hydra: {job: {env_set: {LD_PRELOAD: evil.so}}}",
        "hydra: {searchpath: ['file:///tmp']}",
        "hydra: ${data}",
        '"\\x68ydra": {run: {dir: /}}',
        "defaults: [/data/skies@hydra.callbacks.x]",
        "defaults: [/data/skies@_global_.hydra.callbacks.x]",
        "defaults: [{/data@hydra.callbacks.x: skies}]",
    ],
)
@pytest.mark.parametrize("group", ["study", "model"])
def test_what_hydra_would_build_is_refused(conf: Path, group: str, text: str) -> None:
    (conf / group / "evil.yaml").write_text(f"# @package _global_\n{text}\n")
    with pytest.raises(UserError, match=r"evil\.yaml: its part for Hydra may hold nothing but mode and the sweeper"):
        check_hydra_blocks(conf, [])


@pytest.mark.parametrize(
    "header", ["@package hydra.callbacks.x", "@package  _global_.hydra", "@other x\n#@package hydra"]
)
def test_a_file_that_is_put_into_that_part_is_refused(conf: Path, header: str) -> None:
    (conf / "study" / "evil.yaml").write_text(f"# {header}\n_target_: os.system\ncommand: touch ran\n")
    with pytest.raises(UserError, match=r"evil\.yaml: its part for Hydra"):
        check_hydra_blocks(conf, [])


@pytest.mark.parametrize("flag", ["--config-dir={}", "--config-dir {}", "-cd {}"])
@pytest.mark.parametrize(("folder", "text"), [("study", f"hydra: {{a: {CALL}}}"), ("hydra/callbacks", f"x: {CALL}")])
def test_so_are_those_of_a_folder_that_the_command_names(
    conf: Path, tmp_path: Path, flag: str, folder: str, text: str
) -> None:
    (tmp_path / "given" / folder).mkdir(parents=True)
    (tmp_path / "given" / folder / "evil.yaml").write_text(text)
    with pytest.raises(UserError, match=r"evil\.yaml: its part for Hydra"):
        check_hydra_blocks(conf, flag.format(tmp_path / "given").split())


@pytest.mark.parametrize("word", ["--config-path=/x", "-cn", "hydra.searchpath=[file:///x]", "+hydra.searchpath=[x]"])
def test_no_other_config_is_composed(conf: Path, word: str) -> None:
    with pytest.raises(UserError, match=r": options are read from conf/ and from --config-dir=<folder> alone$"):
        check_hydra_blocks(conf, [word])


def test_python_tags_are_one_message(conf: Path) -> None:
    (conf / "study" / "evil.yaml").write_text("epochs: !!python/object/apply:os.system [touch ran]\n")
    with pytest.raises(UserError, match=r"evil\.yaml cannot be read: line 1: could not determine a constructor for"):
        check_hydra_blocks(conf, [])


def test_a_script_checks_before_hydra_builds_anything(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["train.py", "hydra.searchpath=[x]"])
    monkeypatch.setattr(script.hydra, "main", None)
    with pytest.raises(SystemExit):
        script.hydra_script(lambda config, session: None)()
    assert "hydra.searchpath: options are read from conf/" in capsys.readouterr().err
