"""Ctrl-C while a script still imports."""

from __future__ import annotations

import ast
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from overcast.core.paths import ROOT

IMPORTING = """
import overcast.core.startup
print(flush=True)
while True: pass
"""
WORKING = """
import overcast.core.startup
from overcast.core.signals import ctrl_c_raises
try:
    with ctrl_c_raises():
        print(flush=True)
        while True: pass
except KeyboardInterrupt:
    print("said what is left to say")
"""
IN_A_CALLBACK = """
import overcast.core.startup
import signal, time
from overcast.core.signals import ctrl_c_raises
class Gone:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)
try:
    with ctrl_c_raises():
        Gone()
        print(flush=True)
        time.sleep(10)
except KeyboardInterrupt:
    print("said what is left to say")
"""


def interrupted(program: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a program that gets a Ctrl-C after its first line."""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=20)
    return process.returncode, out, errors


def test_it_ends_at_once_without_a_traceback() -> None:
    assert interrupted(IMPORTING) == (-signal.SIGINT, "", "")


def test_work_that_has_begun_is_put_away_first() -> None:
    assert interrupted(WORKING) == (0, "said what is left to say\n", "")


def test_one_in_a_callback_is_not_lost() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_A_CALLBACK], capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.stdout, done.stderr) == ("\nsaid what is left to say\n", "")


@pytest.mark.parametrize("script", sorted((ROOT / "pipelines").glob("*.py")), ids=lambda path: path.stem)
def test_each_script_imports_it_first_of_ours(script: Path) -> None:
    tree = ast.parse(script.read_text(encoding="utf8"))
    imports = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert next(line for line in imports if "overcast" in line) == "import overcast.core.startup"
