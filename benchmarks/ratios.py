"""What overcast costs beside the bare libraries: each figure is a ratio of two things, measured in turns in one run.

    python benchmarks/ratios.py                  every ratio, as a table: half an hour on two cores
    python benchmarks/ratios.py quick=true       the main ones, few rounds; exit code 1 past three times a bound

CPU time of the process and its children, so that other work on the machine disturbs little. A row gives the median of
the rounds' ratios and the range of them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: each side of a ratio has one thread

from _commands import debug_train, evaluate, no_op_repro, predict, side_by_side
from _data import batches, packing
from _studies import digits_study
from _training import digits_run, evaluation, training_loop, whole_train
from overcast.config.script import plain_script
from overcast.core.errors import UserError


@dataclass(frozen=True)
class Row:
    """One ratio. bound: what it should be at most, or at least where ``above``. quick: whether it is a main one."""

    name: str
    bound: float
    measure: Callable[[Path, int], list[float]]
    above: bool = False
    quick: bool = False


@dataclass
class Arguments:
    """quick: the main ratios only, and few rounds."""

    quick: bool = False


ROWS = (
    Row("training loop of the default run ÷ bare PyTorch", 1.05, training_loop, quick=True),
    Row("all of its `train` ÷ bare PyTorch", 1.10, whole_train),
    Row("digits run ÷ bare Lightning", 1.15, digits_run, quick=True),
    Row("digits ANN study ÷ bare Lightning loops of its runs", 1.3, digits_study),
    Row("two trainings at once, two threads each ÷ one after the other, seconds", 1.5, side_by_side),
    Row("`train` with debug=true ÷ bare imports", 1.3, debug_train, quick=True),
    Row("`evaluate` ÷ bare imports", 1.3, evaluate),
    Row("`predict` of 20 pictures ÷ bare imports", 0.5, predict, quick=True),
    Row("`evaluate` of 15,000 pictures ÷ one epoch", 0.5, evaluation),
    Row("augmented batches from the pack ÷ files one by one, samples a second", 40, batches, above=True, quick=True),
    Row("plain PIL on one core ÷ `pack` on all cores, seconds", 2, packing, above=True),
    Row("no-op `dvc repro` ÷ `dvc status` of an empty repository", 1.5, no_op_repro),
)


@plain_script
def main(arguments: Arguments) -> None:
    rows = [row for row in ROWS if row.quick or not arguments.quick]
    failed = []
    print("| ratio | measured | range | bound |\n|---|---|---|---|")
    for row in rows:
        with tempfile.TemporaryDirectory() as place:
            ratios = row.measure(Path(place), 2 if arguments.quick else 5)
        found, sign = median(ratios), "≥" if row.above else "≤"
        print(
            f"| {row.name} | {found:.2f} | {min(ratios):.2f} to {max(ratios):.2f} | {sign} {row.bound:g} |", flush=True
        )
        if (found < row.bound / 3) if row.above else (found > 3 * row.bound):
            failed.append(row.name)
    if failed:
        raise UserError(f"far beyond the bound: {'; '.join(failed)}")


if __name__ == "__main__":
    main()
