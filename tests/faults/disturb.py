"""How each kind of fault is done to a command, which then runs to the end that the fault leaves it."""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cases import Clock, Signal
from overcast.core.atomic import whole_file
from server import TrackingServer
from world import World

CLOCK = Path(__file__).with_name("clock")
"""What shows a Python another time."""

Ends = tuple[list[int], str, float]
"""The exit codes, the output, and the seconds from a signal to the end of the command: 0 where there was none."""


def run_plainly(world: World, command: str) -> Ends:
    """Run it in a world that is disturbed already."""
    code, output = world.run(command)
    return [code], output, 0.0


def send_signal(world: World, command: str, fault: Signal, delay: float) -> Ends:
    """Send a signal after some seconds, if the command still runs then; a second one soon after the first."""
    process = world.start(command)
    if _ends_within(process, delay):
        return [process.returncode], world.wait(process)[1], 0.0
    sent = time.monotonic()
    _send(world, process, fault)
    for _ in range(fault.times - 1):
        time.sleep(0.3)
        _send(world, process, fault)
    code, output = world.wait(process)
    return [code], output, time.monotonic() - sent


def _ends_within(process: subprocess.Popen[str], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _send(world: World, process: subprocess.Popen[str], fault: Signal) -> None:
    with suppress(ProcessLookupError):
        if fault.to == "group":
            os.killpg(process.pid, fault.number)
        elif fault.to == "command":
            process.send_signal(fault.number)
        elif children := [pid for pid in world.processes() if pid != process.pid and not _is_bookkeeper(pid)]:
            os.kill(children[-1], fault.number)  # the youngest: a worker or a rank, where there is one yet


def _is_bookkeeper(pid: int) -> bool:
    """Whether it is Python's own process that removes what others leave: one who dies is told by Python, not by us."""
    with suppress(OSError):
        return b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def jump_clock(world: World, command: str, fault: Clock, delay: float) -> Ends:
    """Let the clock jump after some seconds; what measures durations goes on as before, as in a real jump."""
    file = world.folder.parent / "clock"
    file.write_text("0", encoding="utf8")
    world.environment = {"OVERCAST_CLOCK": str(file)}
    world.modules = [str(CLOCK)]
    process = world.start(command)
    if not _ends_within(process, delay):
        whole_file(file, str(86400 * fault.days))
    code, output = world.wait(process)
    world.environment, world.modules = {}, []
    return [code], output, 0.0


def start_twice(world: World, command: str, delay: float) -> Ends:
    """Start the command twice, the second some seconds after the first."""
    first = world.start(command)
    time.sleep(delay)
    second = world.start(command)
    (code, output), (other_code, other_output) = world.wait(first), world.wait(second)
    return [code, other_code], output + other_output, 0.0


def change_server(world: World, command: str, server: TrackingServer, how: str, delay: float) -> Ends:
    """Let the tracking server change after some seconds, and be well again once the command has ended."""
    process = world.start(command)
    if not _ends_within(process, delay):
        server.how = how
    code, output = world.wait(process)
    server.how = ""
    return [code], output, 0.0


def can_mount() -> bool:
    """Whether this user may mount a file system."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with own_disk(Path(folder)):
                return True
        except (subprocess.CalledProcessError, OSError):
            return False


@contextmanager
def own_disk(folder: Path) -> Iterator[None]:
    """A file system of its own at ``folder``. Raises: CalledProcessError where this user may not mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", str(folder)], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    """Change the size of a file system, or make it read-only."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def damage(home: Path, chance: random.Random) -> Path:
    """Change a bit of a file of a run, a pack, a split or a cache in this home, cut it or empty it; says which."""
    found = [path for name in ("runs", "data") for path in (home / name).rglob("*") if "raw" not in path.parts]
    path = chance.choice(sorted(path for path in found if path.is_file() and path.stat().st_size))
    content = path.read_bytes()
    place = chance.randrange(len(content))
    changed = bytes([content[place] ^ (1 << chance.randrange(8))])
    path.write_bytes(chance.choice([content[:place] + changed + content[place + 1 :], content[:place], b""]))
    return path
