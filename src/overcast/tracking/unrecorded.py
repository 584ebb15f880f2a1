"""What is not in MLflow at a command's end: kept for later, which is said, or refused for good, which is an error."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from overcast.core.console import show
from overcast.core.errors import NotRecordedError
from overcast.tracking.outbox import find_outboxes
from overcast.tracking.run_folder import Run


def tell_unrecorded(run: Run) -> None:
    """Say what of this run is kept for later. Raises: NotRecordedError if something was refused."""
    if find_outboxes(run.folder):
        show(unsent_line([run.folder], f" run={run.folder}"))
    refuse(run.record.get("refused", []), f"The run is whole in {run.folder}")


def unsent_line(folders: Sequence[Path], words: str = "") -> str:
    """That the records of these folders are not all in MLflow, and what brings them there."""
    what = f"what is left in {folders[0]}" if len(folders) == 1 else f"what is left in {len(folders)} folders"
    return f"not all in MLflow yet: `python pipelines/sync.py{words}` sends {what}, once MLflow answers"


def refuse(lines: Sequence[str], whole: str) -> None:
    """Raises: NotRecordedError if there is any line of what MLflow has refused. whole: where the results are."""
    if lines:
        raise not_recorded(lines, whole)


def not_recorded(lines: Sequence[str], whole: str) -> NotRecordedError:
    """What to say of these lines."""
    return NotRecordedError(f"not recorded in MLflow: {'; '.join(dict.fromkeys(lines))}. {whole}")
