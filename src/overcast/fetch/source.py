"""An archive from its public address, or from a mirror."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

from overcast.core.errors import UserError


def get_archive(
    url: str,
    mirror: Path | None,
    mirror_name: str,
    into: Path,
    retries: int = 3,
) -> Path:
    """The file ``into/mirror_name``, copied from the folder ``mirror`` if given, else from ``url``.

    Its own hash is not checked, which is not stable (GitHub makes archives anew): `verify` checks the files within.

    Raises: UserError if there is no such file in the mirror, no network, or no such address.
    """
    target = into / mirror_name
    if mirror is None:
        return _from_network(url, target, retries)
    if not mirror.is_dir():
        raise UserError(f"There is no mirror folder {mirror}: correct `mirror=` (or OVERCAST_MIRROR), or leave it out.")
    if not (mirror / mirror_name).is_file():
        raise UserError(
            f"The mirror {mirror} has no file {mirror_name}: put it there (its public source is {url}), "
            "or leave `mirror=` (and OVERCAST_MIRROR) out to download it."
        )
    shutil.copyfile(mirror / mirror_name, target)
    return target


def _from_network(url: str, target: Path, retries: int) -> Path:
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    source = pooch.create(
        path=target.parent,
        base_url="",
        registry={target.name: None},
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
    return target
