"""Raw files: from the public source or a mirror, unpacked within bounds and checked one by one.

pooch downloads. Its unpackers, and those of shutil, know no bounds, so archives are opened member by member here.
"""

from __future__ import annotations

import gzip
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from overcast.core.errors import UserError
from overcast.fetch.source import get_archive

CHUNK = 1 << 20  # bytes
Member = tuple[str, Callable[[], IO[bytes]]]  # a file in an archive: its name, and how to open it


def fetch_archive(url: str, mirror: Path | None, mirror_name: str, into: Path, members: re.Pattern[str]) -> None:
    """Unpacks an archive, got as `get_archive` does, into the folder ``into``: what `member_target` keeps of it.

    Raises: UserError as `get_archive` and `unpack` do.
    """
    archive = get_archive(url, mirror, mirror_name, into)
    unpack(archive, into, partial(member_target, members))
    archive.unlink()


def member_target(members: re.Pattern[str], name: str) -> str | None:
    """Where a member of an archive goes: the first group of ``members``, if that matches all of its name."""
    match = members.fullmatch(name)
    return match and match[1]


def unpack(
    path: Path,
    into: Path,
    keep: Callable[[str], str | None],
    max_files: int = 100_000,
    max_bytes: int = 4 << 30,
) -> int:
    """Unpacks a zip, or a tar that gzip has compressed (by its name), and returns how many files it kept.

    keep: from a member's name to its path below ``into``, or None to leave it out.

    Raises: UserError if the archive is damaged, holds none of the files, or any link, device or name that leads out
    of it, kept or not; if two files would be one; or beyond the bounds. Bytes are counted as they come out: what an
    archive says of its own sizes is not to be trusted. What was unpacked until then is for the caller to remove.
    """
    left, kept = max_bytes, set[Path]()
    damage = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, RuntimeError)
    try:
        for name, opened in _tar(path) if path.name.endswith((".tar.gz", ".tgz")) else _zip(path):
            _refuse_outside(path, name)
            target = keep(name)
            if target is None:
                continue
            place = into / _refuse_outside(path, target)
            if place in kept:
                raise UserError(f"{path.name} holds two files {target}: it is not the expected archive.")
            kept.add(place)
            if len(kept) > max_files:
                raise UserError(f"{path.name} holds more than {max_files:,} files: it is not the expected archive.")
            with opened() as stream:
                left = _extract(stream, place, left, path)
    except damage as error:
        raise UserError(f"{path.name} is damaged ({error}): get it again and run again.") from None
    if not kept:
        raise UserError(
            f"{path.name} holds none of the expected files: it is another archive, or its layout has changed."
        )
    return len(kept)


def gunzip(path: Path, into: Path, max_bytes: int = 4 << 30) -> Path:
    """Unpacks a .gz of one file to ``into/<its name without .gz>``, and returns that.

    Raises: UserError if it is damaged or cut short, or unpacks to more than ``max_bytes``.
    """
    target = into / path.name.removesuffix(".gz")
    try:
        if path.stat().st_size == 0:  # which gzip takes for a whole one
            raise EOFError("an empty file")
        with gzip.open(path) as stream:
            _extract(stream, target, max_bytes, path)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise UserError(f"{path.name} is damaged ({error}): get it again and run again.") from None
    return target


def _zip(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as source:
        for member in source.infolist():
            if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):  # 0: by no Unix
                raise _link_or_device(path, member.filename)
            if not member.is_dir():
                yield member.filename, partial(source.open, member)


def _tar(path: Path) -> Iterator[Member]:
    """Plain files alone: only their bytes are read, and tarfile itself writes nothing."""
    with gzip.open(path) as stream, tarfile.open(fileobj=stream, mode="r:") as source:
        for member in source:
            if not member.isfile() and not member.isdir():
                raise _link_or_device(path, member.name)
            if member.isfile():
                yield member.name, partial(_opened, source, member)
        while stream.read(CHUNK):  # to the very end, where gzip keeps its check sum
            pass


def _opened(source: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    stream = source.extractfile(member)
    assert stream is not None  # it is a plain file
    return stream


def _link_or_device(path: Path, name: str) -> UserError:
    return UserError(f"{path.name} holds a link or device ({name}): do not use this archive.")


def _refuse_outside(path: Path, name: str) -> PurePosixPath:
    """The name of a member, or of where it goes. Raises: UserError if it leads out of the folder it is relative to."""
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or re.match("[A-Za-z]:", name):
        raise UserError(f"{path.name} would write outside its folder ({name}): do not use this archive.")
    return parts


def _extract(stream: IO[bytes] | gzip.GzipFile, target: Path, left: int, archive_path: Path) -> int:
    """Writes what comes out to ``target``, ``left`` bytes at most, and returns how many may still come."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as out:
        while chunk := stream.read(CHUNK):
            left -= len(chunk)
            if left < 0:
                raise UserError(f"{archive_path.name} unpacks to more than it may: it is not the expected file.")
            out.write(chunk)
    return left
