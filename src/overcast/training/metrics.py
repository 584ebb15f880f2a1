"""What is measured, by one routine for every part: a torchmetrics collection, and the gap.

All on logits (B, K) and class indices (B,); averaged over samples unless said otherwise.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import Metric, MetricCollection
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassCalibrationError,
    MulticlassF1Score,
    MulticlassPrecision,
    MulticlassRecall,
)

CALIBRATION_BINS = 15
"""Bins of confidence, equally wide from 0 to 1, of the expected calibration error (Guo et al. 2017)."""


class SampleMean(Metric, ABC):
    """The mean over samples of a score of each one."""

    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    @abstractmethod
    def score(self, logits: Tensor, target: Tensor) -> Tensor:
        """That of each sample (B,)."""

    def update(self, logits: Tensor, target: Tensor) -> None:
        self.total += self.score(logits, target).sum()
        self.count += len(target)

    def compute(self) -> Tensor:
        return (self.total / self.count).float()


class NegativeLogLikelihood(SampleMean):
    """−log p of the true class, in nats: the plain cross-entropy."""

    higher_is_better = False

    def score(self, logits: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(logits, target, reduction="none")


class Brier(SampleMean):
    """Σ_k (p_k − [k is true])², from 0 to 2 (Brier 1950)."""

    higher_is_better = False

    def score(self, logits: Tensor, target: Tensor) -> Tensor:
        hot = F.one_hot(target, logits.shape[-1])
        return (logits.softmax(-1) - hot).square().sum(-1)


class CalibrationError(MulticlassCalibrationError):
    """Expected calibration error over bins of confidence."""

    def update(self, preds: Tensor, target: Tensor) -> None:
        # torchmetrics guesses from the values whether it was given logits; so give it probabilities
        super().update(preds.softmax(-1), target)


def epoch_metrics(classes: int) -> MetricCollection:
    """nll (negative log-likelihood) and accuracy: what an epoch shows."""
    return MetricCollection(_nll_and_accuracy(classes), compute_groups=False)


def metric_collection(classes: int) -> MetricCollection:
    """nll (negative log-likelihood), accuracy, macro_f1, brier, ece."""
    return MetricCollection(
        {
            **_nll_and_accuracy(classes),
            "macro_f1": MulticlassF1Score(classes, average="macro"),
            "brier": Brier(),
            "ece": CalibrationError(classes, n_bins=CALIBRATION_BINS),
        },
        compute_groups=False,
    )


def _nll_and_accuracy(classes: int) -> dict[str, Metric | MetricCollection]:
    return {"nll": NegativeLogLikelihood(), "accuracy": MulticlassAccuracy(classes, average="micro")}


def per_class(classes: tuple[str, ...]) -> MetricCollection:
    """Precision and recall of each class."""
    return MetricCollection(
        {
            "precision": MulticlassPrecision(len(classes), average=None),
            "recall": MulticlassRecall(len(classes), average=None),
        }
    )


def gap(train: dict[str, float], unseen: dict[str, float]) -> dict[str, float]:
    """By how much the figures of the train part are better than those of a part that was not trained on.

    accuracy: train − unseen. nll: unseen − train, in nats. Overfitting shows as a number above zero in both.
    """
    return {"accuracy": train["accuracy"] - unseen["accuracy"], "nll": unseen["nll"] - train["nll"]}
