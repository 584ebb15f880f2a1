"""A mitigation at the strength that suits it: in each fold the candidate with the best validation part is the trial.

The candidates of a group are cells that differ in the strengths of a mitigation alone. All of them are trained in every
fold; test parts have no say in the choice, and no fold is left out for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from overcast.config.compose import override_key
from overcast.config.schema import StudyConfig
from overcast.core.errors import DivergedError, UserError
from overcast.core.progress import progress_bar
from overcast.tracking.metadata import STRENGTH
from overcast.tracking.run_folder import Run

if TYPE_CHECKING:
    from overcast.tracking.store import TrackingStore

ROLE = "role=tuning"
"""Of a candidate's job: its run is no trial unless it is chosen."""

VALIDATION = "validation"
"""The fact of a run's record that holds what `validation` measured."""

EXAMPLE = '[["mitigation=dropout mitigation.dropout.p=0.1","mitigation=dropout mitigation.dropout.p=0.5"]]'

Group = Mapping[str, str]
"""Of each candidate, a cell's overrides with the `ROLE`, the strengths by which it differs from the others."""


class Choice(NamedTuple):
    """What won in a fold, at a point of the grid. candidates: among how many."""

    point: int
    fold: int
    cell: str
    strengths: str
    candidates: int


def read_groups(tuned: Sequence[Any], settings: StudyConfig) -> list[Group]:
    """The groups that a study names as ``hydra.sweeper.tuned``, a list of cells each.

    Raises: UserError if one is no choice of strengths, or the study does not say how many folds to choose in.
    """
    groups = [_group(cells) for cells in tuned]
    if groups and settings.folds is None:
        raise UserError("hydra.sweeper.tuned: strengths are chosen in each fold, so set study.folds too")
    if groups and settings.budget is not None:
        raise UserError(
            f"study.budget={settings.budget} stops cells between folds, and hydra.sweeper.tuned trains all candidates "
            "in every fold. Leave one of them out"
        )
    names = Counter(_other_words(next(iter(group))) for group in groups)
    for words, times in names.items():
        if times > 1:
            raise UserError(f"hydra.sweeper.tuned has {times} groups of {' '.join(words)}: make one of them")
    return groups


def _group(cells: Any) -> Group:
    several = isinstance(cells, Sequence) and not isinstance(cells, str) and len(cells) > 1
    if not several or not all(isinstance(cell, str) for cell in cells):
        raise UserError(f"hydra.sweeper.tuned: give groups of two or more candidates each, as in {EXAMPLE}")
    words = [cell.split() for cell in cells]
    shared = set(words[0]).intersection(*words)
    own = [[word for word in each if word not in shared] for each in words]
    keys = {tuple(sorted(map(override_key, each))) for each in own}
    different = len({*map(tuple, own)}) == len(own)
    if len(keys) > 1 or not different or not all(key.startswith(STRENGTH) for key in next(iter(keys))):
        raise UserError(
            f"hydra.sweeper.tuned: the candidates of a group name the same strengths of the same mitigation with other "
            f"values, as in {EXAMPLE}; these do not: {', '.join(cells)}"
        )
    return {f"{cell} {ROLE}": " ".join(each) for cell, each in zip(cells, own, strict=True)}


def _other_words(cell: str) -> tuple[str, ...]:
    """What a cell says but for its strengths."""
    return tuple(word for word in cell.split() if not word.startswith(STRENGTH) and word != ROLE)


def refuse_twice(cells: Sequence[str], identities: Sequence[Any], candidates: Collection[str]) -> None:
    """Raises: UserError if a candidate is the same as another cell: one run cannot be the trial of both.

    cells: of one point of the grid or of several, one after the other. identities: of each, or why it is left out.
    """
    first: dict[str, str] = {}
    for cell, identity in zip(cells, identities, strict=True):
        other = first.setdefault(identity, cell) if isinstance(identity, str) else cell
        if other != cell and not {cell, other}.isdisjoint(candidates):
            names = " and ".join(each.removesuffix(f" {ROLE}") for each in (other, cell))
            raise UserError(f"hydra.sweeper.tuned: {names} are the same cell. Leave one of them out")


