"""Whether the number of seeds that a study is told to run decides as often as it promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from _families import Array, Scenario, draw
from overcast.statistics.estimates import Estimate
from overcast.statistics.simultaneous import compare_with_control, simultaneous_level
from overcast.statistics.verdicts import detectable, seeds_to_decide, verdicts

PILOTS = 2000
MARGIN, SEEDS = 6.0, 10
"""The margin, in standard errors of a study with this many seeds a fold."""


@dataclass(frozen=True)
class Plan:
    """Rates over pilots and the studies run after them.

    seeds: planned for the first comparison, the quartiles. none: share of pilots after which no number of seeds would
    do. at_zero, at_margin: how often it was decided. detected: share found of differences as large as pilots call
    detectable.
    """

    scenario: Scenario
    margin: float
    seeds: tuple[float, float, float]
    none: float
    at_zero: float
    at_margin: float
    detected: float


SCENARIOS = tuple(
    Scenario("plan", treatments=treatments, folds=folds, seeds=3, seed_share=0.8)
    for treatments, folds in ((1, 5), (1, 10), (5, 5), (5, 30), (20, 5), (20, 10), (20, 30))
)


def plan(scenario: Scenario) -> Plan:
    """Pilots, each with the studies that it asks for."""
    generator = scenario.generator
    nothing = np.zeros(scenario.treatments)
    margin = MARGIN * replace(scenario, seeds=SEEDS).standard_error
    seeds, smallest = [], []
    decided: list[tuple[float, float]] = []
    for _ in range(PILOTS):
        pilot = compare_with_control(draw(scenario, nothing, generator)[0])
        level = simultaneous_level([pilot])
        needed = seeds_to_decide(pilot, scenario.folds, margin, level)[0]
        smallest.append([detectable(float(error), pilot.df, level) for error in pilot.standard_error])
        if np.isnan(needed):
            continue
        seeds.append(needed)
        main = replace(scenario, seeds=int(needed))
        at_zero = verdicts(analysed(main, nothing, generator), margin)
        at_margin = analysed(main, nothing + margin, generator)
        decided.append((at_zero[0].decided, at_margin.low[0] > 0))
    truth = nothing + np.mean(smallest)
    detected = np.mean([analysed(scenario, truth, generator).low > 0 for _ in range(PILOTS)])
    first, median, third = np.quantile(seeds, [0.25, 0.5, 0.75]).tolist()
    zero, at = np.mean(decided, 0).tolist()
    return Plan(scenario, margin, (first, median, third), 1 - len(seeds) / PILOTS, zero, at, float(detected))


def analysed(scenario: Scenario, truth: Array, generator: np.random.Generator) -> Estimate:
    """The intervals of one study. Its fold means are drawn as such: as many seeds as may be planned need no memory."""
    averaged = 1 - scenario.seed_share + scenario.seed_share / scenario.seeds
    means = replace(
        scenario, seeds=1, seed_share=0.0, control=np.sqrt(averaged), first=np.sqrt(averaged), last=np.sqrt(averaged)
    )
    comparison = compare_with_control(draw(means, truth, generator)[0])
    return comparison.interval(simultaneous_level([comparison]))


def plans_table(in_processes: Callable[..., Iterator[Any]]) -> Iterator[str]:
    """Markdown. All are to be 80 %."""
    yield (
        "| treatments × folds | margin, standard deviations of a run | seeds planned (quartiles) | no plan "
        "| decided at zero | decided at the margin | detectable differences found |"
    )
    yield "|---|---|---|---|---|---|---|"
    for each in in_processes(plan, SCENARIOS):
        rates = " | ".join(f"{rate:.0%}" for rate in (each.none, each.at_zero, each.at_margin, each.detected))
        quartiles = " to ".join(f"{number:g}" for number in (each.seeds[0], each.seeds[2]))
        design = f"{each.scenario.treatments} × {each.scenario.folds}"
        yield f"| {design} | {each.margin:.2f} | {each.seeds[1]:g} ({quartiles}) | {rates} |"
