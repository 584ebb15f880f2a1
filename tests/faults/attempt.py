"""One try of a case: the fault is done to a running command, and everything afterwards is looked at."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import disturb
from cases import FAULTS, TARGETS, Case, Clock, Damage, Disk, Server, Signal, Target, Twice
from disturb import Ends
from server import TrackingServer
from world import Undisturbed, World, Worlds

SOON = 10.0
"""Seconds within which a command that was asked to end has ended, and all that it started."""

ENDS = {
    signal.SIGKILL: {0, -signal.SIGKILL},
    signal.SIGTERM: {0, 143, -signal.SIGTERM},
    signal.SIGINT: {0, 130, -signal.SIGINT},
}
"""Right exit codes after a signal; a negative one: it came before Python had started."""

HANGS = 124


@dataclass
class Outcome:
    """What came of one try.

    moment: when the fault came, as a fraction of the undisturbed command's duration; of a full disk, the room there was
    as a fraction of what the command writes. codes: how the command, or each of two, ended. ending: seconds from a
    signal to the end. wrong: what should not have been. said: the end of the output, where something was wrong.
    """

    moment: float
    codes: list[int] = field(default_factory=list)
    ending: float = 0.0
    wrong: list[str] = field(default_factory=list)
    said: str = ""

    def judge(self, ends: Ends, allowed: Iterable[int]) -> None:
        """Note how a command ended, and what was wrong with that."""
        self.codes, output, self.ending = ends
        foreign = [code for code in self.codes if code not in set(allowed)]
        self.wrong += [f"exit code {code}" if code != HANGS else "it hangs" for code in foreign]
        if "Traceback (most recent call last)" in output:
            self.wrong.append("a traceback")
        if 2 in self.codes and "overcast: " not in output and "ERROR: " not in output:
            self.wrong.append("no message")
        if self.wrong:
            self.said = output[-3000:]


class Laboratory:
    """Makes tries, each in a world of its own. Raises: RuntimeError where a command fails to which nothing is done."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.worlds = Worlds(folder)
        self._server: TrackingServer | None = None

    def close(self) -> None:
        """Stop the tracking server, if one was needed."""
        if self._server:
            self._server.close()

    def attempt(self, case: Case, number: int) -> Outcome:
        """The case's try of that number; the same number is the same moment."""
        chance = random.Random(f"{case.target} {case.fault} {number}")
        outcome = Outcome(round(chance.random(), 3))
        target, fault = TARGETS[case.target], FAULTS[case.fault]
        undisturbed = self.worlds.undisturbed(case.target)
        delay = outcome.moment * undisturbed.seconds
        with ExitStack() as stack:
            if isinstance(fault, Disk):
                stack.enter_context(disturb.own_disk(self.worlds.place))
            world = self.worlds.before(case.target)
            stack.callback(world.end_processes)
            match fault:
                case Signal():
                    _try_signal(world, target, fault, delay, outcome)
                case Disk():
                    _try_disk(world, target, fault, undisturbed, outcome)
                case Clock():
                    outcome.judge(disturb.jump_clock(world, target.command, fault, delay), {0})
                case Twice():
                    refused = {255} if target.command.startswith("dvc") else {2}  # DVC has its own lock and code
                    outcome.judge(disturb.start_twice(world, target.command, delay / 2), {0, *refused})
                    outcome.wrong += [] if 0 in outcome.codes else ["neither of the two is done"]
                case Server():
                    self._try_server(world, case, number, delay, outcome)
                case Damage():
                    _try_damage(world, target, chance, undisturbed, outcome)
            if not isinstance(fault, Server | Damage):
                _look_afterwards(world, target, undisturbed, outcome)
        return outcome

    def _try_server(self, world: World, case: Case, number: int, delay: float, outcome: Outcome) -> None:
        """The record that reaches the server in the end is the one that it has where nothing happens."""
        fault, target = FAULTS[case.fault], TARGETS[case.target]
        assert isinstance(fault, Server)
        if self._server is None:
            self._server = TrackingServer(self.folder)
        expected = f"undisturbed {case.target}"
        if not self._server.record(expected):
            _record_on(world, self._server, expected)
            for command in (target.command, *target.finish):
                world.run(command)
            world = self.worlds.before(case.target)
        name = f"{case.target}, {case.fault}, {number}"
        _record_on(world, self._server, name)
        if fault.from_start:
            self._server.how = fault.how
            outcome.judge(disturb.run_plainly(world, target.command), {2})
            self._server.how = ""
            _run_well(world, (target.command,), outcome)
        else:
            # one that has not begun to record yet says that the server is away, as at the start
            outcome.judge(disturb.change_server(world, target.command, self._server, fault.how, delay), {0, 2})
            if outcome.codes == [2]:
                _run_well(world, (target.command,), outcome)
        _run_well(world, ("sync.py", *target.finish), outcome)
        if self._server.record(name) != self._server.record(expected):
            outcome.wrong.append(f"the record is {self._server.record(name)}, not {self._server.record(expected)}")


