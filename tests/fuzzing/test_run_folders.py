"""The folder of a trained run, edited or damaged: the same figures, or one message."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from in_process import check_end, fresh_home, run_script

TRAINED = ("data=skies", "data.n_samples=60", "data.size=16", "mitigation=none", "model=ann", "epochs=1")
FILES = ("config.yaml", "history.csv", "model.pt", "parts.csv", "run.json", "spec.json")
EVALUATED = ("metrics.json", "predictions.csv")
TEXTS = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"nan",
    b"a: [",
    b"\x80\x04N.",
    b"part\ntest\n",
    b'{"format": 99}',
    b"!!python/name:os.system",
]

edits = st.tuples(
    st.sampled_from([*FILES, *(f"evaluation/{name}" for name in EVALUATED)]),
    st.sampled_from(["bit", "cut", "text", "lines", "gone"]),
    st.integers(0, 1 << 30),
)


@pytest.fixture(scope="module")
def trained() -> Iterator[Path]:
    with fresh_home() as home:
        for script in ("download", "pack", "split"):
            assert run_script(script, *TRAINED).code == 0
        ended = run_script("train", *TRAINED, "tracking=off", "trainer=cpu", "trainer.threads=1", "run=one")
        assert ended.code == 0, ended
        assert run_script("evaluate", "run=one").code == 0
        yield home


def edited(content: bytes, how: str, number: int) -> bytes:
    """A file's content, damaged."""
    place = number % max(len(content), 1)
    match how:
        case "bit":
            return content[:place] + bytes([content[place] ^ (1 << number % 8)]) + content[place + 1 :]
        case "cut":
            return content[:place]
        case "lines":
            lines = content.splitlines(keepends=True)
            return b"".join(line for i, line in enumerate(lines) if i != number % len(lines))
    return TEXTS[number % len(TEXTS)]


def test_run_folders(fuzz: Any, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = (trained / "one" / "evaluation" / "metrics.json").read_text(encoding="utf8")
    monkeypatch.setenv("OVERCAST_HOME", str(trained))
    monkeypatch.chdir(trained)

    def check(edit: tuple[str, str, int]) -> None:
        name, how, number = edit
        shutil.rmtree("two", ignore_errors=True)
        shutil.copytree("one", "two")
        place = Path("two", name)
        if how == "gone":
            place.unlink()
        else:
            place.write_bytes(edited(place.read_bytes(), how, number))
        for script, *words in (("evaluate",), ("predict", "files=data/skies/raw", "out=labels.csv")):
            ended = run_script(script, "run=two", *words)
            check_end(ended)
            if script == "evaluate" and ended.code == 0:
                assert json.loads(Path("two", "evaluation", "metrics.json").read_text()) == json.loads(expected)

    fuzz(edits, check)
