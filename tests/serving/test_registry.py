"""Registered with all that belongs to it; the champion gives way to what is not worse, and comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overcast.config.schema import TrackingConfig
from overcast.core.errors import UserError
from overcast.prediction.predict import prediction_table
from overcast.serving.evidence import FILE, read_evidence
from overcast.tracking.run_folder import Run
from overcast.tracking.store import TrackingStore
from overcast.training.plan import make_plan
from overcast.training.train import execute

pytest.importorskip("onnxscript", reason="it needs an extra")
from overcast.serving import register as registering
from overcast.serving.candidates import run_candidate
from overcast.serving.gates import Costs
from overcast.serving.onnx_model import OnnxModel
from overcast.serving.register import register
from overcast.serving.registry import BEFORE, Registry, registered_model

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not measured: a process of its own takes seconds."""
    monkeypatch.setattr(registering, "measure_costs", lambda *_: Costs(p95_ms=20.0, memory_mb=300.0, size_mb=1.0))


def trained(config: Any, store: TrackingStore, *words: str) -> Run:
    return execute(make_plan(config("tracking=mlflow", *words)), store)


def words(tracking: TrackingConfig) -> list[str]:
    names = ("uri", "artifacts", "experiment")
    return [f"tracking.{name}={getattr(tracking, name)}" for name in names]


@pytest.mark.slow
@pytest.mark.usefixtures("costs")
def test_from_a_run_to_the_champion_and_back(config: Any, store: TrackingStore, tracking: TrackingConfig) -> None:
    registry = Registry(store, "overcast-skies")
    run = trained(config, store, "epochs=8", *words(tracking))
    first = register(run_candidate(run), registry, {})
    assert (first.version, first.champion, first.reasons) == ("1", True, [])
    version = registry.version("champion")
    assert version.tags["fingerprint"] == run.facts["fingerprint"]
    assert version.run_id == run.facts["id"]
    assert "[" in version.tags["test_accuracy"]
    assert "## Where it fails" in version.description
    assert {tag.model_id for tag in store.client.get_run(run.facts["id"]).outputs.model_outputs}
    evidence = read_evidence(registry.file(version, FILE))
    assert set(evidence.row) == set(np.flatnonzero(run.parts == "validation"))
    model = registered_model("models:/overcast-skies@champion", words(tracking))
    assert isinstance(model, OnnxModel)
    raw = Path(run.config.data_dir) / "skies" / "raw" / "cloudy"
    classes = list(run.spec.classes)
    found, expected = prediction_table(model, raw), prediction_table(run, raw)
    assert found[classes].to_numpy() == pytest.approx(expected[classes].to_numpy(), abs=1e-5)

    again = register(run_candidate(run), registry, {"p95_ms": 50})  # the same weights are no worse
    assert (again.version, again.champion) == ("2", True)
    assert str(registry.version("previous").version) == "1"
    slow = register(run_candidate(run), registry, {"p95_ms": 5})
    assert not slow.champion
    assert slow.reasons == ["p95_ms is 20, above gates.p95_ms=5"]
    untrained = trained(config, store, "epochs=1", "lr=1e-9", *words(tracking))
    worse = register(run_candidate(untrained), registry, {})
    assert not worse.champion
    assert "not champion: it is not shown to be no worse than the champion, version 2" in worse.text
    assert str(registry.version("champion").version) == "2"
    assert registry.roll_back() == ("2", "1")
    assert str(registry.version("champion").version) == "1"
    with pytest.raises(UserError, match="is the first champion"):
        registry.roll_back()


@pytest.mark.usefixtures("store")
def test_what_is_not_registered(tracking: TrackingConfig) -> None:
    for address in ("models:/nothing@champion", "models:/nothing/1"):
        with pytest.raises(UserError, match="there is no registered model nothing"):
            registered_model(address, words(tracking))
    for address in ("models:/", "models:/name", "models:/a/b/1"):
        with pytest.raises(UserError, match="name a registered model as"):
            registered_model(address, words(tracking))
    with pytest.raises(UserError, match="tracking=off: models are registered in MLflow"):
        registered_model("models:/a/1", ["tracking=off"])


class Client:
    """Remembers aliases and tags as MLflow's registry does."""

    def __init__(self, versions: int) -> None:
        self.aliases: dict[str, str] = {}
        self.tags: dict[str, dict[str, str]] = {str(n): {"format": "1"} for n in range(1, versions + 1)}

    def get_model_version_by_alias(self, name: str, alias: str) -> Any:
        return self.get_model_version(name, self.aliases[alias])

    def get_model_version(self, name: str, version: str) -> Any:
        return type("Version", (), {"version": version, "tags": self.tags[version]})

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        self.aliases[alias] = version

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        del self.aliases[alias]

    def set_model_version_tag(self, name: str, version: str, key: str, value: str) -> None:
        self.tags[version][key] = value


def test_each_roll_back_goes_one_champion_back() -> None:
    client = Client(3)
    client.aliases["champion"] = "1"
    registry = Registry(type("Store", (), {"client": client}), "m")  # type: ignore[arg-type]
    for version in ("2", "3", "3"):
        registry.promote(version)
    assert client.aliases == {"champion": "3", "previous": "2"}
    assert client.tags["3"][BEFORE] == "2"
    assert registry.roll_back() == ("3", "2")
    assert client.aliases == {"champion": "2", "previous": "1"}
    assert registry.roll_back() == ("2", "1")
    assert client.aliases == {"champion": "1"}
    with pytest.raises(UserError, match="first champion"):
        registry.roll_back()


def test_a_version_of_a_newer_overcast() -> None:
    client = Client(1)
    client.tags["1"]["format"] = "2"
    with pytest.raises(UserError, match="newer version of overcast"):
        Registry(type("Store", (), {"client": client}), "m").version("1")  # type: ignore[arg-type]
