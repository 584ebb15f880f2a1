"""Composing the jobs of a sweep: as Hydra does, and once for those that choose the same options."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from overcast.config.schema import register_schema
from overcast.config.sweep_loader import SweepLoader
from overcast.core.paths import ROOT

WORDS = ["data=digits", "model=ann", "mitigation=none", "trainer=cpu", "epochs=3", "lr=0.01", "seed=0"]


class Loaders:
    """Hydra's own loader and ours, side by side."""

    def __init__(self, hydra: ConfigLoaderImpl) -> None:
        self.hydra, self.ours = hydra, SweepLoader(hydra)
        self.master = hydra.load_configuration("config", [*WORDS, "split.fold=0"], RunMode.MULTIRUN)

    def both(self, *words: str) -> tuple[DictConfig, DictConfig]:
        job = [*WORDS, *words]
        return self.hydra.load_sweep_config(self.master, job), self.ours.load_sweep_config(self.master, job)


@pytest.fixture
def loaders() -> Iterator[Loaders]:
    register_schema()
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        found = GlobalHydra.instance().hydra
        assert found is not None
        yield Loaders(found.config_loader)


JOBS = [
    ["seed=0"],
    ["seed=1"],
    ["seed=1", "lr=2"],
    ["seed=2", "split.fold=1"],
    ["seed=3", "split.fold=2", "split.folds=null"],
    ["seed=3", "split.fold=2", "split.folds=5"],
    ["model=dnn", "seed=1"],
    ["model=dnn", "model.hidden=7"],
    ["model=dnn", "model.hidden=8"],
    ["mitigation=[dropout,noise]", "mitigation.dropout.p=0.1"],
    ["mitigation=[dropout,noise]", "mitigation.dropout.p=0.2"],
    ["mitigation=[noise,dropout]", "mitigation.dropout.p=0.2"],
    ["tags=[a]"],
    ["tags=[b,c]"],
    ["~runs_dir"],
    ["+study=repeats", "seed=4"],
    ["+study=repeats", "seed=5"],
    ["mirror=here", "data_dir='a b'"],
    ["mirror=there", "data_dir=${runs_dir}"],
    ["seed=1", "seed=2"],
    ["seed=3", "seed=2"],
]


@pytest.mark.slow
def test_each_job_is_what_hydra_makes_of_it(loaders: Loaders) -> None:
    for words in [*JOBS, *JOBS]:  # from the second time on each comes from a copy
        theirs, ours = loaders.both(*words)
        assert OmegaConf.to_container(ours) == OmegaConf.to_container(theirs), words


def test_one_composition_serves_all_that_differ_in_values(loaders: Loaders, monkeypatch: pytest.MonkeyPatch) -> None:
    composed = []
    own = ConfigLoaderImpl.load_configuration

    def counted(self: Any, *arguments: Any, **keywords: Any) -> Any:
        composed.append(keywords["overrides"])
        return own(self, *arguments, **keywords)

    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", counted)

    def seed(loader: SweepLoader, seed: int, model: str) -> int:
        words = ["data=digits", "mitigation=none", "trainer=cpu", f"model={model}", f"seed={seed}"]
        return int(loader.load_sweep_config(loaders.master, words).seed)

    assert [seed(loaders.ours, s, model) for model in ("ann", "dnn") for s in range(5)] == [*range(5), *range(5)]
    assert len(composed) == 2
    sent = pickle.loads(pickle.dumps(loaders.ours))  # as to a worker
    assert seed(sent, 9, "dnn") == 9
    assert len(composed) == 2


def test_plugins_imported_anew_cost_the_copy_and_not_the_job(loaders: Loaders, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Hydra does before each job that runs in the study's own process."""

    def dumps(config: DictConfig) -> bytes:
        raise pickle.PicklingError("it's not the same object")

    monkeypatch.setattr(pickle, "dumps", dumps)
    theirs, ours = loaders.both("role=tuning")
    assert ours == theirs


@pytest.mark.parametrize("word", ["seed=much", "lr=[1]", "lrr=1", "seed=1,2", "split.fold.x=1"])
def test_a_mistake_is_told_in_hydras_words(loaders: Loaders, word: str) -> None:
    loaders.both("seed=1")  # the key of a later seed=much
    messages = []
    for loader in (loaders.hydra, loaders.ours):
        with pytest.raises(HydraException) as error:
            loader.load_sweep_config(loaders.master, [*WORDS, word])
        messages.append(str(error.value))
    assert messages[0] == messages[1]


def test_the_conf_folder_has_the_groups_that_choose(loaders: Loaders) -> None:
    groups = {path.name for path in Path(ROOT / "conf").iterdir() if path.is_dir()}
    assert groups <= loaders.ours.groups
