"""What was odd in the data: duplicates side by side, files with a problem, and in one line what there is none of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

import numpy as np

from overcast.audit.views import Views
from overcast.core.console import in_language
from overcast.core.words import translatable, translate
from overcast.html.page import Part, Section, Table

PAIRS, LINES = 48, 200  # shown, at most

NONE_OF = {
    "unreadable": translatable("no unreadable files"),
    "duplicate": translatable("no duplicates"),
    "near-duplicate": translatable("no near-duplicates"),
    "across classes": translatable("no copies with two labels"),
    "missing": translatable("no missing files"),
    "unlisted": translatable("no unchecked files"),
}
"""What is said of a problem that the audit did not note."""

PROBLEMS = {
    "unreadable": translatable("unreadable"),
    "tiny": translatable("tiny"),
    "missing": translatable("missing"),
    "unlisted": translatable("unlisted"),
    "left out": translatable("left out"),
    "first picture": translatable("first picture"),
    "cut short": translatable("cut short"),
    "no value": translatable("no value"),
    "clipped": translatable("clipped"),
}
"""The names of those that are listed."""

SIDE_BY_SIDE = ("duplicate", "near-duplicate", "across classes")
"""The problems that pairs show."""


def findings(
    views: Views, problems: Mapping[str, np.ndarray], pairs: Mapping[str, np.ndarray], unasked: Collection[str] = ()
) -> list[Section]:
    """The duplicates if there are any, the odd files, and one line on what there is none of.

    unasked: problems that were not looked for.
    """
    count = Counter(problems["problem"].tolist())
    nothing = ", ".join(
        translate(text) for problem, text in NONE_OF.items() if not count[problem] and problem not in unasked
    )
    nothing = f"{nothing[:1].upper()}{nothing[1:]}." if nothing else ""
    if not len(pairs["file_a"]) and set(count) <= set(SIDE_BY_SIDE):
        return [Section(translate("Odd files and duplicates"), nothing)]
    return [*([duplicates(views, pairs)] if len(pairs["file_a"]) else []), odd_files(problems, nothing)]


def duplicates(views: Views, pairs: Mapping[str, np.ndarray]) -> Section:
    """Pairs side by side: those with two labels first, then the least alike."""
    total = len(pairs["file_a"])
    across = pairs["same_class"] == "False"
    order = np.lexsort((-pairs["distance"].astype(int), ~across))[:PAIRS]
    how = translate("Pairs: {total:,}. A split keeps each on one side.", total=total)
    if n_across := int(across.sum()):
        how += " " + translate("With two different labels, shown first: {number:,}.", number=n_across)
    if views.pack.spec.kind == "image":
        how += " " + translate(
            "Sorted from the least alike. Distance: bits of 64 by which the pictures' hashes differ, 0 for copies."
        )
    if total > PAIRS:
        how += " " + translate("Shown are {number}; pairs.csv in the pack has all.", number=PAIRS)
    return Section(translate("Duplicates and near-duplicates"), how, _pairs(views, pairs, order, across))


def _pairs(views: Views, pairs: Mapping[str, np.ndarray], order: np.ndarray, across: np.ndarray) -> list[Part]:
    row_of = {file: row for row, file in enumerate(views.pack.index["file"])}
    parts: list[Part] = []
    texts: list[list[str]] = []
    for number, at in enumerate(order):
        a, b, label_a, label_b, distance = (
            pairs[column][at] for column in ("file_a", "file_b", "class_a", "class_b", "distance")
        )
        first = (
            translate("{one} or {other}?", one=label_a, other=label_b)
            if across[at]
            else translate("both {label}", label=label_a)
        )
        if views.pack.spec.kind == "tokens":
            texts.append([first, *(f"{file}: {views.text(row_of[file])}" for file in (a, b))])
            continue
        if views.pack.spec.kind == "image":
            first = translate("{pair} (distance {distance})", pair=first, distance=distance)
        parts.append(views.row([row_of[a], row_of[b]], [first, *dict.fromkeys((a, b))], f"pair-{number + 1}"))
    if texts:
        return [Table([translate("class"), translate("one"), translate("the other")], texts, row_heads=True)]
    return parts


def odd_files(problems: Mapping[str, np.ndarray], nothing: str = "") -> Section:
    """What could not be read, is not in the manifest, or is missing. nothing: a sentence on what there is none of."""
    rest = ~np.isin(problems["problem"], SIDE_BY_SIDE)
    count = Counter(problems["problem"][rest].tolist())
    sentences = [nothing] if nothing else []
    if count:
        summary = "; ".join(f"{number:,} {_named(problem)}" for problem, number in sorted(count.items()))
        sentences.append(translate("Noted: {summary}. What cannot be read is not packed.", summary=summary))
    columns = (problems[column][rest] for column in ("file", "problem", "detail"))
    lines = [(file, _named(problem), in_language(detail)) for file, problem, detail in zip(*columns, strict=True)]
    if len(lines) > LINES:
        sentences.append(
            translate("Shown are {most} of {number:,}; audit.csv in the pack has all.", most=LINES, number=len(lines))
        )
    head = [translate("file"), translate("problem"), translate("detail")]
    return Section(translate("Odd files"), " ".join(sentences), [Table(head, lines[:LINES])] if lines else ())


def _named(problem: str) -> str:
    return translate(PROBLEMS.get(problem, problem))
