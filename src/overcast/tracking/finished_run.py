"""A run that is whole: found in its folder, checked, and read once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from overcast.config.run_config import RunConfig
from overcast.config.schema import TrackingConfig
from overcast.core.errors import UserError
from overcast.core.formats import check_format
from overcast.tracking.checksums import CHECKSUMS, check_files
from overcast.tracking.run_folder import FILES, FORMAT, HASHED, WEIGHTS, Run


class FinishedRun(Run):
    """A whole run, to which no training adds: what is in its JSON files and its config is read once."""

    files: ClassVar[Sequence[str]] = FILES
    """Without one of these it is not whole."""

    hashed: ClassVar[Sequence[str]] = HASHED
    """Those of them that are checked when it is found."""

    @cached_property
    def config(self) -> RunConfig:
        """As `Run.config`."""
        return super().config

    @cached_property
    def _json(self) -> dict[str, dict[str, Any]]:
        return {}

    def _stored(self, name: str, remedy: str = "train it again") -> dict[str, Any]:
        if not self._json.get(name):
            self._json[name] = super()._stored(name, remedy)
        return self._json[name]

    @property
    def metrics(self) -> dict[str, Any]:
        """As `Run.metrics`, read again only after another evaluation."""
        path = self.folder / "evaluation" / CHECKSUMS
        written = str(path.stat().st_mtime_ns) if path.is_file() else ""
        if self._measured.get("written") != written:
            self._measured.update(written=written, metrics=super().metrics)
        metrics: dict[str, Any] = self._measured["metrics"]
        return metrics

    @cached_property
    def _measured(self) -> dict[str, Any]:
        return {}

    def write(self, name: str, text: str) -> None:
        """As `Run.write`."""
        self._json.pop(name, None)
        super().write(name, text)


class ArchivedRun(FinishedRun):
    """A run from a study's archive: whole, but for its weights."""

    files = tuple(name for name in FILES if name != WEIGHTS)
    hashed = tuple(name for name in HASHED if name != "config.yaml")  # which the archive completes

    def path(self, name: str) -> Path:
        """As `Run.path`. Raises: UserError for the weights."""
        if name not in self.files and name in FILES:
            raise UserError(f"the run in {self.folder} comes from an archive, which holds no weights")
        return super().path(name)


def load_run(
    folder: Path, tracking: TrackingConfig | None = None, kind: type[FinishedRun] = FinishedRun
) -> FinishedRun:
    """A whole run of this ``kind`` in this folder; ``tracking`` as `Run` has it.

    Raises: UserError if there is none, only a half one, or one that another version of overcast wrote; DamagedError if
    a small file in it is not as training wrote it: the weights are checked where they are loaded, and may have been
    removed (`Run.removed`).
    """
    if not folder.is_dir():
        raise UserError(f"there is no run in {folder}: train one first (`dvc repro`, or python pipelines/train.py)")
    run = kind(folder, tracking)
    missing = [name for name in kind.files if not (folder / name).is_file()]
    if len(missing) == len(kind.files):
        raise UserError(f"there is no run in {folder}: it has none of a run's files")
    if missing and not (missing == [WEIGHTS] and run.removed):
        raise UserError(
            f"the run in {folder} is not whole ({', '.join(missing)} missing): its training did not finish. Train again"
        )
    facts = run._stored("run.json")
    check_format(f"the run in {folder}", facts, FORMAT, "train it again")
    check_files(folder, facts, kind.hashed)
    return run
