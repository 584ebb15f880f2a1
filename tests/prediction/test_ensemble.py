"""Several networks answer with their mean probabilities, one with its mirror image; other data is refused."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from overcast.core.errors import UserError
from overcast.prediction.ensemble import mean_log_probabilities, restore_together
from overcast.prediction.trained_network import open_config_pack, restore
from overcast.training.train import train


def test_what_is_given_are_mean_probabilities(config: Any) -> None:
    runs = [train(config("epochs=1", f"seed={seed}")) for seed in range(2)]
    pack = open_config_pack(runs[0].config)
    x, length = (torch.from_numpy(array) for array in pack.gather(np.arange(8)))
    with torch.inference_mode():
        each = [restore(run)(x, length).double().softmax(-1) for run in runs]
        mirrored = restore(runs[0])(x.flip(-1), length).double().softmax(-1)
        together = restore_together(runs)
        assert torch.allclose(together(x, length).softmax(-1), (each[0] + each[1]) / 2)
        assert together.preprocessor.kind == "image"
        flipped = restore_together(runs[:1], flip=True)
        assert torch.allclose(flipped(x, length).exp(), (each[0] + mirrored) / 2)
    sure = torch.tensor([[1000.0, 0.0]])
    assert mean_log_probabilities([sure, sure]).exp().tolist() == [[1, 0]]


def test_other_data_and_no_pictures_are_refused(config: Any) -> None:
    given = config()
    spec = open_config_pack(given).spec
    one: Any = SimpleNamespace(folder="a", spec=spec, config=given)
    other: Any = SimpleNamespace(folder="b", spec=replace(spec, classes=spec.classes[::-1]), config=given)
    with pytest.raises(UserError, match="b was trained on other data than a"):
        restore_together([one, other])
    waves: Any = SimpleNamespace(folder="a", spec=replace(spec, kind="sequence"), config=given)
    with pytest.raises(UserError, match="flip=true mirrors pictures, and data=skies is of kind sequence"):
        restore_together([waves], flip=True)
