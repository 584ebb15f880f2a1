"""gc as a whole: it only tells, until it is asked to delete; a study compares the same afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from overcast.core.errors import UserError
from overcast.core.locks import try_lock
from overcast.core.paths import project_path
from overcast.retention.collect import collect
from overcast.tracking.run_folder import Run

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]


def test_it_tells_and_then_deletes(
    trial: Callable[..., Run], reported: Callable[..., None], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [trial("a", "none", 0, 2.0), trial("b", "dropout", 0, 0.1), trial("c", "dropout", 1, 0.1)]
    reported(3)
    told = collect(tracking=words).splitlines()
    assert told[2].split()[0] == "a"
    assert told[-1] == "nothing was removed: add delete=true"
    assert runs[0].weights()
    with pytest.raises(UserError, match="study=y: there is no such study"):
        collect("y", tracking=words)
    with try_lock(project_path("runs")), pytest.raises(UserError, match="another process is at work in runs"):
        collect(tracking=words)
    assert collect("x", delete=True, tracking=words, older_than="1h").endswith("there is nothing to remove")
    with try_lock(runs[0].folder):
        assert "under way" in collect(tracking=words)
    capsys.readouterr()
    assert collect("x", delete=True, tracking=words).startswith("removed: the weights of 1 runs, ")
    assert "weights that nothing needs any more:" in capsys.readouterr().out
    assert Run(runs[0].folder).removed
    assert "removed before: those of 1 runs" in collect(tracking=words)


@pytest.mark.usefixtures("home")
def test_without_runs_or_a_record_nothing_is_known(words: list[str]) -> None:
    with pytest.raises(UserError, match=r"^there is no run in runs/ yet"):
        collect(tracking=words)
    project_path("runs").mkdir()
    with pytest.raises(UserError, match=r"^tracking=off: MLflow knows what is needed"):
        collect(tracking=["tracking=off"])
    with pytest.raises(UserError, match=r"^older_than=30: give a time with its unit"):
        collect(older_than="30")
