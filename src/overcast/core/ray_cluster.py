"""A Ray cluster: that which the variable RAY_ADDRESS names, or one that is started on this machine's cores.

Its nodes have overcast installed, and the project's folders under the same paths. What commands take from the
environment goes with each job, so that passwords need no file.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from overcast.core.errors import UserError
from overcast.core.paths import HOME, project_home

INSTALL = 'pip install --constraint constraints.txt --editable ".[ray]"'
PASSED_ON = ("OVERCAST_", "MLFLOW_", "PYTHONPATH")
"""How the variables begin that jobs on other nodes get, too."""

QUIET = {"include_dashboard": False, "log_to_driver": False, "logging_level": logging.ERROR}


def connect_ray(options: Mapping[str, Any] | None = None, variables: Mapping[str, str] | None = None) -> Any:
    """The module `ray`, connected. options: of ``ray.init``. variables: further ones that the jobs get.

    Raises: UserError if Ray is not installed, or its cluster does not answer.
    """
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # of those who develop Ray: one line remains
    try:
        import ray
    except ImportError:
        raise UserError(f"Ray is an extra: run {INSTALL}") from None
    given = {name: value for name, value in (options or {}).items() if value is not None}
    address = given.get("address") or os.environ.get("RAY_ADDRESS") or "local"  # not Ray's own: one long gone, perhaps
    passed_on = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    passed_on |= {HOME: str(project_home()), **(variables or {})}
    try:
        _check_address(address)
        ray.init(**{**QUIET, "runtime_env": {"env_vars": passed_on}, **given, "address": address})
    except ConnectionError as error:
        raise UserError(
            f"the Ray cluster does not answer ({first_line(error)}): start it, or leave RAY_ADDRESS out; one that "
            "asks for a token wants RAY_AUTH_MODE=token here too"
        ) from None
    return ray


@contextlib.contextmanager
def ray_cluster() -> Iterator[Any]:
    """The module `ray`, connected until the end.

    Raises: UserError as `connect_ray` does, or if a worker dies again and again.
    """
    ray = connect_ray()
    try:
        yield ray
    except ray.exceptions.RayError as error:
        raise UserError(f"Ray could not finish ({first_line(error)}): nothing was written. Try again") from None
    finally:
        ray.shutdown()


def _check_address(address: str) -> None:
    """Raises: ConnectionError at once if nobody listens there, which Ray would try for many minutes."""
    if address == "auto":
        from ray._private.services import canonicalize_bootstrap_address

        address = canonicalize_bootstrap_address(address)
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
        except OSError as error:
            raise ConnectionError(f"{address}: {error.strerror or error}") from None


def first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
