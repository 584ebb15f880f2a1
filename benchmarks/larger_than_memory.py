"""Training on a pack that is larger than memory, beside the same where memory holds it: samples a second, as a ratio.

    python benchmarks/larger_than_memory.py               4 GB of pictures in one gigabyte: root, on Linux; minutes
    python benchmarks/larger_than_memory.py gigabytes=8

The pictures are a few skies that are repeated. Each training is a process in a memory cgroup of its own, whose limit
counts the page cache too, and begins with a cold one; it takes the batches of an epoch as a run does, and steps of the
default CNN on one thread, for some seconds. Beside it the batches alone.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from _timing import script
from overcast.config.script import plain_script
from overcast.core.errors import UserError

CGROUPS = Path("/sys/fs/cgroup/memory")
SIZE, BATCH = 64, 64
SKIES = ("data=skies", "data.n_samples=500", f"data.size={SIZE}")
SECONDS = 20.0


@dataclass
class Arguments:
    """gigabytes: of the pictures. limit: gigabytes of memory."""

    gigabytes: str = "4"
    limit: str = "1"


def write_values(pack: Path, into: Path, gigabytes: float) -> None:
    """The pack's pictures, repeated in a file of this size, which is then dropped from the page cache."""
    some = np.load(pack / "values.npy")
    many = int(gigabytes * 1e9 / some[0].nbytes)
    with into.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|u1", "fortran_order": False, "shape": (many, *some.shape[1:])}
        )
        for start in range(0, many, len(some)):
            some[: many - start].tofile(file)
        os.fsync(file.fileno())


def samples_a_second(root: str, values: str, steps: bool) -> float:
    """Of an epoch's first seconds; the batches alone without ``steps``."""
    import torch

    from overcast.config.compose import compose_config
    from overcast.prediction.build import build
    from overcast.prepare.pack import open_pack
    from overcast.training.datamodule import PackDataModule

    torch.set_num_threads(1)
    pack, pictures = open_pack(Path(root), "skies"), np.load(values, mmap_mode="r")
    pack = replace(pack, values=pictures, labels=np.resize(pack.labels, len(pictures)))
    net, _ = build(compose_config(*SKIES, "model=cnn", "mitigation=none"), pack.spec)
    loader = PackDataModule(pack, np.full(len(pictures), "train"), BATCH, 0).train_dataloader()
    optimizer = torch.optim.Adam(net.parameters())
    seen, began = 0, time.perf_counter()
    for x, y, length in loader:
        if steps:
            optimizer.zero_grad()
            net.loss(net(x.float() / 255, length), y).mean().backward()
            optimizer.step()
        seen += len(x)
        if time.perf_counter() - began > SECONDS:
            break
    return seen / (time.perf_counter() - began)


@contextmanager
def memory_group(gigabytes: float) -> Iterator[Path]:
    """Raises: UserError where no memory cgroup can be made."""
    group = CGROUPS / f"overcast-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(int(gigabytes * 1e9)))
    except OSError as error:
        raise UserError(f"a memory cgroup (version 1) is needed, and root's rights: {error}") from None
    try:
        yield group
    finally:
        group.rmdir()


def measured(root: Path, values: Path, limit: float, steps: bool) -> float:
    """`samples_a_second` in a process of its own, from a cold page cache."""
    with values.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    code = "import sys; sys.path.insert(0, sys.argv[1]); from larger_than_memory import samples_a_second as measure\n"
    code += f"print(measure(sys.argv[2], sys.argv[3], {steps}))"
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(root), str(values)]
    with memory_group(limit) as group:
        join = lambda: (group / "cgroup.procs").write_text(str(os.getpid()))  # noqa: E731
        done = subprocess.run(command, preexec_fn=join, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(done.stderr)
    return float(done.stdout)


@plain_script
def main(arguments: Arguments) -> None:
    gigabytes, limit = float(arguments.gigabytes), float(arguments.limit)
    with tempfile.TemporaryDirectory(prefix="overcast-", dir=Path.cwd()) as place:
        folder = Path(place)
        script(folder, "train", *SKIES, "prepare=true", "debug=true", "tracking=off")
        root, values = folder / "data", folder / "values.npy"
        print("| | samples a second, in memory | larger | ratio |\n|---|---|---|---|")
        for what, steps in (("steps of the default CNN", True), ("batches alone", False)):
            write_values(root / "skies" / "pack", values, limit / 10)
            small = statistics.median(measured(root, values, limit, steps) for _ in range(3))
            write_values(root / "skies" / "pack", values, gigabytes)
            large = statistics.median(measured(root, values, limit, steps) for _ in range(3))
            print(f"| {what} | {small:,.0f} | {large:,.0f} | {large / small:.2f} |", flush=True)


if __name__ == "__main__":
    main()
