"""Launch the jobs of a sweep: all at once, or block after block; whatever comes of one, the others go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from joblib.externals.loky.process_executor import BrokenProcessPool

from overcast.study.callback import StudyCallback
from overcast.study.layout import repeat_fold
from overcast.study.looks import Looks
from overcast.study.progress import set_state, unfinished
from overcast.study.sweep import Sweep
from overcast.study.tuning import choose
from overcast.tracking.run_folder import Run

Overrides = Sequence[str]
"""Of one job."""


def launch(
    launcher: Any,
    callback: StudyCallback,
    jobs: Sequence[Overrides],
    start: int = 0,
    trained: Mapping[tuple[str, ...], Run] = MappingProxyType({}),
) -> list[Any]:
    """Run jobs, numbered from ``start``; what each gave back, None where its worker or one beside it died.

    trained: the runs of jobs that need not be started.

    Where a worker dies, the jobs that were under way run again, each alone, to tell which it was.
    """
    assert callback.study
    numbered = dict(enumerate(jobs, start))
    results: dict[int, Any] = {n: trained[tuple(job)] for n, job in numbered.items() if tuple(job) in trained}
    left, suspects = [number for number in numbered if number not in results], list[int]()
    while left:
        done = _launch_once(launcher, callback, {number: numbered[number] for number in left})
        if done is not None:
            results |= done
            break
        running, left = unfinished(callback.study, left)
        if not running:  # workers that die before their first job will die again
            suspects += left
            break
        suspects += running
    for number in suspects:
        done = _launch_once(launcher, callback, {number: numbered[number]})
        if done is None:
            set_state(callback.study, number, "failed", "its process was killed: by the system for want of memory?")
        results |= done or {}
    callback.failures |= {number: str(result) for number, result in results.items() if isinstance(result, Exception)}
    callback.deliver()
    return [results.get(number) for number in numbered]


def _launch_once(launcher: Any, callback: StudyCallback, jobs: Mapping[int, Overrides]) -> dict[int, Any] | None:
    """What these jobs gave back, by their numbers; None where a worker died: joblib then ends the other ones."""
    callback.numbers = list(jobs)
    try:
        done = launcher.launch(list(jobs.values()), initial_job_idx=0)
    except BrokenProcessPool:
        callback.end_dead_runs()
        return None
    return {number: each._return_value for number, each in zip(jobs, done, strict=True)}


def launch_in_looks(sweep: Sweep, looks: Looks, start: Callable[[Sequence[Overrides], int], object]) -> None:
    """Run block after block of folds, each without the cells that a look at those before has stopped.

    Ends where a look leaves nothing to do, or the next block would take longer than what is left of the budget.
    start: runs jobs that are numbered from here on.
    """
    for folds, repeats in looks.blocks(sweep.layout.repeats):
        places = [cell.place for cell in sweep.cells if cell.identity not in looks.stopped]
        jobs = replace(sweep.layout, places=places, repeats=repeats).jobs
        if not looks.allows(len(jobs), folds):
            break
        start(jobs, looks.launched)
        looks.look(len(jobs), folds)


def choose_candidates(sweep: Sweep, results: Sequence[Any], callback: StudyCallback) -> None:
    """Make the best candidate of each group a trial, in each fold and at each point of the grid.

    results: of all the jobs.
    """
    tried: dict[tuple[int, int, str], list[Any]] = {}
    for (repeat, place), result in zip(sweep.layout.order, results, strict=True):
        tried.setdefault((place.point, repeat_fold(repeat), place.cell), []).append(result)
    identities: dict[tuple[int, str], str] = {cell.place: cell.identity for cell in sweep.cells}
    winners = {(identities[won.point, won.cell], won.fold): won for won in choose(sweep.layout.groups, tried)}
    candidates = sweep.layout.candidates
    callback.chose(winners, {cell.identity for cell in sweep.cells if cell.place.cell in candidates}, results)
