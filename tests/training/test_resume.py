"""An interrupted run goes on where it was, and comes to the same bits as one that never stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from overcast.config.messages import option_names
from overcast.config.run_config import RunConfig
from overcast.config.schema import TrackingConfig
from overcast.core.errors import UserError
from overcast.core.paths import ROOT
from overcast.tracking.run import MlflowRun
from overcast.tracking.run_folder import CHECKPOINT, Run
from overcast.tracking.store import TrackingStore
from overcast.training.classifier import ClassifierModule
from overcast.training.max_time import MaxTime
from overcast.training.plan import make_plan
from overcast.training.train import execute, train

ALONE = {"none", "cocktail", "synthetic_pretraining", "spectrogram_augmentation"}
MITIGATIONS = [name for name in option_names(ROOT / "conf", "mitigation") if name not in ALONE]
MORE = {"class_weights": ["imbalance_ratio=2"], "balanced_sampling": ["imbalance_ratio=2"]}
STATEFUL = "[early_stopping,averaging,sam,max_norm,dropout,batch_norm,augmentation,pretraining]"


@pytest.fixture(autouse=True)
def checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """After every epoch."""
    monkeypatch.setattr("overcast.training.checkpoint.SECONDS_BETWEEN", 0.0)


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Train, with Ctrl-C in the middle of an epoch (the first is 0)."""

    def interrupted(config: RunConfig, epoch: int = 2, run: Callable[[RunConfig], Run] = train) -> None:
        step = ClassifierModule.training_step

        def pressed(module: Any, raw: Any, index: int) -> Any:
            if (module.current_epoch, index) == (epoch, 1):
                raise KeyboardInterrupt
            return step(module, raw, index)

        with monkeypatch.context() as patch:
            patch.setattr(ClassifierModule, "training_step", pressed)
            with pytest.raises(KeyboardInterrupt):
                run(config)

    return interrupted


def same(one: Run, other: Run) -> bool:
    """Bit for bit: the weights, all learning curves, and all facts."""
    names = ("history.csv", "run.json", "parts.csv", "config.yaml")
    return all(one.path(name).read_bytes() == other.path(name).read_bytes() for name in names)


@pytest.mark.parametrize(
    "words",
    [
        ["mitigation=" + STATEFUL, "model=cnn", "model.width=4"],
        ["mitigation=none", "measure_every=2", "trainer.accumulate_grad_batches=2", "trainer.gradient_clip_val=0.1"],
        [
            "mitigation=[early_stopping,balanced_sampling]",
            "mitigation.early_stopping.patience=1",
            *MORE["class_weights"],
        ],
    ],
    ids=["stateful", "measured every second epoch", "stopped early"],
)
def test_a_resumed_run_is_the_one_that_never_stopped(
    config: Any, interrupted: Any, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    cfg = config("epochs=6", "lr=0.05", *words)
    whole = train(cfg)
    assert not whole.path(CHECKPOINT).exists()
    interrupted(cfg)
    assert "the same command with resume=true goes on in" in capsys.readouterr().err
    resumed = train(replace(cfg, resume=True))
    assert resumed.folder != whole.folder
    assert same(resumed, whole)
    assert not resumed.path(CHECKPOINT).exists()


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", MITIGATIONS)
def test_every_mitigation_can_be_resumed(config: Any, interrupted: Any, mitigation: str) -> None:
    kind = ["data=chirps"] if mitigation == "spectrogram_augmentation" else []
    cfg = config("epochs=5", f"mitigation={mitigation}", "model=cnn", "model.width=4", *kind, *MORE.get(mitigation, []))
    whole = train(cfg)
    interrupted(cfg)
    assert same(train(replace(cfg, resume=True)), whole)


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [["model=resnet", "model.width=8"], ["data=waves", "model=lstm"], ["data=verses", "model=ann"]],
    ids=" ".join,
)
def test_every_kind_of_state_can_be_resumed(config: Any, interrupted: Any, words: list[str]) -> None:
    cfg = config("epochs=4", *words)
    whole = train(cfg)
    interrupted(cfg)
    assert same(train(replace(cfg, resume=True)), whole)


