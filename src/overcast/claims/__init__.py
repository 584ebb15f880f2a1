"""The lecture's claims, one file each: a study of the same name in conf/study runs it, `compare` measures it.

A claim's module has ``CLAIM``, one sentence, and ``judge(runs)``, which gives the verdict, computed from the study's
evaluated runs, and the pictures that show it. A verdict rests on what `PairedDifference` tests, and on nothing else.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd

from overcast.comparison.pairs import Context
from overcast.comparison.table import compare_context
from overcast.comparison.trials import PAIRING, answers
from overcast.comparison.wording import number
from overcast.core.errors import UserError
from overcast.core.words import translate
from overcast.html.page import Section
from overcast.statistics.estimates import Estimate, one_sample_t
from overcast.statistics.simultaneous import ControlComparison, simultaneous_level
from overcast.statistics.verdicts import Verdict, verdicts
from overcast.study.checks import refuse_unknown_claim
from overcast.study.outcomes import PRIMARY
from overcast.tracking.finished_run import ArchivedRun
from overcast.tracking.metadata import run_params
from overcast.tracking.run_folder import Run

REPEAT = list(PAIRING)
Key = TypeVar("Key", bound=Hashable)


class ClaimResult(NamedTuple):
    """What a claim's study found: the verdict in words, and pictures."""

    verdict: str
    pictures: list[Section]


class Pair(NamedTuple):
    """Runs that a claim expects to be better, and those to be worse: rows of `table`. outcome: the column compared.

    Of "accuracy" each answer to a fixed test part counts where all are known. Other outcomes have no margin: no
    difference in them is called equivalent.
    """

    better: pd.DataFrame
    worse: pd.DataFrame
    outcome: str = "accuracy"


class PairedDifference(NamedTuple):
    """Better minus worse of one `Pair`: the mean with its simultaneous interval, and what that says."""

    estimate: Estimate
    verdict: Verdict

    @property
    def is_better(self) -> bool:
        """Whether what the claim expects to be better is."""
        return self.verdict.direction > 0


class Claim(NamedTuple):
    """A sentence, and the function that judges it by a study's runs."""

    sentence: str
    judge: Callable[[Sequence[Run]], ClaimResult]


def load(name: str) -> Claim:
    """The claim of this name. Raises: UserError if there is none."""
    refuse_unknown_claim(name)
    module = importlib.import_module(f"overcast.claims.{name}")
    return Claim(module.CLAIM, module.judge)


def judge_claim(name: str, runs: Sequence[Run], planned: int, diverged: int = 0) -> tuple[str, str, list[Section]]:
    """The claim's sentence, the verdict on it and its pictures; no verdict from a part of a study.

    diverged: how many of the planned runs did, and so will never finish.
    """
    claim = load(name)
    sentence = translate(claim.sentence)
    if len(runs) < planned:
        text = (
            "Not judged yet: {number} of {planned} runs are finished and found, {diverged} diverged."
            if diverged
            else "Not judged yet: {number} of {planned} runs are finished and found."
        )
        return sentence, translate(text, number=len(runs), planned=planned, diverged=diverged), []
    try:
        return sentence, *claim.judge(runs)
    except LookupError:  # a cell that the claim compares is not there: the study is another than the shipped one
        return sentence, translate("Not judged: this study lacks cells that the claim compares."), []
    except UserError:
        if not isinstance(runs[0], ArchivedRun):
            raise
        text = "Not judged again: that takes the weights or the data, and an archive holds neither."
        return sentence, translate(text), []


def table(runs: Sequence[Run]) -> pd.DataFrame:
    """One row a run: its parameters, ``run``, ``parameters``, ``multiply_adds``, figures of the test part.

    ``answers``: to an official test part, as `overcast.comparison.trials.answers` gives them; None without one.
    """
    known = answers([run for run in runs if run.facts.get("official_test")])
    return pd.DataFrame([_row(run, known.get(str(run.folder))) for run in runs])


def _row(run: Run, known: dict[str, np.ndarray] | None) -> dict[str, object]:
    facts = run.facts
    metrics = run.metrics
    own = {"run": run, "answers": known}
    sizes = {name: facts[name] for name in ("parameters", "multiply_adds", "seconds")}
    figures = {"accuracy": metrics["test"]["accuracy"], "train_accuracy": metrics["train"]["accuracy"]}
    return {**run_params(run.config), **own, **sizes, **figures, **metrics["baseline"]}


def paired_differences(family: Mapping[Key, Pair]) -> dict[Key, PairedDifference]:
    """All comparisons that a claim's verdict rests on, judged as those of a study are: their intervals hold together.

    Pairs with the same worse side are compared with one control, and so are those with the same better side.
    """
    groups = _groups(family)
    compared = [_compare(family, group) for group in groups]
    level = simultaneous_level(compared)
    judged: dict[Key, PairedDifference] = {}
    for (keys, better), each in zip(groups, compared, strict=True):
        sign = -1 if better else 1
        estimate = Estimate(sign * each.mean, each.standard_error, np.full(len(keys), each.df), level)
        margin = PRIMARY.margin if family[keys[0]].outcome == "accuracy" else 0.0
        for c, found in enumerate(verdicts(estimate, margin)):
            one = Estimate(estimate.mean[c], estimate.standard_error[c], estimate.df[c], level)
            judged[keys[c]] = PairedDifference(one, found)
    return {key: judged[key] for key in family}