def _record_on(world: World, server: TrackingServer, experiment: str) -> None:
    world.environment = {"MLFLOW_TRACKING_URI": server.uri, "MLFLOW_EXPERIMENT_NAME": experiment}


def _try_signal(world: World, target: Target, fault: Signal, delay: float, outcome: Outcome) -> None:
    one_of_many = fault.to == "child" or target.command.startswith("dvc")  # these have their own ways to say it
    ends = disturb.send_signal(world, target.command, fault, delay)
    outcome.judge(ends, range(-64, 256) if one_of_many else ENDS[fault.number])
    if outcome.ending > SOON and fault.to != "child" and outcome.codes != [0]:
        outcome.wrong.append(f"it took {outcome.ending:.0f} s to end")
    if not world.is_quiet_within(SOON):
        outcome.wrong.append("a process is left")


def _try_disk(world: World, target: Target, fault: Disk, undisturbed: Undisturbed, outcome: Outcome) -> None:
    room = int(world.size() + outcome.moment * undisturbed.written)
    disturb.remount(world.folder, "ro" if fault.read_only else f"size={room}")
    outcome.judge(disturb.run_plainly(world, target.command), {0, 2})
    disturb.remount(world.folder, "rw,size=1g")


def _try_damage(
    world: World, target: Target, chance: random.Random, undisturbed: Undisturbed, outcome: Outcome
) -> None:
    path = disturb.damage(world.folder, chance)
    outcome.judge(disturb.run_plainly(world, target.command), {0, 2})
    done = outcome.codes == [0] and _run_well(world, target.finish, outcome)
    if done and world.results(target) != undisturbed.results:
        outcome.wrong.append(f"other figures, without a word, from a damaged {path.relative_to(world.folder)}")


def _look_afterwards(world: World, target: Target, undisturbed: Undisturbed, outcome: Outcome) -> None:
    """The same command works now, gives the same figures, and nothing is left that should not be."""
    if not _run_well(world, (target.command, *target.finish), outcome):
        return
    results = world.results(target)
    outcome.wrong += [f"{name} differs" for name, what in undisturbed.results.items() if results.get(name) != what]
    outcome.wrong += [f"{name} is too much" for name in results if name not in undisturbed.results]
    outcome.wrong += [f"{name} is left" for name in world.left_files()]
    if left := world.left_running():
        outcome.wrong.append(f"{left} runs are left RUNNING")


def _run_well(world: World, commands: Iterable[str], outcome: Outcome) -> bool:
    """Whether the commands, to which nothing is done any more, all work."""
    for command in commands:
        code, output = world.run(command)
        if code:
            outcome.wrong.append(f"afterwards {command.split()[0]} ended with {code}")
            outcome.said += output[-3000:]
            return False
    return True
