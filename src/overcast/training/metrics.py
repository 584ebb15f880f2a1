"""What is measured, by one routine for every part: the metrics of ``conf/metric``, and the gap.

All on logits (B, K) and class indices (B,); averaged over samples unless said otherwise.
"""

from __future__ import annotations

import inspect
import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import Metric, MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassPrecision, MulticlassRecall
from torchmetrics.utilities.exceptions import TorchMetricsUserWarning

from overcast.config.metric_options import MetricOption, metric_options
from overcast.core.errors import UserError

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


def epoch_metrics(classes: int) -> MetricCollection:
    """nll (negative log-likelihood) and accuracy: what an epoch shows."""
    return MetricCollection(
        {"nll": NegativeLogLikelihood(), "accuracy": MulticlassAccuracy(classes, average="micro")}, compute_groups=False
    )


class Measurement(NamedTuple):
    """The value of each metric, and why it has none where it could not be computed and is NaN; both by name."""

    values: dict[str, float]
    notes: dict[str, str]


def measure_metrics(logits: Tensor, target: Tensor) -> Measurement:
    """Every metric that there is a file for in ``conf/metric``.

    What torchmetrics cannot compute, or computes with a warning, such as a mean over classes one of which has no sample
    here, is NaN: it would not be comparable.

    Raises: UserError if a file names no such metric, or its class gives no single number in its range.
    """
    measurement = Measurement({}, {})
    for name, option in metric_options().items():
        metric = build_metric(option, logits.shape[-1])
        with counting():
            value, note = _measure(name, metric, logits, target)
        low, high = option.range
        if not (math.isnan(value) or low - 1e-6 <= value <= high + 1e-6):
            raise UserError(
                f"metric={name} is {value:.4g}, outside its range {low:g} to {high:g}: say what it is in "
                f"conf/metric/{name}.yaml, such as range: [-1, 1], null for no end"
            )
        measurement.values[name] = value
        measurement.notes.update({name: note} if note else {})
    return measurement


@contextmanager
def counting() -> Iterator[None]:
    """Let torchmetrics count with `torch.bincount`, inside the block.

    Where torch is to be deterministic, as in training, it fills a table of samples × classes² instead: gigabytes for
    500 classes. What is counted are whole numbers, whose sum is the same in any order.
    """
    asked = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(asked[0], warn_only=asked[1])


def build_metric(option: MetricOption, classes: int) -> Metric:
    """The metric of a file, for so many classes.

    Raises: UserError if its class is no metric of a number of classes, or does not take its numbers.
    """
    name, group = option.option.name, f"metric={option.option.name}"
    metric = option.option.checked_class("metric", Metric)  # type: ignore[type-abstract]
    numbers = dict(option.option.values)
    if not issubclass(metric, SampleMean):
        if "num_classes" not in inspect.signature(metric).parameters:
            raise UserError(f"{group}: {option.option.target} takes no num_classes: choose one of Multiclass…")
        if "num_classes" in numbers:
            raise UserError(f"{group}: num_classes is the data's: leave it out of conf/metric/{name}.yaml")
        numbers["num_classes"] = classes
    try:
        return metric(**numbers)
    except (TypeError, ValueError) as error:
        raise UserError(f"{group}: {' '.join(str(error).split())} (see conf/metric/{name}.yaml)") from None


def _measure(name: str, metric: Metric, logits: Tensor, target: Tensor) -> tuple[float, str]:
    # torchmetrics guesses from the values whether it is given logits: of log-probabilities one at least is below zero
    given = logits if isinstance(metric, SampleMean) else logits.log_softmax(-1)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            metric.update(given, target)
            value = metric.compute()
        except Exception as error:  # whatever a class of torchmetrics raises for data that it cannot be computed on
            return math.nan, " ".join(str(error).split())
    if not (isinstance(value, Tensor) and value.numel() == 1):
        raise UserError(f"metric={name} gives no single number: choose an average, or another class")
    notes = [str(each.message) for each in warned if issubclass(each.category, UserWarning | TorchMetricsUserWarning)]
    if notes or not value.isfinite():
        return math.nan, " ".join([*notes, *([] if notes else ["not a finite number"])])
    return float(value), ""


def per_class(logits: Tensor, target: Tensor) -> dict[str, np.ndarray]:
    """Precision and recall of each class (K,)."""
    classes = logits.shape[-1]
    metrics = {
        "precision": MulticlassPrecision(classes, average=None),
        "recall": MulticlassRecall(classes, average=None),
    }
    with counting():
        return {name: metric(logits, target).numpy() for name, metric in metrics.items()}


def gap(train: dict[str, float], unseen: dict[str, float]) -> dict[str, float]:
    """By how much the figures of the train part are better than those of a part that was not trained on.

    accuracy: train − unseen. nll: unseen − train, in nats. Overfitting shows as a number above zero in both.
    """
    return {"accuracy": train["accuracy"] - unseen["accuracy"], "nll": unseen["nll"] - train["nll"]}
