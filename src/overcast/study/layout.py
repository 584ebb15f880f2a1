"""The layout of a sweep: points of the grid × cells × repeats, and the jobs they make."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from overcast.config.schema import StudyConfig
from overcast.core.errors import UserError
from overcast.study.designs import study_cells
from overcast.study.tuning import Group, read_groups


class Place(NamedTuple):
    """A cell, by its own overrides ("" for none), at a point of the grid, by its number."""

    point: int
    cell: str


@dataclass(frozen=True)
class Layout:
    """Each place in each repeat is a job. The repeats vary slowest, so that a study cut short still has whole pairs.

    points: the overrides of each point of the grid. repeats: those of each; without any, each place is one job.
    groups: of cells among which the trial is chosen in each fold (`overcast.study.tuning`). own: more overrides of a
    place.
    """

    points: Sequence[Sequence[str]]
    places: Sequence[Place]
    repeats: Sequence[str] = ()
    groups: Sequence[Group] = ()
    own: Mapping[Place, str] = field(default_factory=dict)

    @property
    def order(self) -> list[tuple[str, Place]]:
        """The repeat and the place of each job."""
        return [(repeat, place) for repeat in self.repeats or [""] for place in self.places]

    @property
    def jobs(self) -> list[list[str]]:
        """The overrides of each job."""
        return [
            [*self.points[place.point], *place.cell.split(), *self.own.get(place, "").split(), *repeat.split()]
            for repeat, place in self.order
        ]

    @property
    def candidates(self) -> set[str]:
        """The cells that are in a group."""
        return {cell for group in self.groups for cell in group}

    @property
    def trials(self) -> int:
        """How many jobs are trials in the end: of a group at a point, one candidate in each repeat."""
        group_of = {cell: number for number, group in enumerate(self.groups) for cell in group}
        chosen = {(place.point, group_of[place.cell]) for place in self.places if place.cell in group_of}
        plain = [place for place in self.places if place.cell not in group_of]
        return (len(plain) + len(chosen)) * max(1, len(self.repeats))


def study_layout(
    study: StudyConfig,
    points: Sequence[Sequence[str]],
    cells: Sequence[str],
    repeats: Sequence[str],
    tuned: Sequence[Any],
    params: Mapping[str, str],
) -> Layout:
    """Every cell at every point of the grid, where the study may say in fewer words what cells and repeats are.

    cells, repeats, tuned, params: as ``hydra.sweeper`` has them.

    Raises: UserError for what contradicts each other in that, or if the grid has no point.
    """
    if not points:
        raise UserError("there is nothing to run: one of the swept options has no values, such as seed=range(0)")
    groups = read_groups(tuned, study)
    candidates = [cell for group in groups for cell in group]
    repeats = study_repeats(repeats, study.folds, study.seeds)
    swept = [f"mitigation={params['mitigation']}"] if "mitigation" in params else []
    cells = study_cells(study, [*cells, *candidates, *swept]) or cells
    every = [*cells, *candidates] or [""]
    places = [Place(point, cell) for point in range(len(points)) for cell in every]
    return Layout(points, places, repeats, groups)


SEED_STEP = 1000
"""Between the seeds of a fold: so many folds have first seeds of their own, and more seeds change none there were."""


def study_repeats(explicit: Sequence[str], folds: int | None, seeds: int = 1) -> list[str]:
    """The overrides of each repeat: those that a study names, or each of its folds with seeds of its own.

    Every fold comes once before any comes again, so that a study cut short has whole rounds.

    Raises: UserError if both are given, or there is no fold or seed.
    """
    if folds is None:
        if seeds != 1:
            raise UserError(f"study.seeds={seeds} is how often each of study.folds is trained: set study.folds too")
        return list(explicit)
    if explicit:
        raise UserError(
            f"study.folds={folds} and hydra.sweeper.repeats both say what the repeats are. Leave one out: the repeats, "
            "or the folds by study.folds=null"
        )
    for name, many in (("folds", folds), ("seeds", seeds)):
        if many < 1:
            raise UserError(f"study.{name}={many}: must be at least 1")
    return fold_repeats(range(folds), seeds)


def fold_repeats(folds: Sequence[int], seeds: int) -> list[str]:
    """The overrides of each repeat of these folds, with so many seeds each."""
    return [f"split.fold={fold} seed={fold + SEED_STEP * round_}" for round_ in range(seeds) for fold in folds]


NUMBER = re.compile(r"(split\.fold|seed)=(\d+)")


def repeat_numbers(repeats: Sequence[str]) -> dict[str, dict[str, int]] | None:
    """The fold and the seed, or one of them, of each repeat; of a layout without repeats nothing for "".

    None where they do not all give the same, or give more.
    """
    found: dict[str, dict[str, int]] = {}
    for repeat in repeats or [""]:
        words = [NUMBER.fullmatch(word) for word in repeat.split()]
        if not all(words):
            return None
        found[repeat] = {word[1]: int(word[2]) for word in words if word}
    return found if len({frozenset(numbers) for numbers in found.values()}) == 1 else None


def repeat_fold(repeat: str) -> int:
    """The fold of a repeat that `study_repeats` made of ``folds``."""
    return int(repeat.split()[0].partition("=")[2])
