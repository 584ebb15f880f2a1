"""A loss that is no number ends a run by its epoch and step, with no look at the device before the epoch's end."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from overcast.core.errors import DivergedError, UserError
from overcast.evaluation.evaluate import evaluate
from overcast.model.ann import ANN
from overcast.prediction.predict import predict
from overcast.tracking.finished_run import load_run
from overcast.tracking.run_folder import Run
from overcast.training.divergence import SKIPPED, StopDiverged, first_bad
from overcast.training.train import train

NAN = float("nan")
STEPS = 5
"""Of an epoch of the tiny skies: 80 samples in batches of 16."""


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a loss that is not finite at these steps, counted from 0 over the whole run."""

    def fails(*steps: int, value: float = NAN) -> None:
        plain, count = ANN.loss, iter(range(10**6))

        def loss(self: ANN, logits: Tensor, target: Tensor) -> Tensor:
            found = plain(self, logits, target)
            return found * value if next(count) in steps else found

        monkeypatch.setattr(ANN, "loss", loss)

    return fails


@pytest.mark.parametrize("value", [NAN, float("inf"), float("-inf")])
@pytest.mark.parametrize(
    ("step", "where"), [(3, "epoch 1, step 4 of 5"), (5, "epoch 2, step 1 of 5"), (9, "epoch 2, ")]
)
def test_epoch_and_step_are_named_and_what_to_try(
    config: Any, failing: Any, step: int, where: str, value: float
) -> None:
    failing(step, value=value)
    with pytest.raises(DivergedError, match=rf"the loss is not finite in {where}.*Try a lower lr \(it was 0.01\)"):
        train(config("epochs=3"))


def test_an_epoch_that_is_not_looked_at_is_checked_too(config: Any, failing: Any) -> None:
    failing(0)
    with pytest.raises(DivergedError, match="in epoch 1, step 1 of"):
        train(config("epochs=4", "measure_every=2"))


def test_the_first_of_several_is_named(config: Any, failing: Any) -> None:
    failing(2, 3)
    with pytest.raises(DivergedError, match="epoch 1, step 3 of 5"):
        train(config())


def test_what_is_wrong_from_the_start_is_the_data(config: Any, failing: Any) -> None:
    failing(0)
    with pytest.raises(
        DivergedError, match=r"epoch 1, step 1 of 5\. Nothing had been learned by then: look for values"
    ):
        train(config())


def test_an_infinite_variance_is_found_though_every_loss_is_finite(config: Any) -> None:
    with pytest.raises(DivergedError, match=r"the weights after epoch \d are not finite numbers. Try a lower lr"):
        train(config("model=cnn", "model.width=4", "mitigation=batch_norm", "lr=1e10"))


def test_weights_that_the_last_step_broke_are_found_when_measured(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = StopDiverged.on_validation_start

    def broken(self: StopDiverged, trainer: Any, module: Any) -> None:
        real(self, trainer, module)
        with torch.no_grad():
            next(module.net.parameters()).fill_(NAN)

    monkeypatch.setattr(StopDiverged, "on_validation_start", broken)
    with pytest.raises(DivergedError, match=r"train/\w+ and validation/\w+ of the weights after epoch 1 is not finite"):
        train(config())


@pytest.mark.parametrize("mitigation", ["early_stopping", "averaging", "sam", "[early_stopping,averaging,max_norm]"])
def test_no_mitigation_hides_it(config: Any, failing: Any, mitigation: str) -> None:
    failing(*range(7, 100))
    with pytest.raises(DivergedError, match="the loss is not finite in epoch"):
        train(config("epochs=4", f"mitigation={mitigation}"))


def test_a_learning_rate_that_is_far_too_high(config: Any, tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"Try a lower lr \(it was 1e\+10\)"):
        train(config("model=cnn", "model.width=4", "lr=1e10", f"run={tmp_path}/mine"))
    with pytest.raises(UserError, match="its training did not finish"):
        load_run(tmp_path / "mine")


def test_pretraining_that_diverges_is_told_by_its_own_rate(config: Any) -> None:
    with pytest.raises(DivergedError, match=r"Try a lower mitigation.pretraining.lr \(it was 1e\+30\)"):
        train(config("mitigation=pretraining", "mitigation.pretraining.lr=1e30", "model=cnn", "model.width=4"))


def test_overflow_is_tolerated_where_a_scaler_leaves_the_step_out() -> None:
    losses = torch.ones(20)
    assert first_bad(losses, skipping=True) == first_bad(losses, skipping=False) == 20
    losses[[4, 9]] = torch.tensor([NAN, float("inf")])
    assert first_bad(losses, skipping=False) == 4
    assert first_bad(losses, skipping=True) == 20
    losses[-1] = NAN  # and it stays so
    assert first_bad(losses, skipping=True) == 4
    losses[-1] = 1.0
    losses[4 : 4 + SKIPPED + 1] = NAN
    assert first_bad(losses, skipping=True) == 4


def test_precision_is_advised_where_it_is_not_full() -> None:
    assert "trainer.precision=32-true" in StopDiverged(0.1, "16-mixed").advice()
    assert "precision" not in StopDiverged(0.1, "32-true").advice()


def test_losses_are_looked_at_once_an_epoch(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a step does not ask, no device has to answer."""
    looks: list[int] = []
    real = first_bad

    def counted(losses: Tensor, skipping: bool) -> int:
        looks.append(len(losses))
        return real(losses, skipping)

    monkeypatch.setattr("overcast.training.divergence.first_bad", counted)
    train(config("epochs=3"))
    assert looks == [STEPS] * 3


@pytest.fixture
def broken(config: Any) -> Run:
    """A run as an older version left it: whole, its weights no numbers."""
    run = train(config("epochs=1"))
    state = torch.load(run.path("model.pt"), weights_only=True)
    next(iter(state["net"].values())).fill_(NAN)
    torch.save(state, run.path("model.pt"))
    run.write_facts(run.facts | {"weights": run.weights_hash()})
    return run


def test_a_run_with_broken_weights_is_one_message(broken: Run, tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "a.png")
    said = "diverged: its weights are not finite numbers. Train again with a lower lr"
    with pytest.raises(DivergedError, match=said):
        evaluate(broken)
    with pytest.raises(DivergedError, match=said):
        predict(broken, str(tmp_path / "a.png"), str(tmp_path / "out.csv"))
    assert not (tmp_path / "out.csv").exists()
    assert not (broken.folder / "evaluation").exists()


def test_answers_that_are_no_numbers_are_errors(config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(config("epochs=1"))
    plain = ANN.forward
    monkeypatch.setattr(ANN, "forward", lambda *given: plain(*given) * NAN)
    with pytest.raises(DivergedError, match="no finite answer to 80 of 80 samples"):
        evaluate(run)
    Image.new("RGB", (16, 16)).save(tmp_path / "a.png")
    assert predict(run, str(tmp_path / "a.png"), str(tmp_path / "out.csv")) == 1
    with (tmp_path / "out.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["label"], row["shine"]) == ("", "")
    assert "no finite answer" in row["error"]