def _groups(family: Mapping[Key, Pair]) -> list[tuple[list[Key], bool]]:
    """The keys of pairs that share a side and an outcome, and whether that is the better one."""

    def side(key: Key, better: bool) -> tuple[object, ...]:
        rows = family[key].better if better else family[key].worse
        return (family[key].outcome, *rows.index, *rows[family[key].outcome])

    by_worse: dict[tuple[object, ...], list[Key]] = {}
    for key in family:
        by_worse.setdefault(side(key, False), []).append(key)
    groups = [(keys, False) for keys in by_worse.values() if len(keys) > 1]
    by_better: dict[tuple[object, ...], list[Key]] = {}
    for keys in by_worse.values():
        if len(keys) == 1:
            by_better.setdefault(side(keys[0], True), []).append(keys[0])
    return [*groups, *((keys, len(keys) > 1) for keys in by_better.values())]


def _compare(family: Mapping[Key, Pair], group: tuple[Sequence[Key], bool]) -> ControlComparison:
    """Of each key the side that is its own against the side that they share."""
    keys, better = group
    shared, *_ = (family[key].better if better else family[key].worse for key in keys)
    own = [family[key].worse if better else family[key].better for key in keys]
    outcome = family[keys[0]].outcome
    cells = [
        rows.assign(cell=name)
        for name, rows in zip(["shared", *map(str, range(len(own)))], [shared, *own], strict=True)
    ]
    trials = pd.concat(cells, ignore_index=True)
    trials["repeat"] = ["-".join(map(str, each)) for each in trials[REPEAT].itertuples(index=False, name=None)]
    trials["run_id"] = list(map(str, range(len(trials))))
    return compare_context(Context("", trials, "shared"), outcome, _known(trials, outcome))


def _known(trials: pd.DataFrame, outcome: str) -> dict[str, dict[str, np.ndarray]]:
    """Whether each row of a fixed test part was classified correctly, of the runs of which it is known."""
    if outcome != "accuracy":
        return {}
    pairs = zip(trials["run_id"], trials["answers"], strict=True)
    return {
        run: {outcome: known["test/accuracy"], "group": known["group"]} for run, known in pairs if known is not None
    }


def mean_difference(pair: Pair) -> Estimate:
    """The mean of better minus worse over the repeats that both have, paired: to describe, not to judge."""
    better, worse = (rows.set_index(REPEAT)[pair.outcome] for rows in (pair.better, pair.worse))
    return one_sample_t((better - worse).dropna())


def points(estimate: Estimate) -> str:
    """``+4.1 points [2.9, 5.2]``."""
    low, high = (number(float(end)) for end in (estimate.low, estimate.high))
    interval = f" [{low}, {high}]" if low != "–" else ""
    return translate("{size} points", size=number(float(estimate.mean), sign=True)) + interval


def describe(difference: PairedDifference) -> str:
    """Of accuracy: ``+4.1 points [2.9, 5.2]: better``."""
    return f"{points(difference.estimate)}: {translate(difference.verdict)}"


def percent(values: pd.Series) -> str:
    """``91.2 %``: the mean."""
    return f"{number(float(values.mean()))} %"


def verdict_opening(*supported: bool, complete: bool = True) -> str:
    """How a verdict opens, from whether each tested part of the claim is supported.

    complete: whether these are all that the claim says; where some of it is only described, it cannot simply hold.
    """
    if all(supported):
        return translate("It holds here." if complete else "What was tested of it holds here.")
    return translate("It holds here in part." if any(supported) else "It does not show here.")


def verdict_text(
    sentences: Sequence[str],
    supported: Sequence[bool],
    family: Mapping[Key, PairedDifference],
    complete: bool = True,
) -> str:
    """A whole verdict: how it opens, what was found, and how to read the brackets in that.

    supported, complete: as `verdict_opening` takes them. family: all that was tested.
    """
    return " ".join([verdict_opening(*supported, complete=complete), *sentences, tests_note(family)])


def tests_note(family: Mapping[Key, PairedDifference]) -> str:
    """The end of a verdict: what its brackets are, and what the words mean."""
    text = (
        "Brackets with a verdict are 95 % intervals that hold together over these {number} comparisons: better and "
        "worse exclude zero (slightly, where they lie within three points), equivalent lies within three points."
        if len(family) > 1
        else "Brackets with a verdict are 95 % intervals that hold together for this one comparison: better and worse "
        "exclude zero (slightly, where they lie within three points), equivalent lies within three points."
    )
    return translate(text, number=len(family))
