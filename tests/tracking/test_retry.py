"""What failed only because another was first is tried again; what is refused is not."""

from __future__ import annotations

from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST, INVALID_PARAMETER_VALUE
from sqlalchemy.exc import CircularDependencyError

from overcast.config.schema import TrackingConfig
from overcast.core.errors import UserError
from overcast.tracking import retry
from overcast.tracking.retry import PAUSES, retried
from overcast.tracking.store import TrackingStore, open_store

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]

BUSY = MlflowException(CircularDependencyError("Circular dependency detected.", [], []), BAD_REQUEST)
"""What a server says to the slower one of two that are the first to write."""


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr(retry.time, "sleep", slept.append)
    return slept


class Call:
    """Fails so often, and so, before it is done."""

    def __init__(self, call: Any, times: int, error: Exception) -> None:
        self.call, self.errors, self.tries = call, [error] * times, 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.tries += 1
        if self.errors:
            raise self.errors.pop()
        return self.call(*args, **kwargs)


@pytest.mark.parametrize("times", range(len(PAUSES) + 1))
def test_the_slower_one_tries_again_after_a_pause(times: int, pauses: list[float]) -> None:
    assert retried(Call(lambda: "made", times, BUSY)) == "made"
    assert len(pauses) == times
    assert all(pause <= slept <= 2 * pause for pause, slept in zip(PAUSES, pauses, strict=False))


def test_not_for_ever() -> None:
    call = Call(lambda: "made", 100, BUSY)
    with pytest.raises(MlflowException, match="Circular dependency"):
        retried(call)
    assert call.tries == len(PAUSES) + 1


@pytest.mark.parametrize("error", [MlflowException("no such name", INVALID_PARAMETER_VALUE), OSError("no server")])
def test_what_is_refused_or_does_not_answer_is_said_at_once(error: Exception) -> None:
    call = Call(lambda: "made", 100, error)
    with pytest.raises(type(error)):
        retried(call)
    assert call.tries == 1


def test_a_run_is_made_in_the_end(store: TrackingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store.client, "create_run", Call(store.client.create_run, 2, BUSY))
    assert store.status(store.create("x", {}).id) == "RUNNING"
    monkeypatch.setattr(store.client, "create_run", Call(store.client.create_run, 100, BUSY))
    with pytest.raises(UserError, match="cannot use the MLflow tracking store"):
        store.create("x", {})


def test_an_experiment_that_another_makes_at_once_is_taken(
    store: TrackingStore, tracking: TrackingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was not there when asked for, and is when it shall be made."""
    from mlflow import MlflowClient

    real, asked = MlflowClient.get_experiment_by_name, []

    def not_yet(client: MlflowClient, name: str) -> Any:
        asked.append(name)
        return None if len(asked) == 1 else real(client, name)

    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", not_yet)
    found = open_store(tracking)
    assert found is not None
    assert found.experiment == store.experiment
    assert len(asked) == 2
