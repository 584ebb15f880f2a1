"""From raw files to a pack: one array file, an index, and an audit of everything that was odd on the way.

A pack is a folder ``<root>/<name>/pack``:

values.npy   images (N, C, H, W) uint8, or ragged samples end to end: (sum T, F) float32 or token ids (sum T,) int32
offsets.npy  where each ragged sample starts: (N + 1,) int64
index.csv    one line a row; duplicate is the number of a group of duplicates, hash that of the array
audit.csv    file, problem, detail
pairs.csv    the duplicates
spec.json    see `overcast.core.spec`
pack.json    the format, options, counts, the fingerprint, how to cut by time where that is how to cut, and hashes: of
             every other file, and of what pack.json says itself

Whatever is read of a pack is what was packed, to the byte, or one message says to pack again.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from overcast.core.atomic import whole_folder
from overcast.core.csv_rows import read_csv, write_rows
from overcast.core.errors import DamagedError, UserError
from overcast.core.formats import check_format
from overcast.core.hashes import file_hash, file_hashes, is_unchanged, with_checksum
from overcast.core.spec import Spec, sequence_mask
from overcast.data import DataSet, Sample
from overcast.fetch.left_out import Line
from overcast.prepare import audit_table, duplicates
from overcast.prepare.decode import Problem, decode
from overcast.prepare.download import FETCHED, raw_options
from overcast.prepare.pack_arrays import PackWriter

COLUMNS = ("row", "file", "label", "group", "part", "duplicate", "hash")
READ = ("file", "label", "group", "part", "duplicate")
"""Of index.csv, what an opened pack holds."""

CHUNK = 1 << 20  # bytes

REFUSED = "audit.csv"
"""In the data set's folder, where there is no pack: what was left out of the one that was refused, and why."""

FORMAT = 1
"""Of a pack: raised when what is written could no longer be read by the version before."""


