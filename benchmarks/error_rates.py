"""How often the statistics of a study err, by simulated studies whose truth is known.

    python benchmarks/error_rates.py                     every scenario and every plan: a quarter of an hour on one core
    python benchmarks/error_rates.py jobs=2              the same figures, in two processes
    python benchmarks/error_rates.py only=missing        the scenarios with this in their name
    python benchmarks/error_rates.py tables=methods      other rules for the same studies, instead

Bounds: at most 6 % of studies without any true difference name one (family-wise error), in at least 94 % all intervals
cover their truths, and at most 5 % call a difference equivalent that lies exactly at the margin. Exit code 2 if one is
broken. A scenario is simulated until each figure is two standard errors from its bound, or `MOST` studies are.
The functions are those that studies use: compare_with_control, simultaneous_level, verdicts, sign_flip_p.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from tqdm import tqdm

from _families import SCENARIOS, Array, Scenario, draw
from _other_rules import earlier_half_widths, pooled_half_widths, rules_table
from _plans import plans_table
from overcast.config.script import plain_script
from overcast.core.errors import UserError
from overcast.statistics.estimates import ALPHA
from overcast.statistics.sign_flips import MIN_FLIPPED_FOLDS, sign_flip_p
from overcast.statistics.simultaneous import compare_with_control, simultaneous_level
from overcast.statistics.verdicts import Verdict, verdicts

MOST = 8_000
"""Studies of a scenario that stays near a bound."""
BOUNDS = {"family-wise error": 0.06, "not all covered": 0.06, "wrongly equivalent": 0.05}


@dataclass
class Arguments:
    """studies: of each scenario, at least. jobs: processes at once. only: part of a scenario's name.

    tables: which of rates, plans (whether a number of seeds decides as often as it should) and methods (other rules).
    """

    studies: str = "2000"
    jobs: str = "1"
    only: str = ""
    tables: str = "rates,plans"


@dataclass(frozen=True)
class Rates:
    """Shares of studies, but for undecided, which is one of differences; widths: of an interval over another rule's."""

    scenario: Scenario
    studies: int
    errors: dict[str, float]
    sign_flip: float
    undecided: float
    to_pooled: float
    to_earlier: float

    @property
    def broken(self) -> list[str]:
        """Which bounds are."""
        return [name for name, bound in BOUNDS.items() if self.scenario.bounded and self.errors[name] > bound]


def simulate(scenario: Scenario, studies: int) -> Rates:
    """A scenario's rates, deterministic."""
    generator = scenario.generator
    errors: list[tuple[bool, bool, bool]] = []
    undecided, half_widths, flipped, drawn = [], [], [], []
    while len(errors) < studies or (len(errors) < MOST and near_a_bound(errors)):
        for _ in range(studies):
            null, at_margin = (one_study(scenario, truth, generator) for truth in truths(scenario))
            errors.append((not null.covered, not at_margin.covered, Verdict.EQUIVALENT in at_margin.verdicts))
            undecided.append(np.mean([each is Verdict.UNDECIDED for each in null.verdicts]))
            if len(errors) <= studies:
                half_widths.append(null.half_widths)
                drawn.append(null.differences)
                flips = scenario.folds >= MIN_FLIPPED_FOLDS and not scenario.missing
                flipped.append(min(p.min() for p in sign_flip_p(null.differences.mean(3))) < ALPHA if flips else np.nan)
    to_pooled = to_earlier = np.nan
    if not scenario.missing:
        width = np.median(half_widths)
        to_pooled = width / np.median(pooled_half_widths(np.array(drawn), scenario.given))
        to_earlier = width / np.median(earlier_half_widths(np.array(drawn)))
    rates = dict(zip(BOUNDS, np.mean(errors, 0).tolist(), strict=True))
    others = (np.mean(flipped), np.mean(undecided), to_pooled, to_earlier)
    return Rates(scenario, len(errors), rates, *map(float, others))


