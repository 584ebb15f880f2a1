"""How often a sequential study errs, and how many of its runs it needs: simulated studies whose truth is known.

    python benchmarks/sequential_rates.py                 2,000 studies a row, three minutes on one core
    python benchmarks/sequential_rates.py studies=200

Prints the table of docs/statistics.md. Fails where the family-wise error is above 5.5 %, or equivalence is wrongly
claimed in more than 5 % of studies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from overcast.config.script import plain_script
from overcast.core.errors import UserError
from overcast.statistics.sequential import futile, planned_looks, spent
from overcast.statistics.simultaneous import compare_with_control, simultaneous_level
from overcast.statistics.verdicts import Verdict, verdicts

MARGIN = 0.03
SPREAD = 0.02
"""Standard deviation of one run's accuracy from fold to fold."""
MAX_ERROR, MAX_EQUIVALENT = 0.055, 0.05
SCENARIOS = {  # true differences of the comparisons, folds, and whether the noise of half of them is doubled
    "no difference, 5 comparisons": ([0.0] * 5, 10, False),
    "no difference, 17 comparisons": ([0.0] * 17, 10, False),
    "no difference, 17 comparisons, half of them twice as noisy": ([0.0] * 17, 10, True),
    "no difference, 5 comparisons, 30 folds": ([0.0] * 5, 30, False),
    "half none, half from 1 to 8 points": ([0.0] * 8 + [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08], 10, False),
    "all at the margin": ([MARGIN] * 10, 10, False),
    "all at the margin, 30 folds": ([MARGIN] * 10, 30, False),
}


@dataclass
class Arguments:
    """studies: how many a row."""

    studies: str = "2000"


def one_study(draws: np.random.Generator, effects: list[float], folds: int, noisy: bool) -> tuple[list[Verdict], float]:
    """The verdicts, and the share of the planned runs that were needed."""
    count, looks = len(effects), planned_looks(folds)
    spread = np.full(count + 1, SPREAD)
    spread[1 : 1 + count // 2] *= 1 + noisy
    outcomes = draws.normal(0, 1, (count + 1, folds)) * spread[:, None]
    differences = (outcomes[1:] + np.array(effects)[:, None] - outcomes[0])[..., None]
    said = [Verdict.UNDECIDED] * count
    going = np.ones(count, bool)
    runs, before = 0, 0
    for seen, alpha in zip(looks, spent(looks), strict=True):
        runs += (int(going.sum()) + 1) * (seen - before)
        before = seen
        compared = compare_with_control(differences[:, :seen])
        level = simultaneous_level([compared], alpha)
        found = verdicts(compared.interval(level), MARGIN)
        last_level = simultaneous_level([compared.after(folds)], spent(looks)[-1])
        hopeless = futile(compared, folds, MARGIN, last_level)
        for c in np.flatnonzero(going):
            said[c] = found[c]
            going[c] = not (found[c].decided or hopeless[c])
        if not going.any():
            break
    return said, runs / ((count + 1) * folds)


@plain_script
def main(arguments: Arguments) -> None:
    from tqdm import tqdm

    studies, draws, broken = int(arguments.studies), np.random.default_rng(20260101), []
    print("| scenario | family-wise error | wrongly equivalent | decided | runs needed |\n|---|---|---|---|---|")
    for name, (effects, folds, noisy) in SCENARIOS.items():
        alarms = wrong = 0
        decided, needed = [], []
        for _ in tqdm(range(studies), desc=name, leave=False, delay=2):
            said, share = one_study(draws, effects, folds, noisy)
            truth = list(zip(said, effects, strict=True))
            alarms += any(found.direction and not effect for found, effect in truth)
            wrong += any(found is Verdict.EQUIVALENT and abs(effect) >= MARGIN for found, effect in truth)
            decided.append(np.mean([found.decided for found in said]))
            needed.append(share)
        shares = [f"{100 * value:.1f}%" for value in (alarms / studies, wrong / studies)]
        print(
            f"| {name} | {' | '.join(shares)} | {100 * np.mean(decided):.0f}% | {100 * np.mean(needed):.0f}% |",
            flush=True,
        )
        broken += [name] if alarms > MAX_ERROR * studies or wrong > MAX_EQUIVALENT * studies else []
    if broken:
        raise UserError(f"out of bounds: {', '.join(broken)}")


if __name__ == "__main__":
    main()
