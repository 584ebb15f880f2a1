"""The page of a search: what won, how it went, which options counted; and the same in a few lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from optuna.study import Study
from optuna.trial import TrialState

from overcast.config.compose import as_override
from overcast.core.secrets import without_password
from overcast.core.words import translatable, translate
from overcast.html.page import Callout, Cell, Page, Part, Section, Table
from overcast.html.writer import write
from overcast.training.plan import Plan
from overcast.tuning.definition import Search
from overcast.tuning.figures import history, importance, slices
from overcast.tuning.objective import FAILED, STOPPED
from overcast.tuning.outcome import Difference, FoldOutcome
from overcast.tuning.worker import spent_seconds

HONEST = translatable(
    "Trials were trained on the train part and chosen by the validation part. The test part had no say in the search: "
    "no trial was trained on it, and it was measured when the winner was chosen. Optimism is test − validation: the "
    "winner was chosen for its validation figure, which is luck in part. Intervals (95 %) are over test samples alone, "
    "near-duplicates and samples of one source drawn together: another search, or another seed, would find another "
    "winner."
)
COMPARED = translatable("The options as they stood were measured on it too, for comparison.")
NESTED = translatable(
    "Each fold was searched by itself, on its own train and validation part, so that its test part is new to its "
    "winner: the mean is an estimate of what this way of searching gives. The recipe is the winner of fold {fold}."
)
ONE_FOLD = translatable(
    "One fold was searched: what is told of the test part is about this one winner. With folds=3 the search is "
    "repeated in three folds, which tells what this way of searching gives."
)
AGAIN = translatable(
    "The other folds' test samples, and those of another split seed, took part in the search as train or validation "
    "samples: a study on them tells how the recipe does with other train samples and seeds, and is a little "
    "optimistic. Strictly new is the test part of fold {fold} alone, with more seeds."
)
OFFICIAL = translatable(
    "The data's official test part is that of every fold, and no trial was trained on it or chosen by it: a "
    "study of any folds and seeds confirms the recipe."
)


def number(value: float, sign: bool = False) -> str:
    """Three decimals, with a true minus."""
    return f"{value:{'+' if sign else ''}.3f}".replace("-", "−")


def write_report(
    folder: Path,
    search: Search,
    plan: Plan,
    studies: Sequence[Study],
    outcomes: Sequence[FoldOutcome],
    changed: Difference | None,
    command: str,
) -> Path:
    """Write the page into ``folder``; its path."""
    first = outcomes[0]
    nested = translate(NESTED, fold=first.fold) if len(outcomes) > 1 else translate(ONE_FOLD)
    again = translate(OFFICIAL) if first.run.facts["official_test"] else translate(AGAIN, fold=first.fold)
    honest = [translate(HONEST), *([translate(COMPARED)] if _has_stood(outcomes) else [])]
    config = plan.config
    sections = [
        Section(translate("The recipe"), f"conf/recipe/{search.name}.yaml", [_recipe(outcomes)]),
        Section(translate("Chosen and tested"), " ".join([*honest, nested]), [_folds(outcomes)]),
        history(first.trials),
        importance(studies[0]),
        slices(first.trials),
        Section(translate("Confirming it"), again),
    ]
    facts = {
        "search": search.id,
        translate("space"): f"conf/search/{search.space.name}.yaml",
        translate("budget"): f"{search.seconds * len(outcomes) / 60:g} min" if search.seconds else "",
        translate("workers"): search.info.jobs,
        translate("storage"): without_password(search.storage),
        translate("split"): f"seed {config.split.seed}, {config.folds} folds, {plan.fingerprint}",
        "seed": config.seed,
        translate("command"): without_password(command),
    }
    lead = translate("{model} on {data}", model=config.model.name, data=config.data.name)
    kind = translate(" (synthetic)") if plan.pack.info["synthetic"] else ""
    return write(
        folder,
        Page(translate("Search: {name}", name=search.name), lead + kind, sections, facts, _opening(outcomes, changed)),
    )


def _has_stood(outcomes: Sequence[FoldOutcome]) -> bool:
    """Whether the options as they stood were a trial of some fold."""
    return any(each.stood for each in outcomes)


def _opening(outcomes: Sequence[FoldOutcome], changed: Difference | None) -> list[Part]:
    several = len(outcomes) > 1
    test = sum(each.test["nll"] for each in outcomes) / len(outcomes)
    validation = sum(each.validation for each in outcomes) / len(outcomes)
    text = translate(
        "On new samples the winners have a negative log-likelihood of {test} in the mean of {folds} folds; on the "
        "validation parts that they were chosen by, {validation}: the choice flatters by {optimism}."
        if several
        else "On new samples the winner has a negative log-likelihood of {test}; on the validation part that it was "
        "chosen by, {validation}: the choice flatters by {optimism}.",
        test=number(test), validation=number(validation), optimism=number(test - validation, True), folds=len(outcomes),
    )  # fmt: skip
    if changed:
        told = f"{number(changed.value, True)} [{number(changed.low, True)}, {number(changed.high, True)}]"
        text += " " + translate("Against the options as they stood: {change}; below zero is better.", change=told)
    return [Callout(text)]


def _recipe(outcomes: Sequence[FoldOutcome]) -> Table:
    """A row an option; of a nested search the winners of the other folds beside it."""
    names = list(dict.fromkeys(name for each in outcomes for name in each.values))
    heads = (
        [translate("fold {numbers}", numbers=each.fold) for each in outcomes]
        if len(outcomes) > 1
        else [translate("value")]
    )
    rows = [[Cell(name), *(Cell(_shown(each.values.get(name, "–"))) for each in outcomes)] for name in names]
    return Table([translate("option"), *heads], rows, row_heads=True)


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _folds(outcomes: Sequence[FoldOutcome]) -> Table:
    """A row a fold, and their mean."""
    heads: list[str | Cell] = [
        translate("fold"),
        translate("trials"),
        Cell(translate("stopped early")),
        translate("failed"),
        translate("minutes"),
        Cell(translate("validation"), translate("negative log-likelihood")),
        Cell(translate("test"), translate("negative log-likelihood")),
        translate("optimism"),
        Cell(translate("test"), translate("accuracy, %")),
    ]
    rows = [_fold(each) for each in outcomes]
    if _has_stood(outcomes):
        heads.append(Cell(translate("as it stood"), translate("test, negative log-likelihood")))
        rows = [[*row, _stood(each)] for row, each in zip(rows, outcomes, strict=True)]
    if len(rows) > 1:
        _, *columns = zip(*rows, strict=True)
        rows.append([Cell(translate("mean"), look="baseline"), *map(_mean, columns)])
    return Table(heads, rows, row_heads=True)


def _fold(each: FoldOutcome) -> list[Cell]:
    ended = Counter(trial.user_attrs.get("ended", "") for trial in each.trials if trial.state == TrialState.PRUNED)
    known = [t for t in each.trials if t.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    counts = [len(known), ended[STOPPED], ended[FAILED]]
    test = each.test
    interval = f"[{number(test['nll_low'])}, {number(test['nll_high'])}]"
    minutes = spent_seconds(each.trials) / 60
    return [
        Cell(str(each.fold)),
        *(Cell(str(count), value=count) for count in counts),
        Cell(f"{minutes:.1f}", value=minutes),
        Cell(number(each.validation), value=each.validation),
        Cell(number(test["nll"]), interval, value=test["nll"]),
        Cell(number(each.optimism, True), value=each.optimism),
        Cell(f"{100 * test['accuracy']:.1f}", value=100 * test["accuracy"]),
    ]


def _stood(each: FoldOutcome) -> Cell:
    if each.stood is None:
        return Cell("–")
    nll = each.stood.metrics["test"]["nll"]
    return Cell(number(nll), value=nll)


def _mean(cells: Sequence[Cell]) -> Cell:
    values = [cell.value for cell in cells if not isinstance(cell.value, str)]
    if len(values) < len(cells):
        return Cell("–")
    mean = sum(values) / len(values)
    whole = all("." not in cell.text for cell in cells)
    signed = any(cell.text.startswith(("+", "−")) for cell in cells)
    places = 1 if whole or all(len(cell.text.rpartition(".")[2]) == 1 for cell in cells) else 3
    return Cell(f"{mean:{'+' if signed else ''}.{places}f}".replace("-", "−"), value=mean)


def summary_lines(search: Search, outcomes: Sequence[FoldOutcome], changed: Difference | None) -> list[str]:
    """The same for a terminal."""
    lines = []
    for each in outcomes:
        states = Counter(trial.state for trial in each.trials)
        ended = states[TrialState.COMPLETE] + states[TrialState.PRUNED]
        told = [
            f"{ended} trials in {spent_seconds(each.trials) / 60:.1f} min, of which "
            f"{states[TrialState.PRUNED]} were stopped early or failed",
            f"best: {' '.join(f'{name}={as_override(value)}' for name, value in each.values.items())}",
            f"validation nll {each.validation:.3f}, test nll {each.test['nll']:.3f} "
            f"[{each.test['nll_low']:.3f}, {each.test['nll_high']:.3f}], optimism {each.optimism:+.3f}; "
            f"test accuracy {each.test['accuracy']:.1%}",
        ]
        lines += [f"fold {each.fold}: {line}" for line in told] if len(outcomes) > 1 else told
    if changed:
        lines.append(
            f"tuned − as it stood, test nll: {changed.value:+.3f} [{changed.low:+.3f}, {changed.high:+.3f}] "
            "(below zero: better; over test samples alone)"
        )
    return lines
