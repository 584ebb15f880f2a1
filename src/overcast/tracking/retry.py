"""Another try for what MLflow could not make only because another process was making something at the same moment."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSES = (0.2, 0.5, 1.0)
"""Seconds before each further try, and up to as much again, so that two do not meet once more."""


def retried(call: Callable[[], T]) -> T:
    """The result of a call that makes something, tried again where another's transaction stood in its way.

    Two that begin at once on a new database or server, or are the first to see new data, are told so as a bad request,
    and nothing was made then; what the store refuses for good has other codes.
    """
    from mlflow.exceptions import MlflowException

    for pause in PAUSES:
        try:
            return call()
        except MlflowException as error:
            if error.error_code != "BAD_REQUEST":
                raise
            time.sleep(pause * random.uniform(1, 2))
    return call()
