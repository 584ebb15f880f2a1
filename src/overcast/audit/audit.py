"""The audit of a data set as a page a person can look at: classes, sizes, duplicates, odd files, label issues."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from overcast.audit import label_issues
from overcast.audit.thumbnails import contact, thumb, words
from overcast.core.errors import UserError
from overcast.core.paths import project_path
from overcast.core.spacing import evenly_spaced
from overcast.evaluation.classes import MOST_CLASSES
from overcast.html import writer
from overcast.html.figures import canvas, short
from overcast.html.page import Image, Page, Paragraph, Part, Row, Section, Table
from overcast.html.style import BLUE, GREY
from overcast.html.thumbnails import SIDE, SPACE
from overcast.prepare.pack import Pack, open_pack, read_table

PAIRS, LABEL_ISSUES, LINES = 48, 32, 200  # shown, at most
CONTACT, COLUMNS, SENTENCES = 45, 15, 10
SHOW = 96  # pixels of one picture beside another


def audit(name: str, options: Mapping[str, Any], root: Path, out: str = "") -> Path:
    """Write ``out``, or else ``reports/audit/<name>/``, from the pack of data set ``name``; the page's path.

    Raises: UserError if there is no pack, or ``out`` holds other files.
    """
    folder = Path(out) if out else project_path(f"reports/audit/{name}")
    writer.check_report_folder(folder)
    pack = open_pack(root, name, options)
    place = root / name / "pack"
    problems, pairs = (read_table(root, name, table) for table in ("audit.csv", "pairs.csv"))
    sections = [
        classes(pack),
        sizes(pack, root / name / "raw"),
        *contact_sheets(pack),
        duplicates(pack, pairs),
        odd_files(problems),
        doubtful_labels(pack),
    ]
    info = pack.info
    kind = "synthetic " if info["synthetic"] else ""
    lead = f"{len(pack.labels):,} {kind}samples in {len(pack.spec.classes)} classes, as packed in {place}"
    facts = {
        "samples found": f"{info['counts']['samples']:,}",
        "packed": f"{info['counts']['rows']:,}",
        "options": ", ".join(f"{key} {value}" for key, value in info["options"].items()),
        "fingerprint": info["fingerprint"],
    }
    return writer.write(folder, Page(f"Audit of {name}", lead, sections, facts))


def classes(pack: Pack) -> Section:
    """How many of each, and how uneven that is."""
    count = np.bincount(pack.labels, minlength=len(pack.spec.classes))
    groups = len(set(pack.index["group"]) - {""})
    how = "Every class has the same number of samples."
    if np.ptp(count):
        how = (
            f"The largest class has {count.max() / count.min():.1f} times as many samples as the smallest; always "
            f"saying {pack.spec.classes[count.argmax()]} would be right in {count.max() / count.sum():.0%}."
        )
    if groups:
        how += f" The samples come from {groups:,} sources, which a split keeps whole."
    if official := int((pack.index["part"] == "test").sum()):
        how += f" {official:,} samples are an official test part."
    shown = np.arange(len(count))
    if len(count) > MOST_CLASSES:  # the ends of the list, which tell how uneven it is
        shown = np.argsort(-count, kind="stable")[[*range(MOST_CLASSES // 2), *range(-MOST_CLASSES // 2, 0)]]
        how += f" Below are the {MOST_CLASSES // 2} largest and the {MOST_CLASSES // 2} smallest."
    figure, ((axes,),) = canvas(7, max(1.6, 0.8 + 0.26 * len(shown)))
    bars = axes.barh(range(len(shown)), count[shown], color=BLUE)
    axes.bar_label(bars, [f" {n:,} · {n / count.sum():.0%}" for n in count[shown]], size=8)
    axes.set_yticks(range(len(shown)), [short(pack.spec.classes[number]) for number in shown])
    axes.set(xlim=(0, 1.15 * count.max()), xlabel="samples", ylim=(len(shown) - 0.4, -0.6))
    return Section("Classes", how, [Image.from_figure("classes.png", figure)])


def sizes(pack: Pack, raw: Path) -> Section:
    """The pictures' own sizes, read from their files' heads; the lengths of everything else."""
    if pack.offsets is not None:
        return _lengths(pack, np.diff(pack.offsets))
    title = "Sizes of the originals"
    originals = np.array([size for file in pack.index["file"] if (size := image_size(raw / file))])  # (N, 2)
    if not len(originals):
        return Section(title, "Left out: the raw files are not here, or hold many pictures each.")
    wide, high = originals.T
    same = Counter(map(tuple, originals.tolist())).most_common(1)[0]
    ratio = np.maximum(wide / high, high / wide)
    narrow, broad, usual = (f"{w}×{h}" for w, h in (originals[wide.argmin()], originals[wide.argmax()], same[0]))
    how = (
        f"Packed at {pack.spec.shape[2]}×{pack.spec.shape[1]} pixels. The originals are {narrow} at the narrowest and "
        f"{broad} at the widest; the most frequent size is {usual} ({same[1]:,} of {len(originals):,}); "
        f"{int((ratio > 2).sum()):,} are more than twice as long on one side as on the other."
    )
    if len(np.unique(originals, axis=0)) == 1:
        return Section(title, how)
    figure, ((axes,),) = canvas(7, 3.6)
    axes.loglog(wide, high, "o", color=BLUE, markersize=4, alpha=0.35, markeredgewidth=0)
    ends = [min(wide.min(), high.min()) * 0.9, max(wide.max(), high.max()) * 1.1]
    axes.plot(ends, ends, color=GREY, linewidth=0.8)
    axes.set(xlabel="width in pixels", ylabel="height in pixels", title="one dot a picture; on the line: square")
    ticks = [t for t in (8, 16, 32, 64, 125, 250, 500, 1000, 2000, 4000, 8000) if ends[0] <= t <= ends[1]]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, [f"{t:,}" for t in ticks])
        axis.set_ticks([], minor=True)
    return Section(title, how, [Image.from_figure("sizes.png", figure)])


def image_size(path: Path) -> tuple[int, int] | None:
    """Width and height of a picture file, without decoding it; None if it is none."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def _lengths(pack: Pack, length: np.ndarray) -> Section:
    unit = "words" if pack.spec.kind == "tokens" else "steps"
    low, middle, high = np.quantile(length, (0.05, 0.5, 0.95))
    how = (
        f"{unit.capitalize()} a sample: {middle:.0f} in the middle, nine of ten between {low:.0f} and {high:.0f}, "
        f"{length.min()} to {length.max()} in all."
    )
    if pack.spec.vocabulary:
        how += f" {len(pack.spec.vocabulary):,} different words."
    figure, ((axes,),) = canvas(7, 2.6)
    width = -(-int(np.ptp(length) + 1) // 40)  # whole steps, or every other bar would hold more of them
    axes.hist(length, bins=np.arange(length.min(), length.max() + width + 1, width) - 0.5, color=BLUE)
    axes.set(xlabel=f"{unit} a sample", ylabel="samples")
    return Section("Lengths", how, [Image.from_figure("lengths.png", figure)])


def contact_sheets(pack: Pack) -> list[Section]:
    """A contact sheet a class, or a few of its sentences."""
    most = SENTENCES if pack.spec.kind == "tokens" else CONTACT
    how = f"Up to {most} of each class, evenly spaced over its files, as the networks get them."
    parts: list[Part] = []
    shown = evenly_spaced([*enumerate(pack.spec.classes)], MOST_CLASSES)
    if len(shown) < len(pack.spec.classes):
        how += f" {len(shown)} of the {len(pack.spec.classes)} classes, evenly spaced."
    for number, label in shown:
        rows = np.flatnonzero(pack.labels == number)
        chosen = evenly_spaced(rows.tolist(), most)
        if pack.spec.kind == "tokens":
            parts.append(Table([label], [[words(pack, row)] for row in chosen]))
        else:
            columns = min(COLUMNS, len(chosen))
            sheet = contact(pack, chosen, columns)
            parts += [Paragraph(label), Image.from_array(f"class-{number}.png", sheet, columns * (SIDE + SPACE))]
    return [Section("A look at each class", how, parts)]


def duplicates(pack: Pack, pairs: dict[str, np.ndarray]) -> Section:
    """Pairs side by side: those with two labels first, then the least alike, which may be none."""
    title, total = "Duplicates and near-duplicates", len(pairs["file_a"])
    if not total:
        return Section(title, "None were found.")
    across = pairs["same_class"] == "False"
    order = np.lexsort((-pairs["distance"].astype(int), ~across))
    how = (
        f"{total:,} pairs, of which {int(across.sum()):,} have two different labels: those come first, then the least "
        "alike. Distance: bits of 64 by which the pictures' hashes differ, 0 for copies. A split keeps a pair on one "
        f"side.{'' if total <= PAIRS else f' Shown are {PAIRS}; pairs.csv in the pack has all.'}"
    )
    row_of = {file: row for row, file in enumerate(pack.index["file"])}
    parts = []
    for number, at in enumerate(order[:PAIRS]):
        a, b, label_a, label_b, distance = (
            pairs[c][at] for c in ("file_a", "file_b", "class_a", "class_b", "distance")
        )
        first = f"{label_a} or {label_b}?" if across[at] else f"both {label_a}"
        lines = [f"{first} (distance {distance})", *dict.fromkeys((a, b))]
        parts.append(_row(pack, [row_of[a], row_of[b]], lines, f"pair-{number + 1}"))
    return Section(title, how, parts)


def _row(pack: Pack, rows: Sequence[int], lines: Sequence[str], file: str) -> Row:
    if pack.spec.kind == "tokens":
        return Row([], [*lines, *(words(pack, row) for row in rows)])
    images = [Image.from_array(f"{file}{'ab'[n]}.png", thumb(pack, row, SHOW), SHOW) for n, row in enumerate(rows)]
    return Row(images, lines)


def odd_files(problems: dict[str, np.ndarray]) -> Section:
    """What could not be read, is not in the manifest, or is missing."""
    count = Counter(problems["problem"])
    rest = ~np.isin(problems["problem"], ("duplicate", "near-duplicate", "across classes"))
    summary = "; ".join(f"{number:,} {problem}" for problem, number in sorted(count.items())) or "nothing"
    how = f"What the audit noted: {summary}. Listed here is all but the duplicates. What cannot be read is not packed."
    lines = list(zip(*(problems[c][rest] for c in ("file", "problem", "detail")), strict=True))
    if len(lines) > LINES:
        how += f" Shown are {LINES} of {len(lines):,}; audit.csv in the pack has all."
    return Section("Odd files", how, [Table(["file", "problem", "detail"], lines[:LINES])] if lines else ())


def doubtful_labels(pack: Pack) -> Section:
    """The labels that a simple model believes least."""
    title = "Label issues"
    try:
        out_of_sample = label_issues.out_of_sample_probabilities(pack)
    except UserError as reason:
        return Section(title, f"Left out: {reason}.")
    labels, names = pack.labels[out_of_sample.rows], pack.spec.classes
    order = out_of_sample.order(labels)
    right = float((out_of_sample.probabilities.argmax(1) == labels).mean())
    how = (
        "Hints, not errors: samples whose given label is the least likely to a logistic regression on plain "
        f"features that was fitted without them and their copies. It is right in {right:.0%} of {len(labels):,}: "
        f"most of what it doubts only looks unusual. {min(len(order), LABEL_ISSUES)} of {len(order):,} are shown."
    )
    parts = []
    for number, at in enumerate(order[:LABEL_ISSUES]):
        p, row = out_of_sample.probabilities[at], int(out_of_sample.rows[at])
        lines = [
            f"given {names[labels[at]]} ({_percent(p[labels[at]])})",
            f"suggested {names[p.argmax()]} ({_percent(p.max())})",
            str(pack.index["file"][row]),
        ]
        parts.append(_row(pack, [row], lines, f"label-issue-{number + 1}"))
    return Section(title, how, parts)


def _percent(share: float) -> str:
    return "<0.1%" if share < 0.001 else f"{share:.1%}" if share < 0.1 else f"{share:.0%}"
