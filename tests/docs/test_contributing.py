"""The walk through the three files of a data set, a network and a mitigation leads to a training."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from overcast.core.paths import ROOT

FILE = re.compile(r"`((?:src|conf|tests)/[\w/.]+)`[^`]*?```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def files() -> dict[str, str]:
    """Each file that the page writes, by its path."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf8")
    return dict(FILE.findall(text[text.index("### A data set") :]))


def test_each_kind_has_its_three_files() -> None:
    kinds = [("data", "stripes"), ("model", "tiny"), ("mitigation", "grey")]
    places = ("src/overcast/{}/{}.py", "conf/{}/{}.yaml", "tests/{}/test_{}.py")
    assert list(files()) == [place.format(*kind) for kind in kinds for place in places]


@pytest.mark.slow
def test_they_train_pass_their_tests_and_have_the_style_of_the_others(tmp_path: Path) -> None:
    for name in ("src", "conf", "pipelines", "params.yaml", "pyproject.toml"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tmp_path / name)
    for name, content in files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf8")
    words = ["data=stripes", "model=tiny", "mitigation=grey", "prepare=true", "epochs=2", "tracking=off"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src"), "OVERCAST_HOME": str(tmp_path)}
    style = (
        ["-m", "ruff", "check", *[name for name in files() if name.endswith(".py")]],
        ["-m", "ruff", "format", "--check", *[name for name in files() if name.endswith(".py")]],
    )
    for command in (["pipelines/train.py", *words], ["-m", "pytest", "-q", "tests"], *style):
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert list((tmp_path / "runs").glob("*stripes-tiny-grey*/model.pt"))
