"""What failed is told from what was refused, in few words."""

from __future__ import annotations

import socket
from types import SimpleNamespace

import pytest
from mlflow.exceptions import MlflowException, RestException
from requests import ConnectionError, HTTPError

from overcast.core.errors import UnreachableError
from overcast.tracking.failures import answering, is_refusal, listens, reason


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (RestException({"error_code": "INVALID_PARAMETER_VALUE", "message": "no such name"}), True),
        (RestException({"error_code": "BAD_REQUEST"}), True),
        (
            RestException({"error_code": "BAD_REQUEST", "message": "QueuePool limit of size 5 overflow 10 reached"}),
            False,
        ),
        (RestException({"error_code": "TEMPORARILY_UNAVAILABLE"}), False),
        (RestException({"error_code": "UNAUTHENTICATED"}), False),
        (MlflowException("database is locked"), False),
        (HTTPError(response=SimpleNamespace(status_code=413)), True),  # type: ignore[arg-type]
        (HTTPError(response=SimpleNamespace(status_code=503)), False),  # type: ignore[arg-type]
        (ConnectionError("refused"), False),
        (OSError(28, "No space left on device"), False),
        (UnicodeEncodeError("utf8", "\udce9", 0, 1, "surrogates"), True),
        (RuntimeError("a cloud's own"), False),
    ],
)
def test_what_no_other_try_changes_is_refused(error: Exception, refused: bool) -> None:
    assert is_refusal(error) == refused


def test_a_reason_is_short() -> None:
    begin = "API request to http://h:1/api failed with exception HTTPConnectionPool(host='h', port=1): Max retries ("
    assert reason(OSError(f"{begin}Caused by ResponseError('too many 500 error responses'))")) == (
        "too many 500 error responses"
    )
    refused = "Caused by NewConnectionError(\"HTTPConnection(host='h', port=1): no: [Errno 111] Connection refused\"))"
    assert reason(OSError(begin + refused)) == "[Errno 111] Connection refused"
    closed = "Caused by ProtocolError('Connection aborted.', RemoteDisconnected('Remote end closed connection')))"
    assert reason(OSError(begin + closed)) == "Remote end closed connection"
    answer = "API request to endpoint /x failed with error code 403 != 200. Response body: 'Permission denied'"
    assert reason(MlflowException(answer)) == "403, Permission denied"
    assert reason(ValueError()) == "ValueError"
    assert len(reason(ValueError("x" * 999 + "\nmore"))) == 200


def test_whatever_fails_is_one_message() -> None:
    said = r"cannot use the MLflow tracking store http://h: x\. Start its server"
    with pytest.raises(UnreachableError, match=said), answering("http://h"):
        raise MlflowException("x")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("UNAUTHENTICATED", "does not take this user and password: set MLFLOW_TRACKING_USERNAME and"),
        (
            "PERMISSION_DENIED",
            r"does not allow this \(PERMISSION_DENIED: no edit\): ask who runs it for the permission",
        ),
    ],
)
def test_who_may_not_record_is_told_what_to_do(code: str, said: str) -> None:
    with pytest.raises(UnreachableError, match=f"^the MLflow server http://h {said}"), answering("http://h"):
        raise RestException({"error_code": code, "message": "no edit"})


def test_a_server_that_is_not_there_is_known_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert not listens(address)
        server.listen()
        assert listens(address)
    assert listens("sqlite:///x.db")
    monkeypatch.setenv("http_proxy", "http://proxy:1")
    assert listens(address)  # the proxy knows
