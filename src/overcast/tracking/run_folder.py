"""A run's folder: what it holds, and how a whole one is told from the rest of one.

config.yaml   the experiment's config      parts.csv    the part of each row: train is what it was trained on
spec.json     what the data looks like     history.csv  each epoch's figures
model.pt      the weights                  run.json     the rest; written last, so it marks a whole run

These are a function of choices, data and code alone: DVC keeps them, and another machine of the same kind makes the
same ones. What is not (ids, durations, places) stands beside them in ``record.json``, which names the weights it is
about: one left over from others is not believed. ``removed.json`` says the same way that the weights were removed.
"""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from overcast.config.run_config import RunConfig
from overcast.config.schema import SETTINGS, TrackingConfig
from overcast.core.atomic import whole_file
from overcast.core.errors import DamagedError, RemovedError
from overcast.core.hashes import CHECKSUM, file_hashes, is_unchanged, with_checksum
from overcast.core.secrets import without_password
from overcast.core.spec import Spec
from overcast.core.yaml_file import read_yaml
from overcast.tracking.checksums import check_content, damaged, read_evaluated
from overcast.tracking.outbox import leave_out_artifacts

HASHED = ("config.yaml", "spec.json", "parts.csv", "history.csv")
"""The files whose hashes run.json holds as ``files``; that of the weights is its ``weights``."""

WEIGHTS = "model.pt"

FILES = (*HASHED, WEIGHTS, "run.json")

FORMAT = 2
"""Of a run's folder: raised when what is written could no longer be read by the version before."""

RECORD = "record.json"

REMOVED = "removed.json"
"""When and why the weights were removed. It is written before they are: where it is, what is left of them is none."""

PROFILES = "fit-profile*.txt"
"""What a profiler measured, one for each process; a profiler adds to a file that it finds."""

EVENTS = "tensorboard"
"""The folder of TensorBoard's event files, in the run's."""

CHECKPOINT = "checkpoint.ckpt"
"""What a run goes on from after an interruption; gone when it has finished."""

RECORDED = {"id": "", "seconds": math.nan, "samples_per_second": math.nan, "first_weights_seconds": math.nan}
"""The facts that record.json holds, and what they are where it is missing, as in a run that DVC restored."""


