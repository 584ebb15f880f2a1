"""Every figure against scikit-learn or a few plain lines, in one batch and in many, sharp, unsure and one-sided."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn import metrics as sklearn

from overcast.training.metrics import gap, metric_collection, per_class


def drawn(case: str, number: int = 200, classes: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(3)
    target = rng.integers(0, classes if case != "one class" else 1, number)
    logits = rng.normal(0, {"sharp": 3.0, "unsure": 0.05}.get(case, 1.0), (number, classes))
    logits[np.arange(number), target] += 1
    return torch.from_numpy(logits).float(), torch.from_numpy(target)


def expected(p: np.ndarray, y: np.ndarray) -> dict[str, float]:
    classes, guess = p.shape[1], p.argmax(1)
    seen = np.union1d(y, guess)
    return {
        "nll": sklearn.log_loss(y, p, labels=range(classes)),
        "accuracy": sklearn.accuracy_score(y, guess),
        "macro_f1": sklearn.f1_score(y, guess, labels=seen, average="macro", zero_division=0),
        "brier": float(np.mean([sum((p[i, k] - (y[i] == k)) ** 2 for k in range(classes)) for i in range(len(y))])),
        "ece": reference_ece(p.max(1), guess == y),
    }


def reference_ece(sure: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    total = 0.0
    for low in np.arange(bins) / bins:
        inside = (sure > low) & (sure <= low + 1 / bins)
        if inside.any():
            total += inside.mean() * abs(sure[inside].mean() - right[inside].mean())
    return total


@pytest.mark.parametrize("batches", [1, 7])
@pytest.mark.parametrize("case", ["plain", "sharp", "unsure", "one class"])
def test_against_the_outside(case: str, batches: int) -> None:
    logits, target = drawn(case)
    measure = metric_collection(4)
    for some, true in zip(logits.chunk(batches), target.chunk(batches), strict=True):
        measure.update(some, true)
    found = {name: float(value) for name, value in measure.compute().items()}
    assert found == pytest.approx(expected(logits.double().softmax(-1).numpy(), target.numpy()), abs=2e-6)


def test_calibration_of_logits_that_look_like_probabilities() -> None:
    logits = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    target = torch.tensor([0, 1, 1])
    p = logits.double().softmax(-1).numpy()
    assert float(metric_collection(2)(logits, target)["ece"]) == pytest.approx(
        expected(p, target.numpy())["ece"], abs=1e-6
    )


def test_very_wrong_and_sure_is_finite() -> None:
    found = metric_collection(3)(torch.tensor([[500.0, 0, 0]]), torch.tensor([1]))
    assert float(found["nll"]) == pytest.approx(500)
    assert float(found["brier"]) == pytest.approx(2)


def test_each_class_against_scikit_learn() -> None:
    logits, target = drawn("plain")
    found, guess = per_class(("a", "b", "c", "d"))(logits, target), logits.argmax(1)
    precision, recall, *_ = sklearn.precision_recall_fscore_support(target, guess, zero_division=0)
    assert found["precision"].numpy() == pytest.approx(precision, abs=1e-6)
    assert found["recall"].numpy() == pytest.approx(recall, abs=1e-6)


def test_two_collections_do_not_share_what_they_saw() -> None:
    one, other = metric_collection(3), metric_collection(3)
    one.update(torch.eye(3), torch.arange(3))
    other.update(torch.eye(3), torch.tensor([1, 2, 0]))
    assert (float(one.compute()["accuracy"]), float(other.compute()["accuracy"])) == (1.0, 0.0)


def test_the_gap_is_above_zero_where_the_train_part_does_better() -> None:
    found = gap({"nll": 0.1, "accuracy": 0.9}, {"nll": 0.5, "accuracy": 0.7})
    assert found == pytest.approx({"nll": 0.4, "accuracy": 0.2})