def test_one_whose_time_is_over_goes_on_to_the_next_look(
    config: Any, interrupted: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cfg = config("epochs=8", "measure_every=4", "trainer.max_time=1h")
    interrupted(cfg)
    capsys.readouterr()
    monkeypatch.setattr(MaxTime, "time_elapsed", lambda *_: 3601.0)
    run = train(replace(cfg, resume=True))
    assert run.history["epoch"].tolist() == [4]
    assert run.facts["epochs_run"] == 4
    assert "trainer.max_time=1h is over: ended after epoch 4 of 8" in capsys.readouterr().out


def test_only_the_same_run_is_gone_on_with(config: Any, interrupted: Any, capsys: pytest.CaptureFixture[str]) -> None:
    cfg = config("epochs=4")
    interrupted(cfg)
    other = train(replace(cfg, resume=True, seed=1))
    assert "there is no interrupted run of this config, so it begins at the start" in capsys.readouterr().out
    assert train(replace(cfg, resume=True, seed=1)) == other
    assert f"already trained: {other.folder}" in capsys.readouterr().out
    first = train(replace(cfg, resume=True))
    assert first.folder != other.folder
    assert "begins at the start" not in capsys.readouterr().out


def test_a_run_without_its_weights_is_trained_again(config: Any) -> None:
    cfg = config("epochs=1")
    run = train(cfg)
    run.mark_removed("a test", "2026-11-30T12:00:00+00:00")
    again = train(replace(cfg, resume=True))
    assert again.folder != run.folder
    assert again.weights_hash() == run.weights_hash()


def test_without_resume_a_run_in_the_same_folder_begins_anew(config: Any, interrupted: Any, tmp_path: Path) -> None:
    cfg = config("epochs=4", f"run={tmp_path}/mine")
    interrupted(cfg)
    assert (tmp_path / "mine" / CHECKPOINT).exists()
    plain = train(replace(cfg, run=None))
    assert same(train(cfg), plain)
    assert not (tmp_path / "mine" / CHECKPOINT).exists()


def test_dvc_may_remove_its_outs_meanwhile(config: Any, interrupted: Any, tmp_path: Path) -> None:
    cfg = config("epochs=4", f"run={tmp_path}/mine")
    interrupted(cfg)
    for name in ("config.yaml", "parts.csv", "spec.json"):
        (tmp_path / "mine" / name).unlink()
    assert same(train(replace(cfg, resume=True)), train(replace(cfg, run=None)))


def test_a_damaged_checkpoint_is_told(config: Any, interrupted: Any, tmp_path: Path) -> None:
    cfg = config("epochs=4", f"run={tmp_path}/mine")
    interrupted(cfg)
    (tmp_path / "mine" / CHECKPOINT).write_bytes(b"PK and then nothing")
    with pytest.raises(UserError, match=r"checkpoint\.ckpt is damaged \(.*\): remove it, and the run begins anew"):
        train(replace(cfg, resume=True))


@pytest.mark.filterwarnings("ignore:::mlflow", "ignore:::sqlalchemy")
def test_its_mlflow_run_goes_on_with_each_epoch_once(
    config: Any, interrupted: Any, store: TrackingStore, tracking: TrackingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("overcast.training.history.SECONDS_BETWEEN_RECORDS", 0.0)
    cfg = replace(config("epochs=4"), tracking=tracking)
    interrupted(cfg)
    (killed,) = store.search()
    assert killed.status == "KILLED"
    monkeypatch.setattr("overcast.training.checkpoint.SECONDS_BETWEEN", 1e9)
    run = train(replace(cfg, resume=True))
    (found,) = store.search()
    assert (found.id, found.status, run.facts["id"]) == (killed.id, "FINISHED", killed.id)
    steps = [point.step for point in store.client.get_metric_history(found.id, "validation/nll")]
    assert steps == [1, 2, 3, 4]
    assert found.params == killed.params
    assert not run.record.get("refused")


@pytest.mark.filterwarnings("ignore:::mlflow", "ignore:::sqlalchemy")
@pytest.mark.parametrize("lost", ["the whole run", "its epochs"])
def test_its_record_gets_the_epochs_that_it_lacks(
    config: Any,
    interrupted: Any,
    store: TrackingStore,
    tracking: TrackingConfig,
    monkeypatch: pytest.MonkeyPatch,
    lost: str,
) -> None:
    if lost == "its epochs":
        monkeypatch.setattr(MlflowRun, "epochs", lambda *_: None)
    cfg = replace(config("epochs=4"), tracking=tracking)
    interrupted(cfg)
    monkeypatch.undo()
    if lost == "the whole run":
        store.client.delete_run(store.search()[0].id)
    run = train(replace(cfg, resume=True))
    points = store.client.get_metric_history(run.facts["id"], "validation/nll")
    assert [point.step for point in points] == [1, 2, 3, 4]
    assert [point.timestamp for point in points] == sorted({point.timestamp for point in points})
    assert [point.value for point in points] == pytest.approx(run.history["validation/nll"].tolist(), rel=1e-4)


@pytest.mark.filterwarnings("ignore:::mlflow", "ignore:::sqlalchemy")
def test_a_studys_trial_is_resumed_in_that_study_alone(
    config: Any, interrupted: Any, study: Any, store: TrackingStore, tracking: TrackingConfig
) -> None:
    cfg = replace(config("epochs=4"), tracking=tracking)
    interrupted(cfg, run=lambda config: execute(make_plan(config), store, study))
    alone = train(replace(cfg, resume=True))
    trial = execute(make_plan(replace(cfg, resume=True)), store, study)
    assert trial.folder != alone.folder
    assert same(trial, alone)
    assert len(store.search(role="trial")) == 2


@pytest.mark.slow
def test_two_processes_are_resumed_too(config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = (
        "import os\n"
        "if 'RANK' in os.environ:\n"
        "    import overcast.training.checkpoint as checkpoint\n"
        "    checkpoint.SECONDS_BETWEEN = 0\n"
        "    from overcast.training.classifier import ClassifierModule\n"
        "    step = ClassifierModule.training_step\n"
        "    def killed(module, raw, index):\n"
        "        if module.current_epoch == 2 and 'STOP' in os.environ: os.kill(os.getpid(), 9)\n"
        "        return step(module, raw, index)\n"
        "    ClassifierModule.training_step = killed\n"
    )
    (tmp_path / "sitecustomize.py").write_text(fault)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    cfg = config("epochs=4", "trainer.devices=2", "mitigation=[averaging,dropout]")
    monkeypatch.setenv("STOP", "yes")
    with pytest.raises(UserError, match="was killed"):
        train(cfg)
    monkeypatch.delenv("STOP")
    assert same(train(replace(cfg, resume=True)), train(cfg))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_process_that_is_ended_leaves_what_to_go_on_from(
    config: Any, data: Path, home: Path, tmp_path: Path, number: int
) -> None:
    words = [
        *("data=skies", "data.n_samples=100", "data.size=16", "data.difficulty=0.2", f"data_dir={data}", "model=ann"),
        *("mitigation=[dropout,averaging]", "epochs=300", "tracking=off", "trainer=cpu", f"run={home}/mine"),
    ]
    (tmp_path / "sitecustomize.py").write_text(
        "import overcast.training.checkpoint as checkpoint\ncheckpoint.SECONDS_BETWEEN = 0\n"
    )
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT / 'src'}"}
    command = [sys.executable, str(ROOT / "pipelines" / "train.py"), *words]
    with subprocess.Popen(
        command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, preexec_fn=_ctrl_c_works
    ) as process:
        for _ in range(1200):
            if (home / "mine" / CHECKPOINT).exists():
                break
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(30) != 0
    assert (home / "mine" / CHECKPOINT).exists()
    subprocess.run([*command, "resume=true"], env=environment, check=True, capture_output=True)
    subprocess.run([*command[:-1], f"run={home}/other"], env=environment, check=True, capture_output=True)
    assert same(Run(home / "mine"), Run(home / "other"))


def _ctrl_c_works() -> None:
    """What is started in the background ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
