"""A command's last word on what is not in MLflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from overcast.core.errors import NotRecordedError
from overcast.tracking.outbox import Outbox
from overcast.tracking.run_folder import Run
from overcast.tracking.unrecorded import tell_unrecorded


def test_what_is_kept_is_said_and_what_was_refused_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(tmp_path)
    tell_unrecorded(run)
    assert capsys.readouterr().out == ""
    Outbox(str(tmp_path), "http://host", "overcast", "abc").add({"end": ["FINISHED", 5]})
    tell_unrecorded(run)
    assert f"`python pipelines/sync.py run={tmp_path}` sends what is left in {tmp_path}" in capsys.readouterr().out
    run.note_refused(["metric 'x' (why)", "metric 'x' (why)"])
    with pytest.raises(NotRecordedError, match=r"^not recorded in MLflow: metric 'x' \(why\)\. The run is whole in "):
        tell_unrecorded(run)
