"""A journal that a killed worker leaves usable, and a database whose password is nowhere to be read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import optuna
import pytest

from overcast.core.errors import UnreachableError, UserError
from overcast.core.process import this_process
from overcast.tuning.storage import RETRY_OF, STOOD, check_address, open_storage, retry_unfinished


def test_a_killed_worker_leaves_no_lock(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from overcast.tuning.storage import open_storage\n"
        "storage = open_storage('', Path(sys.argv[1])); storage._backend._lock.acquire()\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path], check=False).returncode == -9
    study = optuna.create_study(storage=open_storage("", tmp_path))
    study.add_trial(optuna.trial.create_trial(value=1.0))
    assert optuna.load_study(study_name=study.study_name, storage=open_storage("", tmp_path)).best_value == 1.0


def test_what_a_dead_process_left_is_begun_again(tmp_path: Path) -> None:
    study = optuna.create_study(storage=open_storage("", tmp_path))
    here = json.loads(str(this_process()))
    for number, process in enumerate([here | {"pid": 2**22 - 1}, here, here | {"namespace": "another"}]):
        trial = study.ask()
        trial.suggest_float("lr", 0, 1)
        trial.set_user_attr("process", json.dumps(process))
        if number == 0:
            trial.set_user_attr(STOOD, True)
    assert retry_unfinished(study) == [0]
    assert [trial.state.name for trial in study.get_trials()] == ["FAIL", "RUNNING", "RUNNING", "WAITING"]
    assert study.get_trials()[3].user_attrs == {RETRY_OF: 0, STOOD: True}


def test_an_address_is_one_of_postgresql() -> None:
    assert check_address("") == ""
    assert check_address("postgresql://me:hush@host/db") == "postgresql://host/db"
    with pytest.raises(UserError, match=r"storage=mysql://host/db: give the address of a PostgreSQL database") as error:
        check_address("mysql://me:hush@host/db")
    assert "hush" not in str(error.value)


def test_a_database_that_is_not_there_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"cannot use the search's storage postgresql://127\.0\.0\.1:1/db: "):
        open_storage("postgresql://127.0.0.1:1/db", tmp_path)
