"""Feature maps of convolutions over pictures and over steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from overcast.explain import maps
from overcast.explain.maps import SAMPLES, section
from overcast.explain.samples import ExplainedSample, choose_test_samples
from overcast.html.page import Image
from overcast.prediction.trained_network import open_config_pack, restore
from overcast.tracking.run_folder import Run


def test_an_image_a_sample(trained: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "CHANNELS", 2)
    run = trained("model=cnn", "model.width=8", "epochs=1")
    network = restore(run)
    samples = choose_test_samples(run, network, open_config_pack(run.config))
    page_section = section(network, run.spec, samples)
    images = [part for part in page_section.parts if isinstance(part, Image)]
    assert samples[-1].name in images[-1].caption  # not the first ones: they come class by class
    assert [image.file for image in images] == [f"maps-{n + 1}.png" for n in range(SAMPLES)]


class Grams(nn.Module):
    """Convolution over the steps of a sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 9, 3, padding=1)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        return self.conv(x.transpose(1, 2)).amax(2)[:, :3]


def test_over_steps_and_without_convolutions(trained: Callable[..., Run]) -> None:
    run = trained("data=waves", "model=lstm", "epochs=1")
    network = restore(run)
    samples = [ExplainedSample("x", np.ones((7, 2), np.float32), 0, np.array([0.5, 0.3, 0.2]))]
    assert "no convolutions" in section(network, run.spec, samples).text
    with torch.no_grad():
        network.net = Grams()  # type: ignore[assignment]
    (part,) = section(network, run.spec, samples).parts
    assert isinstance(part, Image)
