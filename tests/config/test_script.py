"""A script's main: what the system refuses is one message and exit code 2; what a study sets, a user may."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode

from overcast.config import script
from overcast.config.compose import completed_line
from overcast.config.script import Job, Session, hydra_script, plain_script
from overcast.core.errors import UserError
from overcast.core.paths import ROOT


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


@plain_script
def interrupted(arguments: Nothing) -> None:
    raise KeyboardInterrupt


def fail_at_the_end_of_a_transaction() -> None:
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        raise UserError("it cannot be rolled back") from None


@plain_script
def hidden(arguments: Nothing) -> None:
    fail_at_the_end_of_a_transaction()


@hydra_script
def hidden_in_a_run(config: Any, session: Session) -> None:
    fail_at_the_end_of_a_transaction()


@pytest.mark.parametrize("main", [interrupted, hidden, hidden_in_a_run])
def test_after_ctrl_c_a_second_one_changes_nothing(main: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was shown as an error of what runs at a process's end; an error on the way there had its place."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    monkeypatch.setattr(sys, "argv", ["compare.py"])
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit) as end:
            main()
        assert (end.value.code, signal.getsignal(signal.SIGINT)) == (130, signal.SIG_IGN)
    finally:
        signal.signal(signal.SIGINT, before)


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


def study_options() -> set[str]:
    """The options of networks that a study file sets, in its cells, its grid or for all of its runs."""
    names = set[str]()
    for path in (ROOT / "conf" / "study").glob("*.yaml"):
        text = path.read_text(encoding="utf8")
        names |= set(re.findall(r"model\.(\w+)\s*[=:]", text)) | set(yaml.safe_load(text).get("model") or {})
    return names


def test_what_a_study_may_set_of_a_network_a_user_may(compose_as_script: Any) -> None:
    files = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((ROOT / "conf" / "model").glob("*.yaml"))}
    names = study_options()
    assert {"scale", "width", "hidden"} <= names
    for name in names:
        model = next(model for model, options in files.items() if name in options)
        config = compose_as_script([f"model={model}", f"model.{name}={files[model][name]}"], ROOT)
        assert name in config.model.values


@dataclass
class Typed:
    """flag: true or false. level: a number."""

    flag: bool = False
    level: float | None = None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["flag=true", "level=0.5"], "Typed(flag=True, level=0.5)"),
        (["flag=false"], "Typed(flag=False, level=None)"),
        (["flag=yes"], "overcast: flag=yes: give true or false"),
        (["level=much"], "overcast: level=much: give a number"),
    ],
)
def test_words_of_a_plain_script_have_types(
    words: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @plain_script
    def main(arguments: Typed) -> None:
        raise UserError(repr(arguments))

    monkeypatch.setattr(sys, "argv", ["x.py", *words])
    with pytest.raises(SystemExit):
        main()
    assert said in capsys.readouterr().err


@plain_script
def refused(arguments: Nothing) -> None:
    raise UserError("nothing was sent")


@hydra_script
def never_reached(config: Any, session: Session) -> None:
    raise AssertionError


@pytest.mark.parametrize(
    ("main", "words", "said"),
    [
        (refused, ["language=ko"], "보낸 것이 없습니다"),
        (refused, ["nonsense=1", "language=ko"], "'nonsense' 옵션이 없습니다. 선택지: language"),
        (refused, [], "nothing was sent"),
        (never_reached, ["language=ko", "model=cnnn"], "model=cnnn: 그런 model 선택지가 없습니다."),
        (never_reached, ["modle=cnn", "language=ko", "seed=1"], "'modle' 옵션이 없습니다. model을(를) 뜻하셨습니까?"),
        (never_reached, ["-m", "seed=0,1", "language=ko", "lr=abc"], "lr=abc: 수를 지정하십시오"),
        (never_reached, ["--resolve"], "--resolve goes with --cfg job"),
        (never_reached, ["~data=nan", "-m"], "~data=nan: what is left out is named without a value: ~data"),
        (never_reached, ["~model"], "model: no run goes without; choose one with model=…"),
        (never_reached, ["mitigation=none", "+mitigation.dropout.p=0.1"], "mitigation.dropout: not chosen, so that"),
        (never_reached, ["languag=ko"], "there is no option 'languag'. Did you mean language?"),
        (never_reached, ["language=kr"], "language=kr: there is no such language. Choices: en, ko"),
    ],
    ids=lambda value: value.__name__ if callable(value) else str(value),
)
def test_a_mistake_is_answered_in_the_language_that_the_command_asks_for(
    main: Any, words: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wherever it stands; the machine's locale has no say."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    monkeypatch.setattr(sys, "argv", ["train.py", *words])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith(f"overcast: {said}")
    assert "language=ko" not in sys.argv or main is refused  # no config and no record has it


@pytest.mark.parametrize(
    ("typed", "after"),
    [
        ("python pipelines/train.py split.fo", " split.fo"),
        ("python pipelines/train.py -m model=lstm language=ko ", " model=lstm "),
    ],
)
def test_a_shell_completes_a_line_with_the_defaults_in_it(typed: str, after: str) -> None:
    """Hydra makes a config of the line, whose keys it offers: without data and model there is none."""
    line = completed_line(typed)
    assert line.startswith("python pipelines/train.py data=skies ")
    assert line.endswith(after)
    assert (" model=cnn " in line) == ("model=lstm" not in typed)
    assert not {"-m", "--multirun", "language=ko"} & set(line.split())


@pytest.mark.parametrize(
    ("typed", "offered"), [("split.fol", "split.fold= split.folds="), ("model=ls", "model=lstm")], ids=str
)
def test_a_shell_is_offered_the_options(typed: str, offered: str) -> None:
    """As bash asks."""
    script_file = str(ROOT / "pipelines" / "train.py")
    environment = {**os.environ, "COMP_LINE": f"python {script_file} {typed}"}
    asked = [sys.executable, script_file, "-sc", "query=bash"]
    said = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert sorted(said.stdout.split()) == offered.split()
