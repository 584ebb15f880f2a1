"""What a model's predictions in use are compared with: those for the validation part, which it was not trained on.

``reference.jsonl`` lies with a registered model, in the format of a prediction log. Of a study's winner, trained again
on train + validation, the answers are those of the study's runs, each to its own fold's validation part: of what a
network was trained on it is surer than of anything in use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from overcast.core.errors import UserError
from overcast.core.spacing import evenly_spaced
from overcast.core.spec import UNKNOWN
from overcast.data import build_dataset
from overcast.prepare.folds import VALIDATION
from overcast.prepare.pack import Pack
from overcast.serving.input_features import Features, input_features
from overcast.serving.prediction_log import ModelIdentity, json_line, prediction
from overcast.tracking.run_folder import Run

FILE = "reference.jsonl"

MOST = 5000
"""Samples, evenly spaced: more would tell no difference that matters."""


def run_identity(run: Run) -> ModelIdentity:
    """As the network that is exported from it says."""
    facts = run.facts
    return ModelIdentity.of(facts["name"], facts["id"], facts["weights"], facts["fingerprint"])


def measure_reference(runs: Sequence[Run], model: ModelIdentity) -> str:
    """The lines of a reference: each run on its validation part, a sample that several share once.

    model: whose reference it is.

    Raises: UserError if no run has a validation part, or the data of one is not here; DivergedError if the answers of
    one are no finite numbers.
    """
    from overcast.evaluation.evaluate import measure
    from overcast.prediction.trained_network import open_run_pack
    from overcast.training.feature_cache import restore_for_measuring

    lines: list[str] = []
    for number, rows in _chosen_rows(runs).items():
        run, pack = runs[number], open_run_pack(runs[number])
        features = PackFeatures.of(pack, bool(build_dataset(run.config.data).vocabulary))
        probabilities = measure(*restore_for_measuring(run, pack), rows).probabilities
        lines += [
            json_line(model, prediction(p, pack.spec.classes, features.of_row(row)))
            for row, p in zip(rows.tolist(), probabilities, strict=True)
        ]
    if not lines:
        raise UserError(
            f"{model.name} has no validation part to be compared with: it was trained on train + validation. Name the "
            "registered model instead (model=models:/…), which has a reference of its own"
        )
    return "".join(lines)


def _chosen_rows(runs: Sequence[Run]) -> dict[int, np.ndarray]:
    """Of each run, by its number, the rows of the pack that it stands for."""
    run_of_row: dict[int, int] = {}
    for number, run in enumerate(runs):
        for row in np.flatnonzero(run.parts == VALIDATION).tolist():
            run_of_row.setdefault(row, number)
    chosen: dict[int, list[int]] = {}
    for row, number in evenly_spaced([*run_of_row.items()], MOST):
        chosen.setdefault(number, []).append(row)
    return {number: np.array(rows) for number, rows in chosen.items()}


@dataclass(frozen=True)
class PackFeatures:
    """The features of a pack's rows as those of new samples would be.

    counts: (ids,) how often a word is in the pack. A word of a new text is known if the pack has it more than once;
    so a word of the pack's own is not if there it stands but once besides. None where the vocabulary is given.
    """

    pack: Pack
    counts: np.ndarray | None

    @classmethod
    def of(cls, pack: Pack, given_vocabulary: bool) -> PackFeatures:
        learned = pack.spec.kind == "tokens" and not given_vocabulary
        return cls(pack, np.bincount(pack.values, minlength=pack.spec.ids) if learned else None)

    def of_row(self, row: int) -> Features:
        x, length = self.pack.gather(np.array([row]))
        sample = x[0] if self.pack.spec.kind == "image" else x[0][: length[0]]
        if self.counts is not None:
            elsewhere = self.counts[sample] - np.bincount(sample, minlength=len(self.counts))[sample]
            sample = np.where(elsewhere < 2, UNKNOWN, sample)
        return input_features(sample, self.pack.spec)
