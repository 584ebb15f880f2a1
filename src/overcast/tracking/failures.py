"""Why MLflow did not take something: its store does not answer, or it refuses that very thing."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from urllib.request import getproxies

from overcast.core.errors import UnreachableError, UserError
from overcast.core.secrets import without_password
from overcast.tracking.database import file_error

REFUSALS = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "MALFORMED_REQUEST", "RESOURCE_ALREADY_EXISTS")
"""MLflow's error codes that no other try changes."""

OVERLOADED = ("QueuePool limit", "Can't reconnect until invalid transaction")
"""What a server's BAD_REQUEST says that is no refusal: too many ask at once, or its database went away."""

GONE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""Those of an id that it does not know, or that is none."""

CAUSE = re.compile(r"\(Caused by \w+\((.*?)\)\)$")
"""How the message of a failed request ends, after the names of its parts."""

ANSWER = re.compile(r"failed with error code (\d+) != \d+\. Response body: '(.*?)'?$")
"""How it ends where the server's answer is none of MLflow's own."""

REFUSED_UPLOADS = (400, 413, 415, 422)
"""HTTP's status codes of a file that is not taken, such as a too large one."""


def reason(error: BaseException) -> str:
    """The first line of an error, short and without passwords; of a request that failed, why it did."""
    inner = getattr(error.__cause__, "orig", None) or getattr(error, "orig", None) or error  # that of a database
    text = without_password((str(inner).strip().splitlines() or [type(error).__name__])[0])
    if cause := CAUSE.search(text):
        innermost = re.split("""\\(['"]""", cause[1])[-1]
        text = innermost.rpartition(": ")[2].strip("'\")")
    elif answer := ANSWER.search(text):
        text = f"{answer[1]}, {answer[2]}"
    return text[:200]


def error_code(error: BaseException) -> str:
    """MLflow's own code of one of its errors; "" for any other."""
    return str(getattr(error, "error_code", ""))


def is_refusal(error: BaseException) -> bool:
    """Whether the same again would be refused again, by MLflow or before it is sent."""
    if code := error_code(error):
        return code in REFUSALS and not any(words in str(error) for words in OVERLOADED)
    if isinstance(error, OSError):  # those of `requests` are some too
        return getattr(getattr(error, "response", None), "status_code", 0) in REFUSED_UPLOADS
    return isinstance(error, TypeError | ValueError)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the migration of a database, and the tracebacks that MLflow logs, off the screen."""
    loggers = [logging.getLogger(name) for name in ("alembic", "mlflow")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def answering(uri: str) -> Iterator[None]:
    """Raises: UnreachableError where the tracking store of this URI does not answer inside the block, or refuses."""
    try:
        with quiet():
            yield
    except UserError:
        raise
    except Exception as error:  # of MLflow, of a database's driver, or that there is none
        raise unreachable(uri, error) from None


def unreachable(uri: str, error: BaseException) -> UnreachableError:
    """What to say where the tracking store of this URI failed so."""
    if uri.startswith("sqlite") and (told := file_error(uri.partition(":///")[2], reason(error))):
        return UnreachableError(told)
    if error_code(error) == "UNAUTHENTICATED":
        return UnreachableError(
            f"the MLflow server {uri} does not take this user and password: set MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD to yours, or train with tracking=off"
        )
    if error_code(error) == "PERMISSION_DENIED":
        return UnreachableError(
            f"the MLflow server {uri} does not allow this ({reason(error)}): ask who runs it for the permission, set "
            "MLFLOW_EXPERIMENT_NAME or tracking.experiment to another experiment, or train with tracking=off"
        )
    return UnreachableError(
        f"cannot use the MLflow tracking store {uri}: {reason(error)}. Start its server, set tracking.uri or "
        "MLFLOW_TRACKING_URI to another, or train with tracking=off"
    )


def listens(uri: str) -> bool:
    """Whether something may be at this address: False within moments, where MLflow would try for ten seconds."""
    address = urlsplit(uri)
    if address.scheme not in ("http", "https") or not address.hostname or address.scheme in getproxies():
        return True
    port = address.port or {"http": 80, "https": 443}[address.scheme]
    try:
        with socket.create_connection((address.hostname, port), timeout=3):
            return True
    except OSError:
        return False
