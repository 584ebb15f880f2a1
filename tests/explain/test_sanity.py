"""With random weights in place of the learned ones the maps change (Adebayo et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from overcast.explain import attribution, sanity
from overcast.explain.attribution import CHECKED, closely, maps, section
from overcast.explain.samples import of_test
from overcast.prediction.trained_network import open_config_pack, restore
from overcast.tracking.run_folder import Run


def test_shuffled_weights_are_the_same_numbers_in_another_order() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(9, 7), torch.nn.ReLU(), torch.nn.Linear(7, 3))
    other, again = sanity.shuffled(net, 3), sanity.shuffled(net, 3)
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
    learner = restore(run)
    specimens = of_test(run, learner, open_config_pack(run.config))
    ways = closely(run, learner, specimens[0])
    agreed: dict[str, list[float]] = {}
    for specimen in specimens[:4]:
        learned = maps(learner.net, learner, specimen, specimen.said, ways).found
        random = maps(sanity.shuffled(learner.net, 0), learner, specimen, specimen.said, ways).found
        for name, values in learned.items():
            agreed.setdefault(name, []).append(sanity.correlation(values, random[name]))
            assert sanity.correlation(values, values) == pytest.approx(1 if np.ptp(values) else 0)
    assert set(agreed) == {"occlusion", "gradients"} | ({"cam"} if model == "cnn" else set())
    assert {name: float(np.mean(found)) for name, found in agreed.items() if np.mean(found) >= 0.5} == {}


def test_random_weights_are_tried_on_samples_from_the_first_class_to_the_last(
    trained: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("captum")
    run = trained("epochs=1")
    learner = restore(run)
    specimens = of_test(run, learner, open_config_pack(run.config))
    tried: list[str] = []

    def noting(net: torch.nn.Module, *given: Any) -> attribution.Maps:
        if net is not learner.net:
            tried.append(given[1].name)
        return attribution.Maps({"occlusion": np.eye(16)}, 0.0)

    monkeypatch.setattr(attribution, "maps", noting)
    section(run, learner, specimens)
    assert len(tried) == CHECKED
    assert (tried[0], tried[-1]) == (specimens[0].name, specimens[-1].name)
