"""An MLflow client that stops answering, for tests of what then becomes of a record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlflow.exceptions import MlflowException


class FlakyClient:
    """Passes ``calls`` calls on to a client, then fails until `mend`.

    writes_only: reading goes on, as from a server that answers 500 to POST.
    """

    def __init__(self, client: Any, calls: int, writes_only: bool = False) -> None:
        self.client, self.calls, self.writes_only = client, calls, writes_only

    def mend(self) -> None:
        self.calls = 10**9

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.client, name)
        if not callable(value) or (self.writes_only and name.startswith(("get", "search"))):
            return value
        return self._counted(value)

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.calls -= 1
            if self.calls < 0:
                raise MlflowException("too many 500 error responses")
            return call(*args, **kwargs)

        return counted
