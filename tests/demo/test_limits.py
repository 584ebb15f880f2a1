"""Who may ask, and how much: other pages, other names of this machine and large files are refused, in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from overcast.demo.limits import LARGEST
from overcast.demo.open_demo import open_demo
from overcast.tracking.run_folder import Run


def test_another_page_cannot_ask(run: Run, sky: bytes, serving: Callable[..., Any]) -> None:
    with serving(open_demo([run])) as client:
        for origin in ("http://example.org", "null", f"https://127.0.0.1:{client.port}", "http://127.0.0.1:1"):
            for path in ("/answer", "/explanation"):
                status, said, _ = client("POST", path, sky, Origin=origin)
                assert (status, said) == (403, {"error": "Only this page itself may ask."})
        assert client("POST", "/answer", sky, Origin="")[0] == 403
        name = f"localhost:{client.port}"
        assert client("POST", "/answer", sky, Host=name, Origin=f"http://{name}")[0] == 200


def test_a_name_that_is_led_here_is_refused(run: Run, sky: bytes, serving: Callable[..., Any]) -> None:
    with serving(open_demo([run])) as client:
        for host in ("evil.example", f"evil.example:{client.port}", "127.0.0.1.evil.example"):
            for method, path in (("GET", "/"), ("POST", "/answer")):
                status, said, _ = client(method, path, sky, Host=host, Origin=f"http://{host}")
                assert (status, said) == (400, "Invalid host header")


def test_a_large_file_is_refused_and_the_next_is_answered(run: Run, sky: bytes, serving: Callable[..., Any]) -> None:
    with serving(open_demo([run])) as client:
        status, said, _ = client("POST", "/answer", sky + bytes(LARGEST))
        assert (status, said) == (413, {"error": "This file is larger than 20 MB: choose a smaller one."})
        assert client("POST", "/answer", sky + bytes(LARGEST - len(sky)))[0] == 200
        assert client("POST", "/answer", sky)[0] == 200


def test_the_page_loads_nothing_from_elsewhere(run: Run, serving: Callable[..., Any]) -> None:
    with serving(open_demo([run])) as client:
        for path in ("/", "/demo.css", "/demo.js", "/nothing"):
            _, said, headers = client("GET", path)
            assert "default-src 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert "http:" not in str(said)
            assert "https:" not in str(said)
