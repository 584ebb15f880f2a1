"""What was odd about the samples: duplicates, labels that contradict each other, unchecked files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from overcast.data import DataSet, Sample
from overcast.fetch.manifest import VERIFIED
from overcast.prepare import duplicates

PAIRS = ("file_a", "file_b", "class_a", "class_b", "distance", "same_class")
Line = tuple[str, str, str]  # file, problem, detail


def find_duplicates(dataset: DataSet, values: np.ndarray, hashes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows (P, 2), and the bits (P,) their hashes differ by, or -1 where the content is the same."""
    pairs = duplicates.exact(hashes)
    distance = np.full(len(pairs), -1, np.int64)
    if dataset.kind != "image" or not dataset.near_duplicates:
        return pairs, distance
    once = np.setdiff1d(np.arange(len(hashes)), pairs[:, 1])
    near_pairs, bits = duplicates.near(values[once])
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


def manifest_problems(raw: Path) -> list[Line]:
    """What `fetch.verify` noted, if the data set has a manifest."""
    if not (raw / VERIFIED).exists():
        return []
    files_by_problem = json.loads((raw / VERIFIED).read_text(encoding="utf8"))
    why = {
        "unlisted": "not in the manifest: its content is unchecked",
        "missing": "in the manifest, but not in the archive",
    }
    return [(file, problem, why[problem]) for problem in why for file in files_by_problem[problem]]


def print_summary(folder: Path, counts: dict[str, Any]) -> None:
    """One line on the screen: how many, what was odd, and where that is written down."""
    counted = ", ".join(f"{number:,} {problem}" for problem, number in sorted(counts["problems"].items()))
    problems = f" In {folder / 'audit.csv'}: {counted}." if counted else ""
    print(f"Packed {counts['rows']:,} of {counts['samples']:,} samples into {folder}.{problems}", file=sys.stderr)
