"""With random weights in place of the learned ones the maps change (Adebayo et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from overcast.explain import attribution, sanity
from overcast.explain.attribution import CHECKED, choose_methods, maps, section
from overcast.explain.samples import choose_test_samples
from overcast.prediction.trained_network import open_config_pack, restore
from overcast.tracking.run_folder import Run


def test_shuffled_weights_are_the_same_numbers_in_another_order() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(9, 7), torch.nn.ReLU(), torch.nn.Linear(7, 3))
    other, again = sanity.shuffle_weights(net, 3), sanity.shuffle_weights(net, 3)
    for old, new, same in zip(net.parameters(), other.parameters(), again.parameters(), strict=True):
        assert new.equal(same)
        assert new.shape == old.shape
        assert new.flatten().sort().values.equal(old.flatten().sort().values)
    assert not net[0].weight.equal(other[0].weight)


def test_a_map_agrees_with_itself_and_a_flat_one_with_nothing() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(8, 8))
    assert sanity.correlation(a, 2 * a + 1) == pytest.approx(1)
    assert sanity.correlation(a, -a) == pytest.approx(-1)
    assert sanity.correlation(a, np.ones((8, 8))) == 0


@pytest.mark.parametrize("model", ["cnn", "ann"])
def test_maps_change_with_random_weights(trained: Callable[..., Run], model: str) -> None:
    pytest.importorskip("captum")
    run = trained(f"model={model}", "epochs=4", *(["model.width=8"] if model == "cnn" else []))
    network = restore(run)
    samples = choose_test_samples(run, network, open_config_pack(run.config))
    methods = choose_methods(run, network, samples[0])
    by_method: dict[str, list[float]] = {}
    for sample in samples[:4]:
        learned = maps(network.net, network, sample, sample.predicted, methods).by_method
        random = maps(sanity.shuffle_weights(network.net, 0), network, sample, sample.predicted, methods).by_method
        for name, values in learned.items():
            by_method.setdefault(name, []).append(sanity.correlation(values, random[name]))
            assert sanity.correlation(values, values) == pytest.approx(1 if np.ptp(values) else 0)
    assert set(by_method) == {"occlusion", "gradients"} | ({"cam"} if model == "cnn" else set())
    assert {
        name: float(np.mean(correlations)) for name, correlations in by_method.items() if np.mean(correlations) >= 0.5
    } == {}


def test_random_weights_are_tried_on_samples_from_the_first_class_to_the_last(
    trained: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("captum")
    run = trained("epochs=1")
    network = restore(run)
    samples = choose_test_samples(run, network, open_config_pack(run.config))
    tried: list[str] = []

    def noting(net: torch.nn.Module, *given: Any) -> attribution.Maps:
        if net is not network.net:
            tried.append(given[1].name)
        return attribution.Maps({"occlusion": np.eye(16)}, 0.0)

    monkeypatch.setattr(attribution, "maps", noting)
    section(run, network, samples)
    assert len(tried) == CHECKED
    assert (tried[0], tried[-1]) == (samples[0].name, samples[-1].name)


@pytest.mark.parametrize(
    ("correlations", "answer"),
    [([0.1, 0.3], "yes"), ([0.7, 0.7], "partly"), ([0.95, 0.85], "no"), ([], "cannot be told")],
)
def test_what_the_maps_depend_on_is_a_sentence(correlations: list[float], answer: str) -> None:
    check = sanity.Check("occlusion", correlations, correlations)
    assert check.sentence().startswith(f"Occlusion: {answer} (")
    assert sanity.verdict([check]) == f"These maps depend on what was learned: {answer}"


def test_of_several_methods_those_that_differ_are_named() -> None:
    good, bad = sanity.Check("occlusion", [0.0], [0.0]), sanity.Check("Grad-CAM", [0.9], [0.9])
    told = sanity.verdict([good, bad])
    assert told == "These maps depend on what was learned: yes, but for some (Grad-CAM: no)"
    assert good.sentence().endswith("the maps of 1 samples correlate by 0.00, their sizes alone by 0.00)")


def test_a_map_that_is_the_same_everywhere_tells_nothing() -> None:
    flat, other = {"occlusion": np.ones((4, 4))}, {"occlusion": np.eye(4)}
    (check,) = attribution._checks([(flat, other)])
    assert check.answer == "cannot be told"


def test_grad_cam_is_left_out_where_every_convolution_is_too_coarse(trained: Callable[..., Run]) -> None:
    pytest.importorskip("captum")
    run = trained("model=cnn", "model.width=8", "epochs=1")
    network = restore(run)
    samples = choose_test_samples(run, network, open_config_pack(run.config))
    network.net = Coarse()  # type: ignore[assignment]
    methods = choose_methods(run, network, samples[0])
    assert (methods.last, methods.coarse) == (None, True)
    assert "Grad-CAM is left out: no convolution has 4 places a side." in attribution._how("image", methods)


class Coarse(torch.nn.Module):
    """One convolution, which leaves 2×2 places of a picture of 16×16."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 5, 8, stride=8)

    def forward(self, x: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
        return self.conv(x).mean((2, 3))