@dataclass(frozen=True, eq=False)
class Run:
    """A folder, and what is stored in it; ``tracking``: where it is recorded, if not where its config says.

    Two of the same folder are equal, finished or not.
    """

    folder: Path
    tracking: TrackingConfig | None = field(default=None, repr=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and self.folder == other.folder

    def __hash__(self) -> int:
        return hash(self.folder)

    def path(self, name: str) -> Path:
        """One of `FILES`."""
        return self.folder / name

    @property
    def config(self) -> RunConfig:
        """The resolved config; the `SETTINGS` in it are those of the training, or else the defaults."""
        try:
            config = RunConfig.from_dict({**self.record.get("settings", {}), **read_yaml(self.path("config.yaml"))})
        except (TypeError, LookupError, AttributeError, ValueError):
            raise damaged(self.folder, "config.yaml") from None
        return replace(config, tracking=self.tracking) if self.tracking else config

    @property
    def spec(self) -> Spec:
        return Spec.load(self.path("spec.json"))

    @property
    def facts(self) -> dict[str, Any]:
        """run.json: format, name, fingerprint, best figures, sizes, hashes; and the `RECORDED` ones."""
        return {**RECORDED, **self._stored("run.json"), **{k: v for k, v in self.record.items() if k in RECORDED}}

    @property
    def record(self) -> dict[str, Any]:
        """record.json: the MLflow run's id, durations, the config's `SETTINGS`; {} if it is of other weights."""
        record = self._stored(RECORD, "remove it, and the run is recorded anew when it is evaluated")
        return record if record.get("weights") == self._stored("run.json").get("weights") else {}

    @property
    def removed(self) -> dict[str, Any]:
        """removed.json: the ``time`` and ``reason`` of the removal of these weights; {} where they were not removed."""
        removed = self._stored(REMOVED)
        return removed if removed.get("weights") == self._stored("run.json").get("weights") else {}

    def refuse_removed(self) -> None:
        """Raises: RemovedError if the weights were removed."""
        if removed := self.removed:
            raise RemovedError(
                f"the weights of the run in {self.folder} were removed by gc on {removed['time'][:10]}; its figures "
                f"and predictions are kept. To train it again, remove the file {REMOVED} in that folder and give its "
                "command, or that of its study, once more"
            )

    def _stored(self, name: str, remedy: str = "train it again") -> dict[str, Any]:
        try:
            loaded = json.loads(self.path(name).read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            loaded = None
        if not isinstance(loaded, dict):
            raise DamagedError(f"the run in {self.folder} is damaged ({name} cannot be read): {remedy}")
        if not is_unchanged(loaded):
            raise DamagedError(f"the run in {self.folder} is damaged ({name} was changed): {remedy}")
        return loaded

    @property
    def metrics(self) -> dict[str, Any]:
        """What evaluation/metrics.json says by part: {} if these weights were not evaluated yet, by this version.

        Raises: DamagedError, here and for the predictions, if evaluation wrote another.
        """
        metrics: dict[str, Any] = json.loads(self._evaluated("metrics.json") or "{}")
        return metrics

    @property
    def predictions(self) -> str:
        """What evaluation/predictions.csv holds; "" where there are no metrics."""
        return self._evaluated("predictions.csv").decode("utf8", "surrogateescape")

    def _evaluated(self, name: str) -> bytes:
        return read_evaluated(self.folder, name, self._stored("run.json").get("weights", ""))

    @property
    def parts(self) -> np.ndarray:
        """(N,) the part of each row of the pack."""
        return np.array(self.path("parts.csv").read_text(encoding="utf8").split()[1:])

    @property
    def history(self) -> dict[str, np.ndarray]:
        """The learning curves: column name → (epochs,); ``epoch`` counts from 1."""
        try:
            with self.path("history.csv").open(encoding="utf8", newline="") as file:
                header, *lines = csv.reader(file)
            return dict(zip(header, np.array(lines, float).T, strict=True))
        except ValueError:
            raise damaged(self.folder, "history.csv") from None

    def write(self, name: str, text: str) -> None:
        """Write one file whole or not at all."""
        whole_file(self.path(name), text)

    def clear(self) -> None:
        """Remove what an earlier run left here."""
        for name in (*FILES, RECORD, REMOVED):
            self.path(name).unlink(missing_ok=True)
        for path in (self.path(CHECKPOINT), *self.folder.glob(PROFILES)):
            path.unlink(missing_ok=True)
        leave_out_artifacts(self.folder)
        for name in ("evaluation", EVENTS):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def write_config(self, config: RunConfig) -> None:
        """Write config.yaml, and into record.json what of it is only a setting."""
        plain = config.to_dict()
        self.write_record(settings={name: plain[name] for name in SETTINGS})
        kept = {name: value for name, value in plain.items() if name not in SETTINGS}
        self.write("config.yaml", without_password(yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)))

    def write_facts(self, facts: dict[str, Any]) -> None:
        """Write run.json, with `FORMAT` and the hashes of what is there, and into record.json what is `RECORDED`."""
        kept = {name: value for name, value in facts.items() if name not in (*RECORDED, CHECKSUM)}
        recorded = {name: value for name, value in facts.items() if name in RECORDED}
        self.write_record(**recorded, weights=facts.get("weights"))
        kept |= {"format": FORMAT, "files": file_hashes(self.folder, HASHED)}
        self.write("run.json", json.dumps(with_checksum(kept), indent=1) + "\n")

    def write_record(self, **values: Any) -> None:
        """Add ``values`` to record.json."""
        known = {"weights": self._stored("run.json").get("weights"), **self.record}
        kept = json.loads(without_password(json.dumps(known | values)))
        self.write(RECORD, json.dumps(with_checksum(kept), indent=1) + "\n")

    def note_refused(self, lines: Sequence[str]) -> None:
        """Let record.json say what MLflow has refused of what this command recorded."""
        if [*lines] != self.record.get("refused", []):
            self.write_record(refused=[*lines])

    def mark_removed(self, reason: str, time: str) -> None:
        """Let removed.json say that these weights are removed from now on. time: in UTC, as ISO 8601 has it."""
        facts = {"weights": self.facts["weights"], "time": time, "reason": reason}
        self.write(REMOVED, json.dumps(with_checksum(facts), indent=1) + "\n")

    def weights_hash(self) -> str:
        """SHA-256 of model.pt."""
        return file_hashes(self.folder, [WEIGHTS])[WEIGHTS]

    def weights(self) -> bytes:
        """What model.pt holds. Raises: DamagedError if training wrote another; RemovedError if it was removed."""
        self.refuse_removed()
        content = self.path(WEIGHTS).read_bytes()
        check_content(self.folder, WEIGHTS, content, self.facts.get("weights", ""))
        return content
