"""What the system refuses a script is one message and exit code 2, in a single run and in a study's job."""

from __future__ import annotations

import errno
import sys
from dataclasses import dataclass
from typing import Any

import pytest
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode

from overcast.config import script
from overcast.config.script import Job, Session, hydra_script, plain_script
from overcast.core.errors import UserError


@dataclass
class Nothing:
    """No arguments."""


FULL = OSError(errno.ENOSPC, "full", "/there")


@plain_script
def plain(arguments: Nothing) -> None:
    raise FULL


@hydra_script
def composed(config: Any, session: Session) -> None:
    raise MemoryError


@pytest.mark.parametrize(("main", "said"), [(plain, "No space left"), (composed, "Out of memory")])
def test_a_refusal_is_one_message(
    main: Any, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    monkeypatch.setattr(sys, "argv", ["train.py"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"overcast: {said}")


def test_in_a_study_it_is_a_failed_job(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(script, "resolved", lambda cfg: cfg)
    monkeypatch.setattr(HydraConfig, "get", lambda: type("Hydra", (), {"mode": RunMode.MULTIRUN}))
    result = Job(lambda *_: (_ for _ in ()).throw(MemoryError), Session())({})  # type: ignore[arg-type]
    assert isinstance(result, UserError)
    assert str(result).startswith("Out of memory. Give a smaller batch_size")
    assert "Traceback" not in capsys.readouterr().err

    def full(*_: Any) -> Any:
        monkeypatch.setattr(script, "print", lambda *_, **__: (_ for _ in ()).throw(FULL), raising=False)
        raise FULL

    assert "No space left" in str(Job(full, Session())({}))  # type: ignore[arg-type] # nor in the log
