"""Studies of real networks in which nothing differs but the seed: how many name a difference?

    python benchmarks/false_alarms.py folder=alarms         200 studies; five minutes; goes on if stopped
    python benchmarks/false_alarms.py folder=alarms studies=20
    python benchmarks/false_alarms.py folder=alarms_cnn model=cnn

Each study has a data set of its own, drawn for it, and compares three copies of a network with a fourth on five folds,
all with other seeds: paired copies with the same seed would differ by zero. Judged as every study is. With error rates
of 5 %, more than 16 of 200 false alarms in a family come by chance in 2 % of cases.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch

from _small_runs import FOLDS, small_run
from overcast.config.script import plain_script
from overcast.core.atomic import whole_file
from overcast.core.errors import UserError

ARMS, SIZE = 4, 150
FIRST_DATA_SEED = 10_000
"""Apart from those that `fold_covariance` was calibrated on."""
ALLOWED = 0.08
"""Of the studies, in each family: 16 of 200."""


@dataclass
class Arguments:
    """folder: where results are kept, of one network. studies: how many. model, jobs: network, processes at once."""

    folder: str
    model: str = "dnn"
    studies: str = "200"
    jobs: str = "2"


def run_study(folder: str, model: str, number: int) -> None:
    """All runs of one study, into a file of its own."""
    path = Path(folder) / f"{number:03d}.csv"
    scratch = path.with_suffix("")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    lines = ["arm,fold,accuracy,nll,gap_accuracy,gap_nll"]
    for fold in range(FOLDS):
        for arm in range(ARMS):
            figures = small_run(scratch, SIZE, FIRST_DATA_SEED + number, model, "none", fold, arm * 100 + fold)
            lines.append(",".join(map(str, (arm, fold, *figures))))
    whole_file(path, "\n".join(lines) + "\n")
    shutil.rmtree(scratch)


def false_alarms(path: Path, model: str) -> tuple[bool, bool]:
    """Whether a study names a difference in overfitting, and in how good the models are."""
    import pandas as pd

    from overcast.comparison import OUTCOMES, comparison_table, families
    from overcast.statistics.verdicts import Verdict

    rows = pd.read_csv(path)
    names = {"accuracy": "test/accuracy", "nll": "test/nll", "gap_accuracy": "gap/accuracy", "gap_nll": "gap/nll"}
    trials = rows.rename(columns=names).assign(data="skies", model=model, train_fraction=1.0, epochs=10, seconds=1.0)
    trials["cell"] = trials["mitigation"] = ["none" if arm == 0 else f"copy {arm}" for arm in trials["arm"]]
    trials["repeat"] = trials["fold"].astype(str)
    trials["seed"] = 0
    trials["run_id"] = trials["cell"] + trials["repeat"]
    for outcome in OUTCOMES:
        if outcome.column not in trials:
            trials[outcome.column] = 0.5
    table = comparison_table(trials)
    judged = families()
    found = {
        outcome.column: any(Verdict(each).direction for each in table[f"verdict/{outcome.column}"] if each)
        for outcome in judged.judged
    }
    alarms = [any(found[outcome.column] for outcome in family) for family in (judged.overfitting, judged.better)]
    return alarms[0], alarms[1]


@plain_script
def main(arguments: Arguments) -> None:
    from tqdm import tqdm

    folder, studies = Path(arguments.folder), int(arguments.studies)
    folder.mkdir(parents=True, exist_ok=True)
    left = [number for number in range(studies) if not (folder / f"{number:03d}.csv").exists()]
    with ProcessPoolExecutor(int(arguments.jobs), get_context("spawn")) as pool:
        waiting = [pool.submit(run_study, str(folder), arguments.model, number) for number in left]
        for each in tqdm(as_completed(waiting), total=len(waiting), unit="study", disable=not waiting):
            each.result()
    alarms = [false_alarms(folder / f"{number:03d}.csv", arguments.model) for number in range(studies)]
    counts = [sum(family) for family in zip(*alarms, strict=True)]
    for name, count in zip(("gap", "log-likelihood and accuracy"), counts, strict=True):
        print(f"{name}: {count} of {studies} studies with a false alarm ({100 * count / studies:.1f} %)")
    if max(counts) > ALLOWED * studies:
        raise UserError(f"more than {ALLOWED * studies:.0f} false alarms: the intervals are too narrow")


if __name__ == "__main__":
    main()
