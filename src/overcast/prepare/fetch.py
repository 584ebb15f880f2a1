"""Raw files: from the public source or a mirror, unpacked within bounds and checked one by one.

pooch downloads. Its unpackers, and those of shutil, know no bounds, so archives are opened member by member here.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import urlsplit

from overcast.atomic import whole_folder
from overcast.data import DataSet
from overcast.errors import UserError

FETCHED = "fetched.json"
VERIFIED = "verification.json"
CHUNK = 1 << 20  # bytes
Member = tuple[str, Callable[[], IO[bytes]]]  # a file in an archive: its name, and how to open it


def download(name: str, dataset: DataSet, root: Path, mirror: Path | None) -> Path:
    """Fills ``root/<name>/raw`` anew and returns it; one that fails leaves what was there before.

    Raises: UserError if the files cannot be had, are not what they should be, or do not fit on the disk.
    """
    raw = root / name / "raw"
    with whole_folder(raw) as part:
        dataset.fetch(part, mirror)
        (part / FETCHED).write_text(json.dumps({"name": name, "options": raw_options(dataset)}, indent=1) + "\n")
    return raw


def raw_options(dataset: DataSet) -> dict[str, object]:
    """The options that the raw files depend on, by name."""
    return {option: getattr(dataset, option) for option in dataset.raw_options}


def archive(
    url: str,
    mirror: Path | None,
    mirror_name: str,
    into: Path,
    known_hash: str | None = None,
    retries: int = 3,
) -> Path:
    """The file ``into/mirror_name``, copied from the folder ``mirror`` if given, else from ``url``.

    known_hash: "sha256:…" of the file at ``url``; None where that is not stable (GitHub makes archives anew):
    then `verify` is to check the files within.

    Raises: UserError if there is no such file in the mirror, no network, or no such address.
    """
    target = into / mirror_name
    if mirror is None:
        return _from_network(url, target, known_hash, retries)
    if not mirror.is_dir():
        raise UserError(f"There is no mirror folder {mirror}: correct `mirror=` (or OVERCAST_MIRROR), or leave it out.")
    if not (mirror / mirror_name).is_file():
        raise UserError(
            f"The mirror {mirror} has no file {mirror_name}: put it there (its public source is {url}), "
            "or leave `mirror=` (and OVERCAST_MIRROR) out to download it."
        )
    shutil.copyfile(mirror / mirror_name, target)
    return target


def _from_network(url: str, target: Path, known_hash: str | None, retries: int) -> Path:
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    source = pooch.create(
        path=target.parent,
        base_url="",
        registry={target.name: known_hash},
        urls={target.name: url},
        retry_if_failed=retries,
    )
    way = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=30)
    other = "use a folder that holds the file: `mirror=<folder>` or the environment variable OVERCAST_MIRROR."
    try:
        source.fetch(target.name, downloader=way)
    except requests.HTTPError as error:
        raise UserError(f"{url} cannot be had ({error}): try again later, or {other}") from None
    except requests.RequestException:
        host = urlsplit(url).netloc
        raise UserError(f"Could not reach {host}: is there no network? Try again, or {other}") from None
    except ValueError:
        raise UserError(f"What came from {url} is not the file that it should be: try again, or {other}") from None
    return target


def unpack(
    path: Path,
    into: Path,
    keep: Callable[[str], str | None],
    max_files: int = 100_000,
    max_bytes: int = 4 << 30,
) -> int:
    """Unpacks a zip, or a tar that gzip has compressed (by its name), and returns how many files it kept.

    keep: from a member's name to its path below ``into``, or None to leave it out.

    Raises: UserError if the archive is damaged, holds none of the files, would write outside ``into`` or beyond
    the bounds. Bytes are counted as they come out: what an archive says of its own sizes is not to be trusted.
    """
    left, kept = max_bytes, 0
    damage = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, RuntimeError)
    try:
        for name, opened in _tar(path) if path.name.endswith((".tar.gz", ".tgz")) else _zip(path):
            target = keep(name)
            if target is None:
                continue
            kept += 1
            if kept > max_files:
                raise UserError(f"{path.name} holds more than {max_files:,} files: it is not the expected archive.")
            with opened() as stream:
                left = _extract(stream, _inside(into, target, path), left, path)
    except damage as error:
        raise UserError(f"{path.name} is damaged ({error}): get it again and run again.") from None
    if not kept:
        raise UserError(
            f"{path.name} holds none of the expected files: it is another archive, or its layout has changed."
        )
    return kept


def gunzip(path: Path, into: Path, max_bytes: int = 4 << 30) -> Path:
    """Unpacks a .gz of one file to ``into/<its name without .gz>``, and returns that.

    Raises: UserError if it is damaged or cut short, or unpacks to more than ``max_bytes``.
    """
    target, left = into / path.name.removesuffix(".gz"), max_bytes
    into.mkdir(parents=True, exist_ok=True)
    try:
        if path.stat().st_size == 0:  # which gzip takes for a whole one
            raise EOFError("an empty file")
        with gzip.open(path) as stream, target.open("wb") as out:
            while chunk := stream.read(CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise UserError(f"{path.name} unpacks to more than it may: it is not the expected file.")
                out.write(chunk)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise UserError(f"{path.name} is damaged ({error}): get it again and run again.") from None
    return target


def _zip(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as source:
        for member in source.infolist():
            if not member.is_dir():
                yield member.filename, partial(source.open, member)


def _tar(path: Path) -> Iterator[Member]:
    """Plain files alone: only their bytes are read, and tarfile itself writes nothing."""
    with gzip.open(path) as stream, tarfile.open(fileobj=stream, mode="r:") as source:
        for member in source:
            if not member.isfile() and not member.isdir():
                raise UserError(f"{path.name} holds a link or device ({member.name}): do not use this archive.")
            if member.isfile():
                yield member.name, partial(_opened, source, member)
        while stream.read(CHUNK):  # to the very end, where gzip keeps its check sum
            pass


def _opened(source: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    stream = source.extractfile(member)
    assert stream is not None  # it is a plain file
    return stream


def _inside(into: Path, target: str, archive_path: Path) -> Path:
    parts = PurePosixPath(target.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in target:
        raise UserError(f"{archive_path.name} would write outside its folder ({target}): do not use this archive.")
    return into / parts


def _extract(stream: IO[bytes], target: Path, left: int, archive_path: Path) -> int:
    """Copies one member and returns how many bytes may still come."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as out:
        while chunk := stream.read(CHUNK):
            left -= len(chunk)
            if left < 0:
                raise UserError(f"{archive_path.name} unpacks to more than it may: it is not the expected archive.")
            out.write(chunk)
    return left


def read_manifest(manifest: Path) -> dict[str, str]:
    """Relative path → SHA-256, from a file in the format of sha256sum."""
    lines = (line.split(maxsplit=1) for line in manifest.read_text(encoding="utf8").splitlines())
    return {name.removeprefix("*"): digest for digest, name in lines}


def verify(raw: Path, manifest: Path) -> dict[str, list[str]]:
    """Checks each file below ``raw``; returns the "unlisted" and "missing" ones, kept for pack's audit too.

    Raises: UserError naming the files whose content is not what the manifest says.
    """
    known = read_manifest(manifest)
    found = sorted(path.relative_to(raw).as_posix() for path in raw.rglob("*") if path.is_file())
    wrong = [name for name in found if name in known and _sha256(raw / name) != known[name]]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise UserError(
            f"{len(wrong)} file(s) are not what they should be: {', '.join(wrong[:3])}{more}. "
            "The archive is damaged or was changed: get it again from its public source and run again."
        )
    result = {"unlisted": [f for f in found if f not in known], "missing": sorted(known.keys() - set(found))}
    (raw / VERIFIED).write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")
    return result


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
