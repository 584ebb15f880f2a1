"""Time and memory of each stage on ever more synthetic skies of 32 pixels, by the scripts, without DVC.

    python benchmarks/scale.py                             1,500 and 15,000 pictures: a few minutes on two cores
    python benchmarks/scale.py n_samples=1500,15000,150000,1000000 folder=scale
    python benchmarks/scale.py hashes=20000,150000,1000000       the search for close hashes alone

With a folder what was measured is kept in it, and a stage of a size that is there is not measured again. Memory is that
of all the stage's processes together at its peak; bytes a sample are those that each further one takes, from the size
before.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from _process_tree import Usage, measured
from overcast.config.script import plain_script
from overcast.core.paths import HOME, ROOT

STAGES = {
    "download": (),
    "pack": (),
    "split": (),
    "train": ("model=cnn", "model.width=8", "mitigation=none", "epochs=1", "trainer=cpu", "tracking=off"),
    "evaluate": ("run=latest",),
}
"""What each stage is told beside the data: the network is a small one, so that feeding it counts."""

Usages = dict[int, dict[str, Usage]]
"""By the number of pictures and the stage."""

SIDE = 32


@dataclass
class Arguments:
    """n_samples: sizes, with commas. folder: where to work, and keep what was measured. hashes: how many to search."""

    n_samples: str = "1500,15000"
    folder: str = ""
    hashes: str = ""


def measure(folder: Path, stage: str, number: int) -> Usage:
    """A stage on so many pictures, in a folder of their own."""
    place = folder / str(number)
    place.mkdir(parents=True, exist_ok=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW")} | {HOME: str(place)}
    data = () if stage == "evaluate" else ("data=skies", f"data.n_samples={number}", f"data.size={SIDE}")
    command = [sys.executable, str(ROOT / "pipelines" / f"{stage}.py"), *data, *STAGES[stage]]
    return measured(command, place, environment)


def known(folder: Path) -> Usages:
    path = folder / "scale.json"
    stored = json.loads(path.read_text()) if path.exists() else {}
    return {int(n): {stage: Usage(**usage) for stage, usage in stages.items()} for n, stages in stored.items()}


def keep(folder: Path, usages: Usages) -> None:
    stored = {n: {stage: asdict(usage) for stage, usage in stages.items()} for n, stages in usages.items()}
    (folder / "scale.json").write_text(json.dumps(stored, indent=1))


def table(usages: Usages) -> str:
    lines = ["| stage | pictures | seconds | CPU s | memory, MB | with mapped files, MB | bytes a further sample |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for stage in STAGES:
        before = None
        for number, now in sorted((n, stages[stage]) for n, stages in usages.items() if stage in stages):
            further = f"{(now.memory - before[1]) / (number - before[0]):,.0f}" if before else ""
            figures = [
                f"{now.seconds:,.1f}",
                f"{now.cpu:,.1f}",
                f"{now.memory / 1e6:,.0f}",
                f"{now.resident / 1e6:,.0f}",
            ]
            lines.append(f"| {' | '.join([stage, f'{number:,}', *figures, further])} |")
            before = number, now.memory
    return "\n".join(lines)


def search_hashes(number: int) -> str:
    """A line on all pairs of random hashes, of 32 bits of 64 as those of pictures are, and of mirrored others."""
    from concurrent.futures import ThreadPoolExecutor

    from overcast.core.cores import cores
    from overcast.prepare.close_hashes import CloseHashes
    from overcast.prepare.duplicates import BITS

    rng = np.random.default_rng(0)
    plain, mirrored = (_random_hashes(rng, number) for _ in range(2))
    began, cpu, close = time.perf_counter(), time.process_time(), 0
    for theirs in (plain, mirrored):
        search = CloseHashes(plain, theirs, BITS)
        with ThreadPoolExecutor(cores()) as pool:
            count = pool.map(lambda task, search=search: sum(map(len, search.pairs(task))), search.tasks())
            close += sum(count)
    seconds, used = time.perf_counter() - began, time.process_time() - cpu
    return f"| {number:,} | {close:,} | {seconds:,.1f} | {used:,.1f} |"


def _random_hashes(rng: np.random.Generator, number: int) -> np.ndarray:
    hashes = np.empty(number, np.uint64)
    for start in range(0, number, 10_000):
        bits = rng.random((min(10_000, number - start), 64)).argsort(1) < 32
        hashes[start : start + len(bits)] = np.packbits(bits, axis=1).view(np.uint64)[:, 0]
    return hashes


@plain_script
def main(arguments: Arguments) -> None:
    if arguments.hashes:
        print("| hashes | close pairs, plain and mirrored | seconds | CPU s |\n|---|---|---|---|")
        for number in map(int, arguments.hashes.split(",")):
            print(search_hashes(number), flush=True)
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(arguments.folder or place).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        usages = known(folder)
        for number in map(int, arguments.n_samples.split(",")):
            for stage in STAGES:
                if stage not in usages.setdefault(number, {}):
                    usages[number][stage] = measure(folder, stage, number)
                    keep(folder, usages)
                    print(f"{stage} of {number:,} pictures measured", file=sys.stderr, flush=True)
        print(table(usages))


if __name__ == "__main__":
    main()
