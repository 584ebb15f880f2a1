"""The server: its page and answers, a sentence for each bad file, and that it lives on after whatever comes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from overcast.core.errors import UserError
from overcast.core.words import use_language
from overcast.demo.answer import Demo
from overcast.demo.open_demo import open_demo
from overcast.demo.server import open_port
from overcast.tracking.run_folder import Run


def test_page_answer_and_explanation(run: Run, sky: bytes, serving: Callable[..., Any]) -> None:
    with serving(open_demo([run])) as client:
        status, page, headers = client("GET", "/")
        assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "<title>ann · skies – overcast</title>" in page
        for file, kind in (("/demo.css", "text/css"), ("/demo.js", "text/javascript")):
            status, _, headers = client("GET", file)
            assert (status, headers["content-type"].split(";")[0]) == (200, kind)
        status, told, _ = client("POST", "/answer", sky)
        assert (status, told["label"]) == (200, told["classes"][0]["name"])
        assert client("POST", "/explanation", sky)[0] == 200
        for missing in ("/demo.py", "/sound/0", "/docs", "/openapi.json", "/../conftest.py"):
            assert client("GET", missing)[0] == 404


def test_bad_files_are_sentences_and_the_server_lives_on(run: Run, sky: bytes, serving: Callable[..., Any]) -> None:
    with serving(open_demo([run])) as client:
        for content in (b"", b"a text", sky[:100], b"%PDF-1.7", bytes(1000)):
            status, told, _ = client("POST", "/answer", content)
            assert (status, list(told)) == (400, ["error"])
            assert told["error"].startswith("This cannot be read: ")
        assert client("POST", "/answer", sky)[0] == 200


def test_an_error_of_ours_is_no_end(
    run: Run,
    sky: bytes,
    serving: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with serving(open_demo([run])) as client:
        with monkeypatch.context() as patch:
            for error, status in ((KeyError("ours"), 500), (MemoryError(), 413)):
                patch.setattr(Demo, "answer", lambda demo, content, error=error: (_ for _ in ()).throw(error))
                found, told, _ = client("POST", "/answer", sky)
                assert (found, told["error"].count(".")) == (status, 1)
        assert "KeyError: 'ours'" in capsys.readouterr().err


def test_several_ask_at_once(run: Run, sky: bytes, serving: Callable[..., Any]) -> None:
    with serving(open_demo([run])) as client, ThreadPoolExecutor(4) as pool:
        asked = [("/answer", sky), ("/explanation", sky), ("/answer", b"no"), ("/answer", sky)] * 3
        found = list(pool.map(lambda each: client("POST", *each), asked))
    assert [status for status, _, _ in found] == [200, 200, 400, 200] * 3
    labels = {told["probability"] for status, told, _ in found if status == 200 and "label" in told}
    assert len(labels) == 1


def test_a_training_recording_is_played(tones: Run, wav: Callable[..., bytes], serving: Callable[..., Any]) -> None:
    with serving(open_demo([tones])) as client:
        near = client("POST", "/answer", wav(300))[1]["nearest"]["samples"][0]
        status, _, headers = client("GET", f"/sound/{near['row']}")
        assert (status, headers["content-type"].split("/")[0]) == (200, "audio")
        assert client("GET", "/sound/999999")[0] == 404


def test_its_language_is_the_one_it_was_made_in(run: Run, serving: Callable[..., Any]) -> None:
    with use_language("ko"), serving(open_demo([run])) as client:
        assert '<html lang="ko">' in client("GET", "/")[1]
        assert client("POST", "/answer", b"")[1]["error"].startswith("읽을 수 없습니다: ")
        assert client("POST", "/answer", b"", Origin="http://example.org")[1]["error"].endswith("물을 수 있습니다.")


def test_ports() -> None:
    with open_port("") as listening:
        assert listening.getsockname()[0] == "127.0.0.1"
        port = listening.getsockname()[1]
        with open_port("") as other:
            assert other.getsockname()[1] != port
        with pytest.raises(UserError, match=rf"^port={port} cannot be used \(address already in use\): choose another"):
            open_port(str(port))
    with open_port(str(port)) as again:
        assert again.getsockname()[1] == port
    for wrong in ("http", "0", "65536", "-1", "8_000"):
        with pytest.raises(UserError, match=rf"^port={wrong}: give a number from 1 to 65535$"):
            open_port(wrong)
