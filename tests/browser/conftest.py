"""A tiny study made by the scripts, MLflow's UI over it, and pages of a real browser that reach nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from overcast.core.paths import HOME, ROOT

PATIENCE = 60
"""Seconds until something that should show counts as missing: the machine may be busy."""

TINY = ["data=skies", "data.n_samples=100", "data.size=16", "data.difficulty=0.2"]
STUDY = ["-m", *TINY, "model=ann", "mitigation=none,dropout", "seed=0,1", "epochs=3", "batch_size=16", "lr=0.01"]
ALONE = ["trainer=cpu", "trainer.threads=1", "trainer.precision=32-true", "hydra.launcher.n_jobs=1"]


DRAWN = """plot => [...plot.querySelectorAll("svg .trace, svg .point, svg .bars path, svg .heatmaplayer image")]
  .filter(mark => { const box = mark.getBoundingClientRect(); return box.width + box.height > 0; }).length"""


@dataclass(frozen=True)
class Made:
    """A study's folder, what compare said, and the links in it by their titles."""

    folder: Path
    said: str
    links: dict[str, str]

    @property
    def id(self) -> str:
        return next((self.folder / "reports").iterdir()).name

    @property
    def report(self) -> Path:
        return self.folder / "reports" / self.id / "report.html"


@dataclass
class View:
    """A page of a fresh browser, and what went wrong on it."""

    page: Any
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def undrawn(self) -> list[str]:
        """The titles of the report's pictures that show nothing."""
        from playwright.sync_api import expect

        plots = self.page.locator(".js-plotly-plot")
        figures = self.page.locator("figure.figure")
        expect(plots).to_have_count(figures.count())
        found = []
        for index in range(figures.count()):
            plots.nth(index).scroll_into_view_if_needed()
            expect(plots.nth(index).locator("svg.main-svg").first).to_be_visible()
            if not plots.nth(index).evaluate(DRAWN):
                section = self.page.locator("section", has=plots.nth(index))
                found.append(section.locator("h2").inner_text())
        return found


def environment() -> dict[str, str]:
    alien = {"MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "PYTHONWARNINGS"}
    return {key: value for key, value in os.environ.items() if key not in alien}


def path_of(name: str) -> str:
    return str(ROOT / "pipelines" / f"{name}.py")


def script(name: str, *words: str, folder: Path) -> str:
    """The standard output of a pipeline script, run in ``folder``."""
    command, env = [sys.executable, path_of(name), *words], environment() | {HOME: str(folder)}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


WARM = """
import contextlib, io, json, runpy, sys, traceback
answer = sys.stdout
for line in sys.stdin:
    sys.argv = json.loads(line)
    code, out, err = 0, io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        except SystemExit as end:
            code = end.code or 0
        except BaseException:
            code = 1
            traceback.print_exc()
    print(json.dumps([code, out.getvalue(), err.getvalue()]), file=answer, flush=True)
"""
"""A Python that runs one script after the other: importing torch, Lightning and MLflow anew takes each seconds."""


def linked(said: str) -> dict[str, str]:
    """The printed links by their titles."""
    return dict(re.findall(r"^  (\S.*?) {2,}(http\S+)$", said, re.MULTILINE))


@dataclass(frozen=True)
class Scripts:
    """Pipeline scripts in one folder and one process. Called: the standard output of one, run with these words."""

    folder: Path
    python: subprocess.Popen[str]

    def __call__(self, name: str, *words: str) -> str:
        assert self.python.stdin
        assert self.python.stdout
        print(json.dumps([path_of(name), *words]), file=self.python.stdin, flush=True)
        code, out, err = json.loads(self.python.stdout.readline())
        assert code == 0, out + err
        return str(out)


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scripts]:
    """For tests that run some of their own; what one prepares the next one finds."""
    folder = tmp_path_factory.mktemp("scripts")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    command, env = [sys.executable, "-c", WARM], environment() | {HOME: str(folder)}
    with subprocess.Popen(command, cwd=folder, env=env, text=True, **pipes) as python:  # type: ignore[call-overload]
        yield Scripts(folder, python)
        python.kill()  # its own way out takes seconds


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation as `make docs` builds it."""
    pytest.importorskip("zensical", reason="it needs the extra docs")
    import build_site

    folder = tmp_path_factory.mktemp("docs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build_site, "SOURCES", folder / "pages")
        patch.setattr(build_site, "SITE", folder / "site")
        build_site.main()
    return folder / "site"


@pytest.fixture(scope="session")
def made(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Two mitigations × two seeds, trained and compared."""
    folder = tmp_path_factory.mktemp("study")
    trained = script("train", *STUDY, *ALONE, f"data_dir={prepared}", folder=folder)
    said = script("compare", folder=folder)
    assert linked(trained) == linked(said)
    assert said.partition("\n\n")[0] in trained  # the verdict is told at the end of a study
    return Made(folder, said, linked(said))


@pytest.fixture(scope="session")
def korean_report(made: Made) -> Path:
    """The study's report once more, in Korean."""
    script("compare", "language=ko", "out=korean", folder=made.folder)
    return made.folder / "korean" / "report.html"


@pytest.fixture(scope="session")
def ui(made: Made) -> Iterator[str]:
    """The address of MLflow's UI over the study, started as `make ui` does but on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", "sqlite:///mlflow.db"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    env = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    address = f"http://127.0.0.1:{port}"
    with (made.folder / "ui.log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=made.folder, env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
    try:
        until = time.monotonic() + PATIENCE
        while not answers(f"{address}/health"):
            assert server.poll() is None, (made.folder / "ui.log").read_text()
            assert time.monotonic() < until, (made.folder / "ui.log").read_text()
            time.sleep(0.5)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def answers(address: str) -> bool:
    """Does this address answer?"""
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except OSError:
        return False


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Where the system's Chromium is."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found and not os.environ.get("CI"):
        pytest.skip("there is no chromium on this machine (Debian: apt-get install chromium)")
    assert found, "CI has no chromium"
    return found


@pytest.fixture(scope="session")
def chromium(chromium_path: str) -> Iterator[Any]:
    """The system's Chromium, driven by Playwright."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def view(chromium: Any, tmp_path: Path) -> Iterator[View]:
    """A page without any memory, since the UI keeps its state in the browser; its last sight is left in tmp_path."""
    context = chromium.new_context(viewport={"width": 1500, "height": 950})
    context.set_default_timeout(PATIENCE * 1000)
    context.add_init_script("try {localStorage['mlflow.assistant.fab.autoOpenedOnFirstLoad_v1'] = true} catch {}")
    view = View(context.new_page())
    view.page.on("pageerror", lambda error: view.errors.append(str(error)))
    view.page.on("console", lambda line: view.errors.append(line.text) if line.type == "error" else None)

    def local(route: Any) -> None:
        inside = route.request.url.startswith(("file:", "data:", "blob:", "http://127.0.0.1:"))
        if inside:
            route.continue_()
        else:
            view.outside.append(route.request.url)
            route.abort()

    context.route("**/*", local)
    yield view
    view.page.screenshot(path=tmp_path / "last.png")
    context.close()
