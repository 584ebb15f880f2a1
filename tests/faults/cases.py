"""What is broken on purpose, as data: the commands of the pipeline, the faults, and which are tried together."""

from __future__ import annotations

import signal
from dataclasses import dataclass

SKIES = "data=skies data.n_samples=300 data.size=16"
SMALL = f"{SKIES} trainer.threads=1 trainer.precision=32-true lr=0.01"
ONE = f"{SMALL} trainer=cpu model=ann mitigation=none"
EVALUATED = ("evaluate.py run=runs/one",)
COMPARED = ("compare.py out=report",)
METRICS = ("runs/one/evaluation/metrics.json", "runs/one/evaluation/predictions.csv")


@dataclass(frozen=True)
class Target:
    """A command, and how to tell afterwards that nothing came of a fault.

    command: the script and its words. needs: the target whose result it starts from. results: what must be equal to
    what an undisturbed command leaves, files or folders from the home. finish: what is run before they are compared.
    """

    command: str
    needs: str = ""
    finish: tuple[str, ...] = ()
    results: tuple[str, ...] = ()


TARGETS = {
    "download": Target(f"download.py {SKIES}", results=("data/skies/raw",)),
    "pack": Target(f"pack.py {SKIES}", "download", results=("data/skies/pack",)),
    "split": Target(f"split.py {SKIES}", "pack", results=("data/skies/parts.csv", "data/skies/parts.json")),
    "train": Target(f"train.py {ONE} epochs=60 run=runs/one", "split", EVALUATED, METRICS),
    "evaluate": Target("evaluate.py run=runs/one", "train", (), METRICS),
    "predict": Target(
        "predict.py run=runs/one files=data/skies/raw/*/*.png out=labels.csv", "train", (), ("labels.csv",)
    ),
    "explain": Target("explain.py run=runs/one", "train", (), ("runs/one/explain/index.html",)),
    "study": Target(
        f"train.py -m {SMALL} trainer=cpu model=ann mitigation=none,dropout seed=0,1 epochs=8",
        "split",
        COMPARED,
        ("report/trials.csv",),
    ),
    "parallel study": Target(
        f"train.py -m {SMALL} trainer=cpu model=ann mitigation=none,dropout seed=0,1 epochs=40 hydra.launcher.n_jobs=2",
        "split",
        COMPARED,
        ("report/trials.csv",),
    ),
    "compare": Target("compare.py out=report", "study", (), ("report/trials.csv", "report/table.csv")),
    "gc": Target("gc.py delete=true", "compare", ("gc.py delete=true", *COMPARED), ("report/trials.csv",)),
    "two processes a run": Target(
        f"train.py {SMALL} trainer=ddp model=ann mitigation=none epochs=60 run=runs/one", "split", EVALUATED, METRICS
    ),
    "dvc repro": Target("dvc repro", results=tuple(name.replace("one", "repro") for name in METRICS)),
}
"""By name; `dvc repro` runs in a copy of the project of its own, the others in an empty home."""


@dataclass(frozen=True)
class Signal:
    """A signal at a random moment: to whom (the command, its terminal's group or one process it started), how often."""

    number: int
    to: str = "command"
    times: int = 1


@dataclass(frozen=True)
class Disk:
    """A disk with too little room, between none and what the command writes; or one that is read-only."""

    read_only: bool = False


@dataclass(frozen=True)
class Server:
    """A tracking server that changes at a random moment: down, slow or failing whatever is to be written."""

    how: str
    from_start: bool = False


@dataclass(frozen=True)
class Clock:
    """The machine's clock jumps by some days at a random moment."""

    days: int


@dataclass(frozen=True)
class Twice:
    """The same command is started twice at once."""


@dataclass(frozen=True)
class Damage:
    """One file of a run, a pack, a split or a cache has a bit changed, is cut short or is emptied."""


Fault = Signal | Disk | Server | Clock | Twice | Damage

FAULTS: dict[str, Fault] = {
    "SIGKILL": Signal(signal.SIGKILL),
    "SIGTERM": Signal(signal.SIGTERM),
    "Ctrl-C": Signal(signal.SIGINT, "group"),
    "Ctrl-C twice": Signal(signal.SIGINT, "group", 2),
    "SIGKILL of a child": Signal(signal.SIGKILL, "child"),
    "full disk": Disk(),
    "read-only disk": Disk(read_only=True),
    "server down": Server("down"),
    "server slow": Server("slow"),
    "server fails": Server("fails"),
    "server down at the start": Server("down", from_start=True),
    "server fails at the start": Server("fails", from_start=True),
    "clock a day ahead": Clock(1),
    "clock a day back": Clock(-1),
    "two at once": Twice(),
    "damaged file": Damage(),
}


@dataclass(frozen=True)
class Case:
    """A fault on a target, and how often it is tried."""

    target: str
    fault: str
    tries: int


SIGNALS = ("SIGKILL", "SIGTERM", "Ctrl-C", "Ctrl-C twice")
RECORDING = ("train", "study", "evaluate")
"""The targets that write to a tracking server."""


DAMAGED = ("train", "evaluate", "predict", "explain", "compare")
"""The targets that read what earlier commands wrote."""


def cases() -> list[Case]:
    """All of them at full size: twenty tries of each target over the signals, five or ten of the other faults."""
    found = [Case(target, fault, 5) for target in TARGETS for fault in SIGNALS]
    found += [Case(target, "SIGKILL of a child", 10) for target in ("parallel study", "two processes a run")]
    found += [Case(target, fault, 5) for target in TARGETS if target != "dvc repro" for fault in ("full disk",)]
    found += [Case(target, "read-only disk", 1) for target in TARGETS if target != "dvc repro"]
    found += [Case(target, fault, 3) for target in RECORDING for fault in FAULTS if fault.startswith("server")]
    found += [Case(target, fault, 3) for target in ("train", "study") for fault in FAULTS if fault.startswith("clock")]
    found += [Case(target, "two at once", 5) for target in TARGETS]
    found += [Case(target, "damaged file", 40) for target in DAMAGED]
    return found


SMALL_CASES = (
    Case("download", "SIGKILL", 1),
    Case("pack", "two at once", 1),
    Case("train", "Ctrl-C", 1),
    Case("train", "full disk", 1),
    Case("evaluate", "damaged file", 2),
    Case("study", "SIGTERM", 1),
    Case("parallel study", "Ctrl-C", 1),
    Case("parallel study", "SIGKILL of a child", 1),
)
"""A sample that takes minutes."""
