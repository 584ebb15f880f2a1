"""What is missing is made, what is there is left alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from overcast.core.errors import UserError
from overcast.prepare import missing_steps
from overcast.prepare.missing_steps import prepare_missing
from overcast.prepare.split import read_parts
from overcast.training.train import train


def test_an_empty_folder_becomes_ready_once(config: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = config(f"data_dir={tmp_path}/new")
    prepare_missing([wanted, wanted])
    assert capsys.readouterr().out.count("preparing skies") == 2  # download and pack, once each
    split = wanted.split
    assert len(read_parts(tmp_path / "new", "skies", split.seed, split.fold, split.folds)) == 100
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "new").rglob("*")}
    prepare_missing([wanted])
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "new").rglob("*")} == stamps


def test_raw_files_that_are_there_are_not_fetched_again(
    config: Any, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "new" / "skies").mkdir(parents=True)
    (tmp_path / "new" / "skies" / "raw").symlink_to(prepared / "skies" / "raw")
    monkeypatch.setattr(missing_steps, "download", None)
    prepare_missing([config(f"data_dir={tmp_path}/new")])
    assert (tmp_path / "new" / "skies" / "parts.csv").exists()


def test_a_run_makes_its_data_ready_when_asked(config: Any, tmp_path: Path) -> None:
    where = f"data_dir={tmp_path}/new"
    with pytest.raises(UserError, match="There is no pack"):
        train(config("epochs=1", where))
    assert train(config("epochs=1", where, "prepare=true")).facts["epochs_run"] == 1


PREPARE = """
import json, sys
from overcast.data.skies import Skies
from overcast.config.run_config import RunConfig
from overcast.prepare.missing_steps import prepare_missing
fetch = Skies.fetch
def slow(skies, raw, mirror):
    print("begun", flush=True)
    sys.stdin.readline()
    fetch(skies, raw, mirror)
Skies.fetch = slow
prepare_missing([RunConfig.from_dict(json.loads(sys.argv[1]))])
"""


def test_two_processes_at_once_prepare_it_once(config: Any, tmp_path: Path) -> None:
    wanted = json.dumps(config(f"data_dir={tmp_path}/new").to_dict())
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, "-c", PREPARE, wanted]
    with subprocess.Popen(command, text=True, **pipes) as first:  # type: ignore[call-overload]
        while first.stdout.readline() != "begun\n":
            assert first.poll() is None, first.stderr.read()
        with subprocess.Popen(command, text=True, **pipes) as second:  # type: ignore[call-overload]
            output = second.stdout.readline()
            first.communicate("go\n", timeout=60)
            output += "".join(second.communicate("go\n", timeout=60))
    assert (first.returncode, second.returncode) == (0, 0), output
    assert output == "preparing skies: waiting for another process that is at it\n"
    assert not [path for path in (tmp_path / "new" / "skies").iterdir() if path.suffix == ".part"]
    assert train(config("epochs=1", f"data_dir={tmp_path}/new")).facts["epochs_run"] == 1
