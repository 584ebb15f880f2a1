"""What was odd about the samples: duplicates, labels that contradict each other, unchecked files."""

from __future__ import annotations

import io
import json
import re
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from overcast.core.atomic import whole_file
from overcast.core.console import in_language
from overcast.core.csv_rows import write_rows
from overcast.core.errors import DamagedError
from overcast.data import DataSet, Sample
from overcast.fetch.left_out import Line, read_left_out
from overcast.fetch.manifest import VERIFIED
from overcast.prepare import duplicates

MOST_REASONS = 3
"""Told in a message; audit.csv has all."""

COLUMNS = ("file", "problem", "detail")

PAIRS = ("file_a", "file_b", "class_a", "class_b", "distance", "same_class")


def find_duplicates(
    dataset: DataSet, values: np.ndarray, hashes: list[str], scratch: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows (P, 2), and the bits (P,) their hashes differ by, or -1 where the content is the same.

    scratch: a folder with room for what is no longer there in the end.
    """
    pairs = duplicates.exact(hashes)
    distance = np.full(len(pairs), -1, np.int64)
    if dataset.kind != "image" or not dataset.near_duplicates:
        return pairs, distance
    once = np.setdiff1d(np.arange(len(hashes)), pairs[:, 1])
    near_pairs, bits = duplicates.near(values, once, scratch)
    return np.concatenate([pairs, once[near_pairs]]), np.concatenate([distance, bits])


def pair_lines(samples: list[Sample], pairs: np.ndarray, distance: np.ndarray) -> list[tuple[object, ...]]:
    """The lines of pairs.csv, under `PAIRS`."""
    couples = [(samples[i], samples[j], max(bits, 0)) for (i, j), bits in zip(pairs, distance.tolist(), strict=True)]
    return [(a.file, b.file, a.label, b.label, bits, a.label == b.label) for a, b, bits in couples]


def duplicate_problems(samples: list[Sample], pairs: np.ndarray, distance: np.ndarray) -> list[Line]:
    """The later one of each pair; twice if the two have different labels."""
    audit = []
    for (i, j), bits in zip(pairs, distance.tolist(), strict=True):
        a, b = samples[i], samples[j]
        audit.append((b.file, "duplicate" if bits < 0 else "near-duplicate", f"of {a.file}"))
        if a.label != b.label:
            audit.append((b.file, "across classes", f"{b.label}, but {a.file} is {a.label}"))
    return audit


def fetch_problems(raw: Path) -> list[Line]:
    """What was noted when the raw files were fetched: what was not taken, and what the data set's manifest says."""
    why = {
        "unlisted": "not in the manifest: its content is unchecked",
        "missing": "in the manifest, but not in the archive",
    }
    try:
        left_out = read_left_out(raw)
        files = json.loads((raw / VERIFIED).read_text(encoding="utf8")) if (raw / VERIFIED).exists() else {}
        return left_out + [(file, problem, why[problem]) for problem in why for file in files.get(problem, ())]
    except (OSError, ValueError, TypeError, AttributeError):
        raise damaged_raw(raw) from None


def damaged_raw(raw: Path) -> DamagedError:
    """That what download wrote about the raw files is not as it was."""
    command = f"`python pipelines/download.py data={raw.parent.name}`"
    return DamagedError(f"The raw files in {raw} are damaged: run {command} again (or `dvc repro`).")


def alike_classes(samples: list[Sample]) -> list[Line]:
    """A line for each class whose name differs from an earlier one's by capitals, blanks or wide signs alone."""
    files, first, lines = dict[str, str](), dict[str, str](), []
    for sample in samples:
        files.setdefault(sample.label, sample.file)
    for label, file in files.items():
        key = "".join(unicodedata.normalize("NFKC", label).casefold().split())
        if first.setdefault(key, label) != label:
            lines.append((file, "classes alike", f"{label} and {first[key]}: if that is one class, give it one name"))
    return lines


def write(path: Path, lines: Iterable[Line]) -> None:
    """The table as a csv file, whole or not at all."""
    text = io.StringIO()
    write_rows(text, [COLUMNS, *lines])
    whole_file(path, text.getvalue())


def reasons(lines: list[Line]) -> str:
    """How often each detail is among ``lines``, the most frequent first, and a file; numbers in it count as alike."""
    files: dict[str, list[Line]] = {}
    for line in lines:
        files.setdefault(re.sub(r"[-\d][\d.,e+-]*", "0", line[2]), []).append(line)
    often = sorted(files.values(), key=lambda alike: -len(alike))
    told = [f"{len(alike):,} × {alike[0][2]}, such as {alike[0][0]}" for alike in often[:MOST_REASONS]]
    return "; ".join(told) + (f"; and {len(often) - MOST_REASONS} other reasons" if often[MOST_REASONS:] else "")


def print_summary(folder: Path, counts: dict[str, Any]) -> None:
    """One line on the screen: how many, what was odd, and where that is written down."""
    counted = ", ".join(f"{number:,} {problem}" for problem, number in sorted(counts["problems"].items()))
    problems = f" In {folder / 'audit.csv'}: {counted}." if counted else ""
    told = f"Packed {counts['rows']:,} of {counts['samples']:,} samples into {folder}.{problems}"
    print(in_language(told), file=sys.stderr)