def choose(groups: Sequence[Group], tried: Mapping[tuple[int, int, str], Sequence[Any]]) -> list[Choice]:
    """The winner of each group, at each point of the grid and in each fold. tried: what came of (point, fold, cell)."""
    choices = []
    places = list(dict.fromkeys((point, fold) for point, fold, _ in tried))
    for point, fold in progress_bar(places, "choosing strengths", "fold"):
        for group in groups:
            runs = {cell: tried[point, fold, cell] for cell in group if (point, fold, cell) in tried}
            if winner := best(runs):
                choices.append(Choice(point, fold, winner, group[winner], len(runs)))
    return choices


def best(candidates: Mapping[str, Sequence[Any]]) -> str:
    """The candidate with the lowest mean validation negative log-likelihood over its runs, accuracy breaking ties.

    One with runs that diverged comes after all with fewer such. One with a job that failed otherwise has yet to be
    trained, and is none. "" if nothing is left.
    """
    scores = {}
    for name, results in candidates.items():
        figures = [_validation(each) for each in results if isinstance(each, Run)]
        finite = [each for each in figures if each]
        diverged = len(figures) - len(finite) + sum(isinstance(each, DivergedError) for each in results)
        if len(finite) + diverged == len(results):
            scores[name] = (diverged, *np.mean(finite or [(np.inf, np.inf)], axis=0).tolist())
    return min(scores, key=lambda name: scores[name], default="")


def _validation(run: Run) -> tuple[float, float] | None:
    try:
        return validation(run)
    except DivergedError:
        return None


def validation(run: Run) -> tuple[float, float]:
    """Negative log-likelihood and error rate of the kept weights on the whole validation part, and of nothing else.

    Measured once: a study that goes on chooses by the same figures, with the weights or without.

    Raises: DivergedError if the network's answers are no finite numbers.
    """
    if known := run.record.get(VALIDATION):
        return float(known[0]), float(known[1])
    from overcast.evaluation.evaluate import measure
    from overcast.prediction.trained_network import open_config_pack
    from overcast.training.feature_cache import restore_for_measuring

    measured = measure(
        *restore_for_measuring(run, open_config_pack(run.config)), np.flatnonzero(run.parts == "validation")
    )
    nll, error_rate = measured.figures["nll"], 1 - measured.figures["accuracy"]
    run.write_record(**{VALIDATION: [nll, error_rate]})
    return nll, error_rate


def record_choices(
    store: TrackingStore, study: str, winners: Mapping[tuple[str, int], Choice], candidates: Collection[str]
) -> None:
    """Make trials of the runs that were chosen, and of no others: the choice may differ from that of a smaller study.

    study: its id. winners: by the identity of their cell and the fold. candidates: the identities of all.
    """
    for found in store.search(study=study):
        if (cell := found.tags.get("cell", "")) not in candidates:
            continue
        tags = _choice_tags(winners.get((cell, int(found.params.get("fold", -1)))))
        if any(found.tags.get(name, "") != text for name, text in tags.items()):
            store.recorder(found.id, found.tags).tags(tags)


def keep_choices(runs: Sequence[Run], winners: Mapping[tuple[str, int], Choice], candidates: Collection[str]) -> None:
    """As `record_choices`, into the folders of these runs, from which it is sent when their store answers again."""
    from overcast.tracking.late_record import kept_recorder

    for run in runs:
        config, facts = run.config, run.facts
        if facts["cell"] in candidates and (record := kept_recorder(run)):
            record.tags(_choice_tags(winners.get((facts["cell"], config.split.fold))))


def _choice_tags(won: Choice | None) -> dict[str, str]:
    """The tags of the run of a candidate, chosen or not."""
    return {"role": "trial", "tuned": won.strengths, "candidates": str(won.candidates)} if won else UNCHOSEN


UNCHOSEN = {"role": "tuning", "tuned": "", "candidates": ""}
"""The tags of a candidate's run that is no trial."""
