"""Every figure against scikit-learn or a few plain lines, in one batch and in many, sharp, unsure and one-sided."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn import metrics as sklearn

from overcast.config.metric_options import metric_options
from overcast.core.errors import UserError
from overcast.core.paths import ROOT
from overcast.training.metrics import CALIBRATION_BINS, epoch_metrics, gap, measure_metrics, per_class


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
        "balanced_accuracy": (
            sklearn.balanced_accuracy_score(y, guess)
            if len(seen) == len(np.unique(y))
            else sklearn.recall_score(y, guess, labels=seen, average="macro", zero_division=0)
        ),
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


@pytest.mark.parametrize("case", ["plain", "sharp", "unsure", "one class"])
def test_against_the_outside(case: str) -> None:
    logits, target = drawn(case)
    found = measure_metrics(logits, target)
    assert found.values == pytest.approx(expected(logits.double().softmax(-1).numpy(), target.numpy()), abs=2e-6)
    assert not found.notes


@pytest.mark.parametrize("batches", [1, 7])
def test_an_epoch_shows_what_is_measured_at_the_end(batches: int) -> None:
    logits, target = drawn("plain")
    epoch = epoch_metrics(4)
    for some, true in zip(logits.chunk(batches), target.chunk(batches), strict=True):
        epoch.update(some, true)
    shown = {name: float(value) for name, value in epoch.compute().items()}
    measured = measure_metrics(logits, target).values
    assert shown == pytest.approx({name: measured[name] for name in ("nll", "accuracy")}, abs=1e-6)
    assert metric_options()["ece"].option.values["n_bins"] == CALIBRATION_BINS


def test_calibration_of_logits_that_look_like_probabilities() -> None:
    logits = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    target = torch.tensor([0, 1, 1])
    p = logits.double().softmax(-1).numpy()
    assert measure_metrics(logits, target).values["ece"] == pytest.approx(expected(p, target.numpy())["ece"], abs=1e-6)


def test_very_wrong_and_sure_is_finite() -> None:
    found = measure_metrics(torch.tensor([[500.0, 0, 0]]), torch.tensor([1])).values
    assert found["nll"] == pytest.approx(500)
    assert found["brier"] == pytest.approx(2)


def test_each_class_against_scikit_learn() -> None:
    logits, target = drawn("plain")
    found, guess = per_class(logits, target), logits.argmax(1)
    precision, recall, *_ = sklearn.precision_recall_fscore_support(target, guess, zero_division=0)
    assert found["precision"] == pytest.approx(precision, abs=1e-6)
    assert found["recall"] == pytest.approx(recall, abs=1e-6)


def test_two_collections_do_not_share_what_they_saw() -> None:
    one, other = epoch_metrics(3), epoch_metrics(3)
    one.update(torch.eye(3), torch.arange(3))
    other.update(torch.eye(3), torch.tensor([1, 2, 0]))
    assert (float(one.compute()["accuracy"]), float(other.compute()["accuracy"])) == (1.0, 0.0)


def test_the_gap_is_above_zero_where_the_train_part_does_better() -> None:
    found = gap({"nll": 0.1, "accuracy": 0.9}, {"nll": 0.5, "accuracy": 0.7})
    assert found == pytest.approx({"nll": 0.4, "accuracy": 0.2})


AUROC = "_target_: torchmetrics.classification.MulticlassAUROC\n"


@pytest.fixture
def metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Writes conf/metric/own.yaml beside the others, in a project of the test's own."""
    shutil.copytree(ROOT / "conf" / "metric", tmp_path / "conf" / "metric")
    monkeypatch.setattr("overcast.config.metric_options.ROOT", tmp_path)
    return lambda text: (path := tmp_path / "conf/metric/own.yaml", path.write_text(text))[0]


def test_a_file_alone_is_a_metric(metric: Callable[[str], Path]) -> None:
    metric(f"{AUROC}average: macro\n")
    logits, target = drawn("plain")
    p = logits.double().softmax(-1).numpy()
    auroc = sklearn.roc_auc_score(target.numpy(), p, multi_class="ovr", average="macro")
    assert measure_metrics(logits, target).values["own"] == pytest.approx(auroc, abs=1e-5)
    # that look like probabilities, and are none
    logits = logits / 40 + 0.5
    auroc = sklearn.roc_auc_score(target.numpy(), logits.double().softmax(-1).numpy(), multi_class="ovr")
    assert measure_metrics(logits, target).values["own"] == pytest.approx(auroc, abs=1e-4)


def test_what_cannot_be_computed_is_nan_and_says_why(metric: Callable[[str], Path]) -> None:
    metric(AUROC)
    logits, target = drawn("plain")
    found = measure_metrics(logits[target != 2], target[target != 2])
    assert np.isnan(found.values["own"])
    assert "No positive samples" in found.notes["own"]
    assert found.notes.keys() == {"own"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("_target_: torchmetrics.classification.BinaryAUROC\n", "takes no num_classes: choose one of Multiclass"),
        (f"{AUROC}average: macr\n", r"metric=own: Expected argument `average` .* \(see conf/metric/own.yaml\)"),
        (f"{AUROC}averge: macro\n", "metric=own: Unexpected keyword arguments: `averge`"),
        (f"{AUROC}average: null\n", "metric=own gives no single number"),
        (f"{AUROC}num_classes: 4\n", "num_classes is the data's"),
        (
            "_target_: torchmetrics.classification.MulticlassCohenKappa\n",
            r"metric=own is -0\.\d+, outside its range 0 to 1: say what it is in conf/metric/own.yaml",
        ),
    ],
)
def test_a_mistake_in_a_file_is_one_message(metric: Callable[[str], Path], text: str, said: str) -> None:
    metric(text)
    logits, target = drawn("plain")
    with pytest.raises(UserError, match=said):
        measure_metrics(-logits, target)


def test_many_classes_take_no_table_of_their_squares(monkeypatch: pytest.MonkeyPatch) -> None:
    """It took gigabytes, and minutes, in a process that had trained."""
    monkeypatch.setattr(torch.Tensor, "repeat", lambda *_: pytest.fail("a table of samples × classes²"))
    logits, target = torch.randn(200, 300, generator=torch.Generator().manual_seed(0)), torch.arange(200)
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        assert 0 <= measure_metrics(logits, target).values["accuracy"] <= 1
        assert {name: values.shape for name, values in per_class(logits, target).items()} == {
            "precision": (300,), "recall": (300,),
        }  # fmt: skip
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