@dataclass(frozen=True)
class Pack:
    """A pack on disk, mapped into memory: rows are read when they are gathered.

    index: column name → (N,) strings, of `READ`. labels: (N,) int64, indices into ``spec.classes``. info: pack.json.
    """

    spec: Spec
    index: dict[str, np.ndarray]
    labels: np.ndarray
    values: np.ndarray
    offsets: np.ndarray | None
    info: dict[str, Any]

    def gather(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A batch and the true length (B,) int64 of each of its samples.

        Images (B, C, H, W) uint8, their length being H; ragged samples (B, T, F) float32 or (B, T) int32,
        padded with zeros to the longest in this batch.
        """
        rows = np.asarray(rows, np.int64)
        if self.offsets is None:
            return np.asarray(self.values[rows]), np.full(len(rows), self.spec.shape[1], np.int64)
        length = self.offsets[rows + 1] - self.offsets[rows]  # (B,)
        mask = sequence_mask(length, length.max(initial=0))  # (B, T)
        batch = np.zeros((*mask.shape, *self.values.shape[1:]), self.values.dtype)
        batch[mask] = self.values[(self.offsets[rows][:, None] + np.arange(mask.shape[1]))[mask]]
        return batch, length


def pack(name: str, dataset: DataSet, options: Mapping[str, Any], root: Path) -> None:
    """Decodes every sample once and writes ``root/<name>/pack``; what cannot be read is listed, and left out.

    options: the data set's own, kept so that `open_pack` can tell when the config asks for others.

    Raises: UserError if there are no raw files, they were fetched with other options, or a class is left with
    fewer than two samples.
    """
    raw = _checked_raw(name, dataset, root)
    try:
        samples = dataset.samples(raw)
    except UserError as error:
        again = f"with the same options python pipelines/download.py data={name}, then this again"
        raise UserError(f"{error} What was read is the copy in {raw}: after a change, run {again}.") from None
    with whole_folder(root / name / "pack") as part, PackWriter(part, dataset, len(samples)) as writer:
        packed_samples, hashes, audit, noted = _decode(dataset, raw, samples, writer)
        classes = _checked_classes(root / name, samples, packed_samples, audit + audit_table.fetch_problems(raw))
        spec, values = writer.finish(classes)
        pairs, distance = audit_table.find_duplicates(dataset, values, hashes, part)
        groups = duplicates.components(len(packed_samples), pairs)
        rows = zip(range(len(packed_samples)), packed_samples, groups, hashes, strict=True)
        _write_csv(part / "index.csv", COLUMNS, ((i, s.file, s.label, s.group, s.part, g, h) for i, s, g, h in rows))
        _write_csv(part / "pairs.csv", audit_table.PAIRS, audit_table.pair_lines(packed_samples, pairs, distance))
        audit += (
            noted + audit_table.duplicate_problems(packed_samples, pairs, distance) + audit_table.fetch_problems(raw)
        )
        audit += audit_table.alike_classes(packed_samples)
        audit_table.write(part / "audit.csv", audit)
        spec.save(part / "spec.json")
        counts = {
            "samples": len(samples),
            "rows": len(packed_samples),
            "problems": Counter(problem for _, problem, _ in audit),
        }
        counts |= {"classes": Counter(s.label for s in packed_samples), "largest_group": int(np.bincount(groups).max())}
        info = {"format": FORMAT, "name": name, "options": dict(options)}
        info |= {"synthetic": dataset.synthetic, "counts": counts}
        if dataset.by_time:
            info["time"] = {"gap": dataset.gap, "known": dataset.known}
        info["fingerprint"] = _fingerprint(part, options)
        write_info(part, info)
    (root / name / REFUSED).unlink(missing_ok=True)
    audit_table.print_summary(root / name / "pack", counts)


def _decode(
    dataset: DataSet, raw: Path, samples: list[Sample], writer: PackWriter
) -> tuple[list[Sample], list[str], list[Line], list[Line]]:
    """Writes what can be read; those samples, the hashes of their content, why others cannot, what was odd of all."""
    packed_samples, hashes = list[Sample](), list[str]()
    left_out, noted = list[Line](), list[Line]()
    with closing(decode(dataset, raw, samples)) as decoded:
        for sample, (array, content_hash, notes) in zip(samples, decoded, strict=True):
            noted += [(sample.file, note.problem, note.detail) for note in notes]
            if isinstance(array, Problem):
                left_out.append((sample.file, array.problem, array.detail))
                continue
            writer.add(array)
            packed_samples.append(sample)
            hashes.append(content_hash)
    return packed_samples, hashes, left_out, noted


def write_info(folder: Path, info: Mapping[str, Any]) -> None:
    """Write pack.json, with the hashes of all other files in the pack's folder."""
    files = {path.name: file_hash(path) for path in sorted(folder.iterdir()) if path.name != "pack.json"}
    text = json.dumps(with_checksum({**info, "files": files}), indent=1, sort_keys=True)
    (folder / "pack.json").write_text(text + "\n", encoding="utf8")


def open_pack(root: Path, name: str, options: Mapping[str, Any] | None = None) -> Pack:
    """The pack of data set ``name``.

    Raises: UserError if there is none, it is damaged, of another version, or made with options other than those given.
    """
    folder, again = root / name / "pack", _again(name)
    info = read_info(root, name)
    if options is not None and (differ := _differences(info["options"], options)):
        raise UserError(f"The pack in {folder} was made with {differ}: run {again} again with the same options.")
    try:
        _check_files(folder, info, "spec.json", "values.npy", "offsets.npy")
        index = read_table(root, name, "index.csv", READ)
        spec = Spec.load(folder / "spec.json")
        values = np.load(folder / "values.npy", mmap_mode="r")
        offsets = None if spec.kind == "image" else np.load(folder / "offsets.npy")
        number = {label: i for i, label in enumerate(spec.classes)}
        labels = np.fromiter((number[label] for label in index["label"]), np.int64, len(index["label"]))
        if len(labels) != (len(values) if offsets is None else len(offsets) - 1):
            raise ValueError("lengths differ")
    except (OSError, ValueError, LookupError, TypeError, EOFError):
        raise damaged_pack(root, name) from None
    return Pack(spec, index, labels, values, offsets, info)


def read_info(root: Path, name: str) -> dict[str, Any]:
    """What pack.json says. Raises: UserError if there is no pack, or the file is damaged or of another version."""
    path = root / name / "pack" / "pack.json"
    command = f"{_again(name)}, after download.py, both with the same options"
    try:
        info: dict[str, Any] = json.loads(path.read_text(encoding="utf8"))
        check_format(f"The pack in {path.parent}", info, FORMAT, f"pack again with {command}")
        info["options"], info["fingerprint"], info["counts"]
        if not is_unchanged(info):
            raise ValueError("changed")
    except FileNotFoundError:
        raise UserError(f"There is no pack in {path.parent}: run {command} first.") from None
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        raise damaged_pack(root, name) from None
    return info


def read_table(root: Path, name: str, table: str, columns: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """``index.csv``, ``audit.csv`` or ``pairs.csv`` of a pack, or some columns of it, as `read_csv` gives it.

    Raises: UserError if there is no pack, or it is damaged.
    """
    info, folder = read_info(root, name), root / name / "pack"
    try:
        _check_files(folder, info, table)
        return read_csv(folder / table, columns)
    except (OSError, ValueError, LookupError, csv.Error):
        raise damaged_pack(root, name) from None


def _check_files(folder: Path, info: Mapping[str, Any], *names: str) -> None:
    """Raises: ValueError or OSError if one of these files is not as it was packed, by a version that wrote hashes."""
    written = info.get("files", {})
    if any(file_hash(folder / name) != written[name] for name in names if name in written):
        raise ValueError("changed")


def _again(name: str) -> str:
    return f"`python pipelines/pack.py data={name}` (or `dvc repro`)"


def damaged_pack(root: Path, name: str) -> DamagedError:
    """That something in the pack of data set ``name`` is not as it was packed."""
    return DamagedError(f"The pack in {root / name / 'pack'} is damaged: run {_again(name)} again.")


def _write_csv(path: Path, header: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf8", errors="surrogateescape", newline="") as file:
        write_rows(file, chain([header], lines))


def _checked_raw(name: str, dataset: DataSet, root: Path) -> Path:
    raw, command = root / name / "raw", f"`python pipelines/download.py data={name}`"
    try:
        fetched = json.loads((raw / FETCHED).read_text(encoding="utf8"))
        differ = _differences(fetched["options"], raw_options(dataset))
        written = fetched.get("files", {})
        if not is_unchanged(fetched) or file_hashes(raw, written) != written:
            raise ValueError("changed")
    except FileNotFoundError:
        raise UserError(f"There are no raw files in {raw}: run {command} first (or `dvc repro`).") from None
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        raise audit_table.damaged_raw(raw) from None
    if differ:
        raise UserError(f"The raw files in {raw} were made with {differ}: run {command} again with the same options.")
    return raw


def _differences(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """As in "size=64, but the config asks for size=32"; empty if there are none."""
    wanted = json.loads(json.dumps(dict(wanted)))
    names = [n for n in sorted(stored.keys() | wanted.keys()) if stored.get(n) != wanted.get(n)]
    if not names:
        return ""
    old, new = (", ".join(f"{n}={options.get(n, '(none)')}" for n in names) for options in (stored, wanted))
    return f"{old}, but the config asks for {new}"


def _checked_classes(
    folder: Path, samples: list[Sample], packed_samples: list[Sample], audit: list[Line]
) -> tuple[str, ...]:
    """The names of the classes. Raises: UserError if that is no data to learn from; `REFUSED` then says why."""
    classes, count = tuple(sorted({s.label for s in samples})), Counter(s.label for s in packed_samples)
    few = [f"{label} ({count[label]})" for label in classes if count[label] < 2]
    if len(classes) > 1 and not few:
        return classes
    what = f"too few readable samples in class {', '.join(few)}" if few else f"{len(classes)} class(es)"
    told = f"The data set {folder.name} has {what}; at least two classes of two samples are needed: add some."
    if audit:
        audit_table.write(folder / REFUSED, audit)
        told += f" Left out: {audit_table.reasons(audit)}. Each with its reason: {folder / REFUSED}"
    raise UserError(told)


def _fingerprint(part: Path, options: Mapping[str, Any]) -> str:
    """SHA-256 over everything that training could see, and the options it came from."""
    digest = hashlib.sha256(json.dumps(dict(options), sort_keys=True).encode())
    for name in ("values.npy", "offsets.npy", "index.csv", "spec.json"):
        if (part / name).exists():
            with (part / name).open("rb") as file:
                while chunk := file.read(CHUNK):
                    digest.update(chunk)
    return digest.hexdigest()
