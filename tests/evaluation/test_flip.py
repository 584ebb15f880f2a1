"""The answers with the mirror image are measured beside the plain ones, which stay the run's figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss

from overcast.core.errors import UserError
from overcast.evaluation.evaluate import evaluate
from overcast.evaluation.summary import table
from overcast.prediction.ensemble import restore_together
from overcast.prediction.trained_network import open_config_pack
from overcast.training.train import train


def test_figures_with_the_mirror_image(config: Any) -> None:
    run = train(config())
    plain = evaluate(run, pictures=False)
    metrics = evaluate(run, pictures=False, flip=True)
    told = metrics.pop("flip")
    assert metrics == plain
    pack, rows = open_config_pack(run.config), np.flatnonzero(run.parts == "test")
    x, length = (torch.from_numpy(array) for array in pack.gather(rows))
    with torch.inference_mode():
        p = restore_together([run], flip=True)(x, length).exp().numpy()
    assert told["accuracy"] == pytest.approx(accuracy_score(pack.labels[rows], p.argmax(1)))
    assert told["nll"] == pytest.approx(log_loss(pack.labels[rows], p, labels=range(5)), abs=1e-6)
    assert told["nll_change"] == pytest.approx(told["nll"] - plain["test"]["nll"], abs=1e-5)
    assert told["nll_change_low"] <= told["nll_change"] <= told["nll_change_high"]
    assert "with each test picture's mirror image" in table(run, metrics | {"flip": told})


def test_only_pictures_have_one(config: Any) -> None:
    with pytest.raises(UserError, match="flip=true mirrors pictures, and data=waves is of kind sequence"):
        evaluate(train(config("data=waves", "epochs=1")), pictures=False, flip=True)