def truths(scenario: Scenario) -> tuple[Array, Array]:
    """No difference anywhere, and one exactly at the margin everywhere, up and down."""
    return np.zeros(scenario.treatments), scenario.margin * (-1.0) ** np.arange(scenario.treatments)


@dataclass(frozen=True)
class Study:
    """One analysed: its differences (outcomes, C, K, R), and of all its intervals what they say."""

    differences: Array
    covered: bool
    half_widths: Array
    verdicts: list[Verdict]


def one_study(scenario: Scenario, truth: Array, generator: np.random.Generator) -> Study:
    """Drawn and analysed as a study is."""
    differences = draw(scenario, truth, generator)
    comparisons = [compare_with_control(each, scenario.given) for each in differences]
    level = simultaneous_level(comparisons)
    intervals = [each.interval(level) for each in comparisons]
    widths = [each.margin for each in intervals]
    missed = any((np.abs(each.mean - truth) > width).any() for each, width in zip(intervals, widths, strict=True))
    found = [one for each in intervals for one in verdicts(each, scenario.margin)]
    return Study(differences, not missed, np.concatenate(widths), found)


def near_a_bound(errors: Sequence[tuple[bool, ...]]) -> bool:
    """Whether a rate is within two standard errors of its bound."""
    rates = np.mean(errors, 0)
    doubt = 2 * np.sqrt(rates * (1 - rates) / len(errors))
    return bool((np.abs(rates - list(BOUNDS.values())) < doubt).any())


HEADER = (
    "| scenario | treatments × folds | studies | family-wise error | simultaneous coverage | wrongly equivalent "
    "| sign-flip error | undecided | width ÷ pooled | width ÷ earlier rule |\n|---|---|---|---|---|---|---|---|---|---|"
)


def row(rates: Rates) -> str:
    """Markdown; bold what is beyond its bound."""
    bounded = []
    for name, bound in BOUNDS.items():
        error = rates.errors[name]
        shown = f"{1 - error if name == 'not all covered' else error:.1%}"
        bounded.append(f"**{shown}**" if error > bound else shown)
    widths = (f"{rates.to_pooled:.2f}", f"{rates.to_earlier:.2f}")
    others = (f"{rates.sign_flip:.1%}", f"{rates.undecided:.0%}", *widths)
    design = f"{rates.scenario.treatments} × {rates.scenario.folds}"
    cells = (rates.scenario.name, design, f"{rates.studies:,}", *bounded, *others)
    return "| " + " | ".join("–" if "nan" in cell else cell for cell in cells) + " |"


def in_processes(work: Callable[[Any], Any], items: Sequence[Any], jobs: int) -> Iterator[Any]:
    """In order, each as soon as it is there, with progress."""
    progress = partial(tqdm, total=len(items), unit="row", smoothing=0)
    if jobs == 1:
        yield from progress(map(work, items))
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from progress(pool.map(work, items))


@plain_script
def main(arguments: Arguments) -> None:
    studies, jobs = int(arguments.studies), int(arguments.jobs)
    scenarios = [each for each in SCENARIOS if arguments.only in each.name]
    tables = arguments.tables.split(",")
    side_by_side = partial(in_processes, jobs=jobs)
    rates: list[Rates] = []
    if "rates" in tables:
        print(HEADER)
        for each in side_by_side(partial(simulate, studies=studies), scenarios):
            rates.append(each)
            print(row(each), flush=True)
    if "plans" in tables:
        print("\n" + "\n".join(plans_table(side_by_side)))
    if "methods" in tables:
        print("\n" + "\n".join(rules_table(side_by_side, scenarios, studies)))
    broken = [
        f"{each.scenario.name}, {each.scenario.treatments} × {each.scenario.folds}: {', '.join(each.broken)}"
        for each in rates
        if each.broken
    ]
    if broken:
        raise UserError(f"beyond the bound: {'; '.join(broken)}")


if __name__ == "__main__":
    main()
