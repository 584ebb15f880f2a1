"""The audit of a data set as a page a person can look at: classes, sizes, duplicates, odd files, label issues."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from overcast.audit.doubtful_labels import doubtful_labels
from overcast.audit.findings import findings
from overcast.audit.sizes import sizes
from overcast.audit.views import Views, contact
from overcast.core.paths import project_path
from overcast.core.spacing import evenly_spaced
from overcast.core.words import translate, use_language
from overcast.data import DataSet
from overcast.evaluation.classes import MOST_CLASSES
from overcast.html import writer
from overcast.html.figures import canvas, picture_text, short
from overcast.html.page import Image, Page, Paragraph, Part, Section, Table
from overcast.html.style import BLUE
from overcast.html.thumbnails import SIDE, SPACE
from overcast.prepare.pack import Pack, open_pack, read_table

CONTACT, COLUMNS, SENTENCES, SOUNDS = 45, 15, 10, 4
ABOUT_EVEN = 1.05  # times as many samples in the largest class as in the smallest


def audit(
    name: str,
    options: Mapping[str, Any],
    root: Path,
    out: str = "",
    dataset: DataSet | None = None,
    language: str = "en",
) -> Path:
    """Write ``out``, or else ``reports/audit/<name>/``, from the pack of data set ``name``; the page's path.

    dataset: to show texts in their own words, not in those that the pack has. language: of the page, "en" or "ko".

    Raises: UserError if there is no pack or language, or ``out`` holds other files.
    """
    with use_language(language):
        folder = Path(out) if out else project_path(f"reports/audit/{name}")
        writer.check_report_folder(folder)
        pack = open_pack(root, name, options)
        problems, pairs = (read_table(root, name, table) for table in ("audit.csv", "pairs.csv"))
        views = Views(pack, root / name / "raw", dataset)
        sections = [
            classes(pack),
            sizes(pack, views.raw),
            *look_at_classes(views),
            *findings(views, problems, pairs, _unasked(pack, dataset)),
            doubtful_labels(views),
        ]
        title = translate("Audit of {name}", name=name)
        return writer.write(folder, Page(title, _lead(pack, root / name / "pack"), sections, _facts(pack)))


def _unasked(pack: Pack, dataset: DataSet | None) -> tuple[str, ...]:
    """What was not looked for: near-duplicates are in pictures, and not of every data set."""
    looked = pack.spec.kind == "image" and (dataset is None or dataset.near_duplicates)
    return () if looked else ("near-duplicate",)


def _lead(pack: Pack, place: Path) -> str:
    values = {"number": len(pack.labels), "classes": len(pack.spec.classes), "place": place}
    if pack.info["synthetic"]:
        return translate("{number:,} synthetic samples in {classes} classes, as packed in {place}", **values)
    return translate("{number:,} samples in {classes} classes, as packed in {place}", **values)


def _facts(pack: Pack) -> dict[str, object]:
    info = pack.info
    return {
        translate("samples found"): f"{info['counts']['samples']:,}",
        translate("packed"): f"{info['counts']['rows']:,}",
        translate("options"): ", ".join(f"{key} {value}" for key, value in info["options"].items()),
        translate("fingerprint"): info["fingerprint"],
    }


def classes(pack: Pack) -> Section:
    """How many of each, and how uneven that is."""
    count = np.bincount(pack.labels, minlength=len(pack.spec.classes))
    shown = np.arange(len(count))
    sentences = _class_sentences(pack, count)
    if len(count) > MOST_CLASSES:  # the ends of the list, which tell how uneven it is
        half = MOST_CLASSES // 2
        shown = np.argsort(-count, kind="stable")[[*range(half), *range(-half, 0)]]
        sentences.append(translate("Below are the {half} largest and the {half} smallest.", half=half))
    figure, ((axes,),) = canvas(7, max(1.6, 0.8 + 0.26 * len(shown)))
    bars = axes.barh(range(len(shown)), count[shown], color=BLUE)
    axes.bar_label(bars, [f" {n:,} · {n / count.sum():.0%}" for n in count[shown]], size=8)
    axes.set_yticks(range(len(shown)), [short(pack.spec.classes[number]) for number in shown])
    axes.set(xlim=(0, 1.15 * count.max()), xlabel=picture_text("samples"), ylim=(len(shown) - 0.4, -0.6))
    return Section(translate("Classes"), " ".join(sentences), [Image.from_figure("classes.png", figure)])


def _class_sentences(pack: Pack, count: np.ndarray) -> list[str]:
    ratio = float(count.max() / count.min())
    if not np.ptp(count):
        sentences = [translate("Every class has the same number of samples.")]
    elif ratio < ABOUT_EVEN:
        sentences = [translate("Every class has about the same number of samples.")]
    else:
        sentences = [
            translate(
                "The largest class has {ratio:.1f} times as many samples as the smallest; always saying {label} would "
                "be right in {share:.0%}.",
                ratio=ratio, label=pack.spec.classes[count.argmax()], share=count.max() / count.sum(),
            )
        ]  # fmt: skip
    if groups := len(set(pack.index["group"]) - {""}):
        sentences.append(
            translate("The samples come from {number:,} sources, which a split keeps whole.", number=groups)
        )
    if official := int((pack.index["part"] == "test").sum()):
        sentences.append(translate("{number:,} samples are an official test part.", number=official))
    return sentences


def look_at_classes(views: Views) -> list[Section]:
    """A contact sheet a class, with some sounds to play; or a few of its texts."""
    pack, kind = views.pack, views.pack.spec.kind
    most = SENTENCES if kind == "tokens" else CONTACT
    how = translate("Up to {most} of each class, evenly spaced over its files.", most=most)
    shown = evenly_spaced([*enumerate(pack.spec.classes)], MOST_CLASSES)
    if len(shown) < len(pack.spec.classes):
        how += " " + translate(
            "{shown} of the {number} classes, evenly spaced.", shown=len(shown), number=len(pack.spec.classes)
        )
    parts: list[Part] = []
    for number, label in shown:
        rows = np.flatnonzero(pack.labels == number).tolist()
        if kind == "tokens":
            parts.append(Table([label], [[views.text(row)] for row in evenly_spaced(rows, most)]))
            continue
        parts += _contact_sheet(pack, label, evenly_spaced(rows, most), f"class-{number}.png")
        if kind == "spectrogram":
            parts += _sounds(views, evenly_spaced(rows, SOUNDS), f"sound-{number}")
    return [Section(translate("A look at each class"), how, parts)]


def _contact_sheet(pack: Pack, label: str, rows: list[int], file: str) -> list[Part]:
    columns = min(COLUMNS, len(rows))
    return [Paragraph(label), Image.from_array(file, contact(pack, rows, columns), columns * (SIDE + SPACE))]


def _sounds(views: Views, rows: list[int], file: str) -> list[Part]:
    """A few spectrograms of a class, each with what was recorded; nothing where no recording is here."""
    shown = [views.row([row], [str(views.pack.index["file"][row])], f"{file}-{n}") for n, row in enumerate(rows, 1)]
    return [one for one in shown if one.sounds]
