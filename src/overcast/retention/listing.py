"""What gc says: what goes and why, what is kept and why, how much it is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from overcast.core.words import translate
from overcast.retention.plan import Plan, Weights
from overcast.retention.removal import Removed

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def size_text(number: float) -> str:
    """Bytes as people read them: ``1.5 MiB``."""
    for unit in UNITS[:-1]:
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} {UNITS[-1]}"


def plan_text(plan: Plan) -> str:
    """The plan in lines: a study's runs together, then how many are kept by which reason, then the sums."""
    lines = [translate("weights that nothing needs any more:"), *_going(plan.going)] if plan.going else []
    if plan.kept:
        lines += [translate("weights that are kept:")]
        lines += [f"{number:6}  {translate(why)}" for why, number in plan.kept.most_common()]
    if plan.before:
        lines.append(translate("removed before: those of {number} runs", number=plan.before))
    return "\n".join([*lines, _sum(plan.going)])


def removed_text(removed: Removed) -> str:
    """What was done."""
    text = "removed: the weights of {runs} runs, {here} in their folders and {mlflow} in MLflow, {total} in all"
    sizes = _sizes(removed.here, removed.in_mlflow)
    lines = [translate(text, runs=removed.runs, **sizes)]
    if removed.copies:
        text = "MLflow keeps its copy of {number} of them: this artifact store removes nothing. Remove them there"
        lines.append(translate(text, number=removed.copies))
    return "\n".join(lines)


def _going(going: Sequence[Weights]) -> list[str]:
    width = max(len(each.run.folder.name) for each in going)
    lines = []
    for study, some in groupby(sorted(going, key=lambda each: each.study), key=lambda each: each.study):
        lines.append(f"  {study or translate('by hand')}")
        for each in some:
            size = size_text(each.here + each.in_mlflow)
            lines.append(f"    {each.run.folder.name:{width}}  {size:>10}  {translate(each.why)}")
    return lines


def _sum(going: Sequence[Weights]) -> str:
    if not going:
        return translate("there is nothing to remove")
    sizes = _sizes(sum(each.here for each in going), sum(each.in_mlflow for each in going))
    text = "in all: the weights of {runs} runs, {here} in their folders and {mlflow} in MLflow, {total}"
    return translate(text, runs=len(going), **sizes)


def _sizes(here: int, in_mlflow: int) -> dict[str, str]:
    return {"here": size_text(here), "mlflow": size_text(in_mlflow), "total": size_text(here + in_mlflow)}
