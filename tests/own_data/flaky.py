"""An MLflow client that stops answering, for tests of what then becomes of a record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlflow.exceptions import MlflowException


class FlakyClient:
    """Passes ``calls`` calls on to a client, then fails until `mend`.

    writes_only: reading goes on, as from a server that answers 500 to POST. loses: a call that is still made, but whose
    answer is lost, and with it whatever is called after it.
    """

    def __init__(self, client: Any, calls: int, writes_only: bool = False, loses: str = "") -> None:
        self.client, self.calls, self.writes_only, self.loses = client, calls, writes_only, loses

    def mend(self) -> None:
        self.calls = 10**9

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.client, name)
        if not callable(value) or (self.writes_only and name.startswith(("get", "search"))):
            return value
        return self._counted(value, name == self.loses)

    def _counted(self, call: Callable[..., Any], is_lost: bool) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.calls -= 1
            if self.calls < 0:
                raise MlflowException("too many 500 error responses")
            answer = call(*args, **kwargs)
            if is_lost:
                self.calls = 0
                raise MlflowException("no answer")
            return answer

        return counted
