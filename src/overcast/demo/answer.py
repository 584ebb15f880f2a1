"""What a trained run says of one file: a class, how sure it is, whether it had better not answer, and what is beside.

Everything is given as a page takes it: plain dictionaries of texts and numbers, in the language that is used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np

from overcast.core.console import in_language
from overcast.core.errors import UserError
from overcast.core.words import translate
from overcast.data import DataSet, build_dataset
from overcast.demo.doubts import Doubts
from overcast.demo.explanation import Explainer
from overcast.demo.nearest import NearestSamples
from overcast.demo.other_networks import OtherNetwork
from overcast.demo.shown_sample import shown
from overcast.prediction.predictor import Answer, Predictor, answers
from overcast.prediction.reading import read_content
from overcast.tracking.run_folder import Run

MOST_CLASSES = 10
"""Of more, the most probable ones are shown."""


@dataclass
class Demo:
    """A run and all that stands beside its answer. One file is answered at a time.

    nearest: or why there are none. name: what the page calls a model that is no single run.

    Raises: UserError, whose text is one sentence for the page, from `answer` and `explain` for what cannot be read.
    """

    predictor: Predictor
    doubts: Doubts
    nearest: NearestSamples | str
    others: list[OtherNetwork]
    explainer: Explainer | None
    name: str = ""
    lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.dataset: DataSet = build_dataset(self.predictor.data)

    @property
    def run(self) -> Run | None:
        """The one run that answers; None for several as one, and for an exported or registered model."""
        return single_run(self.predictor)

    def answer(self, content: bytes) -> dict[str, Any]:
        """``label``, ``probability``, ``classes``, ``doubts``, ``sample``, ``nearest`` and ``others``."""
        with self.lock:
            sample, found = self._answered(content)
            classes, best = self.predictor.spec.classes, int(found.probabilities.argmax())
            order = np.argsort(-found.probabilities, kind="stable")[:MOST_CLASSES]
            return {
                "label": classes[best],
                "probability": float(found.probabilities[best]),
                "classes": [{"name": classes[k], "probability": float(found.probabilities[k])} for k in order],
                "rest": self._rest(len(classes)),
                "calibration": self.doubts.calibration,
                "doubts": self.doubts.of(found.probabilities, found.features),
                "sample": shown(sample, self.predictor.spec),
                "nearest": self._nearest(found.features),
                "others": self._others(sample, classes[best]),
            }

    def explain(self, content: bytes) -> dict[str, Any]:
        """``text`` and, of a sentence, ``words`` with what each is worth, or else an ``image``."""
        if self.explainer is None:
            return {"text": translate("There is no explanation: that takes a single run, with its weights.")}
        with self.lock:
            sample, found = self._answered(content)
            return self.explainer.explain(sample, found.probabilities)

    def _answered(self, content: bytes) -> tuple[np.ndarray, Answer]:
        sample = read_content(self.dataset, self.predictor.spec, content)
        found = next(answers(self.predictor, [sample]))
        if isinstance(found, str) or isinstance(sample, str):
            reason = in_language(str(found)).rstrip(".")
            raise UserError(translate("This cannot be read: {reason}.", reason=reason))
        return sample, found

    def _rest(self, number: int) -> str:
        if number <= MOST_CLASSES:
            return ""
        return translate("{number} further classes are less probable.", number=number - MOST_CLASSES)

    def _nearest(self, features: np.ndarray | None) -> dict[str, Any]:
        if isinstance(self.nearest, str) or features is None:
            return {"text": self.nearest, "samples": []}
        return {"text": self.nearest.text, "samples": self.nearest.of(features)}

    def _others(self, sample: np.ndarray, label: str) -> dict[str, Any]:
        said = [row for other in self.others if (row := other.answer(sample))]
        agreeing = sum(each["label"] == label for each in said)
        text = translate("There is no other network's run of the same data.")
        if said:
            text = translate(
                "The best run of each other network on the same data, by its validation part: {agreeing} of {number} "
                "give the same class.", agreeing=agreeing, number=len(said),
            )  # fmt: skip
        return {"text": text, "rows": said}


def single_run(predictor: Predictor) -> Run | None:
    """The one run that a predictor is made of, if it is."""
    return predictor.runs[0] if len(predictor.runs) == 1 else None
