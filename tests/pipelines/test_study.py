"""Studies as a user runs them: what is recorded, resumed, refused and said; the longer ones with real workers."""

from __future__ import annotations

import itertools
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from overcast.config.schema import TrackingConfig
from overcast.core.paths import HOME, ROOT
from overcast.tracking.store import TrackingStore, open_store


def already_trained(said: Any) -> int:
    """How many of a study's runs it says to have trained before."""
    found = re.search(r"already trained: (\d+) of", said.out)
    return int(found[1]) if found else 0


pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]

ONE = "hydra.launcher.n_jobs=1"


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An empty tracking database: making one takes seconds."""
    place = tmp_path_factory.mktemp("database")
    open_store(settings(place))
    return (place / "mlflow.db").read_bytes()


def settings(folder: Path) -> TrackingConfig:
    uri = f"sqlite:///{folder}/mlflow.db"
    return TrackingConfig(uri=uri, artifacts=str(folder / "mlartifacts"), experiment="other")


def tiny(data: Path) -> list[str]:
    """Overrides of a tiny study."""
    words = ["data=skies", "data.n_samples=100", "data.size=16", "data.difficulty=0.2", f"data_dir={data}"]
    words += ["mitigation=none", "trainer=cpu", "trainer.threads=1", "trainer.precision=32-true"]
    return [*words, "epochs=1", "lr=0.01"]


@pytest.fixture
def words(home: Path, data: Path, database: bytes, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Overrides of a tiny study in `home`, which has a tracking database."""
    (home / "mlflow.db").write_bytes(database)
    # MLflow keeps one connection a process for each address, and the usual one is relative
    monkeypatch.setenv("MLFLOW_TRACKING_URI", settings(home).uri)
    return tiny(data)


def store_of(home: Path) -> TrackingStore:
    store = open_store(replace(settings(home), experiment="overcast"))
    assert store is not None
    return store


def recorded(home: Path) -> list[Any]:
    """Every run in the store."""
    store = store_of(home)
    return list(store.client.search_runs([store.experiment]))


def statuses(home: Path) -> tuple[list[str], Counter[str]]:
    """How the studies' parent runs ended, and how their trials did."""
    runs = recorded(home)
    parents = [run for run in runs if run.data.tags["role"] == "study"]
    trials = [run for run in runs if run.data.tags["role"] == "trial"]
    assert {run.data.tags["mlflow.parentRunId"] for run in trials} <= {run.info.run_id for run in parents}
    return [run.info.status for run in parents], Counter(run.info.status for run in trials)


# --- one after the other, in this process


def test_a_sweep_is_one_parent_with_its_runs_and_resumes(script: Any, words: list[str], home: Path) -> None:
    said = script("train", "-m", *words, ONE, "model=ann,dnn", "seed=0,1")
    assert said.code == 0, said
    assert statuses(home) == (["FINISHED"], Counter(FINISHED=4))
    assert "study sweep: 4 runs, 1 at once" in said.out
    assert "viewStateShareKey=overcast-sweep-" in said.out
    (verdict,) = (run.data.tags["mlflow.note.content"] for run in recorded(home) if run.data.tags["role"] == "study")
    headline = verdict.splitlines()[0]
    assert headline.startswith("Of 1 compared with ann · none, ")
    assert headline in said.out
    assert len(list((home / "runs").glob("*/evaluation"))) == 4
    # seeds of a fold as one model: their gain is the study's
    assert "ann · none, fold 0: 2 seeds as one model" in script("ensemble").out
    (study,) = (run.data for run in recorded(home) if run.data.tags["role"] == "study")
    assert study.metrics["ensemble/ann: none/nll_change"] < 0
    # again, with other workers and in other words: nothing is left to do
    said = script("train", "-m", *words, ONE, "trainer.devices=1", "model=ann,dnn", "seed=0,1")
    assert said.code == 0, said
    assert already_trained(said) == 4
    assert statuses(home) == (["FINISHED"], Counter(FINISHED=4))
    # a run whose folder was removed is trained again, and another study does not count for this one
    next((home / "runs").glob("*ann*s0*")).joinpath("model.pt").unlink()
    assert already_trained(script("train", "-m", *words, ONE, "model=ann,dnn", "seed=0,1")) == 3
    assert already_trained(script("train", "-m", *words, ONE, "model=ann", "seed=0,1")) == 0
    assert statuses(home)[0] == ["FINISHED"] * 2


@pytest.mark.slow
def test_what_is_recorded_elsewhere_is_found_there(script: Any, words: list[str], home: Path) -> None:
    mine = "tracking.experiment=mine"
    assert script("train", "-m", *words, ONE, "model=ann", "seed=0,1", mine).code == 0
    assert "no study yet in the experiment overcast" in script("compare").mistake()
    said = script("compare", mine, "out=page")
    assert "report: page/report.html" in said.out, said
    assert recorded(home) == []
    (run, _) = (path.parent for path in sorted((home / "runs").glob("*/run.json")))
    name = json.loads((run / "record.json").read_text())["id"]
    run.rename(home / "away")
    assert script("evaluate", f"run={name}", mine).code == 0
    (home / "picture.png").touch()
    assert "an empty file" in script("predict", f"run={name}", mine, "files=picture.png").out
    assert "there is no option 'tracking.expriment'" in script("evaluate", "tracking.expriment=mine").mistake()


def test_a_failing_run_does_not_stop_the_rest_and_is_repeated(
    script: Any, words: list[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["train", "-m", *words, ONE, "model=dnn,ann", "seed=0,1"]
    with monkeypatch.context() as patch:

        def fails(*_: Any) -> None:
            raise ValueError("out of luck")

        patch.setattr("overcast.model.dnn.DNN.forward", fails)
        patch.setattr("overcast.training.plan.network_size", lambda *_: {"parameters": 1, "multiply_adds": 1})
        said = script(*command)
    assert said.code != 0
    assert "2 of 4 runs failed:\n  2 × ValueError: out of luck\n" in said.err
    assert "The same command again repeats only these." in said.err
    assert statuses(home) == (["FAILED"], Counter(FINISHED=2, FAILED=2))
    said = script(*command)
    assert (said.code, already_trained(said)) == (0, 2)
    assert statuses(home) == (["FINISHED"], Counter(FINISHED=4, FAILED=2))


def test_a_diverged_run_is_a_failed_one_with_its_reason(script: Any, words: list[str], home: Path) -> None:
    far = ["lr=1e10", "model=cnn", "model.width=4", "epochs=2"]
    kept = [word for word in words if word.split("=")[0] not in ("lr", "epochs")]
    said = script("train", *kept, *far)
    assert said.code == 2
    assert re.search(r"overcast: the loss is not finite in epoch 1, step \d of 2\. Try a lower lr", said.err)
    assert "Traceback" not in said.err
    (run,) = recorded(home)
    assert (run.info.status, run.data.tags["diverged"]) == ("FAILED", "true")
    assert "no run in runs/ yet" in script("evaluate").mistake()


def test_a_study_with_diverged_runs_is_compared(script: Any, words: list[str], home: Path) -> None:
    kept = [word for word in words if word.split("=")[0] not in ("lr", "epochs")]
    command = ["train", "-m", *kept, ONE, "lr=0.01,1e10", "model=cnn", "model.width=4", "epochs=2", "seed=0,1"]
    said = script(*command)
    assert said.code == 2
    assert re.search(r"2 of 4 runs failed:\n  \d × the loss is not finite in epoch 1, step ", said.err)
    assert statuses(home) == (["FAILED"], Counter(FINISHED=2, FAILED=2))
    said = script("compare")
    assert (said.code, "Traceback" in said.err) == (0, False)
    assert "none · lr=10000000000.0: 2 of 2 repeats diverged (the loss is not finite in epoch 1" in said.out


def test_cells_that_make_no_sense_are_left_out_and_said(script: Any, words: list[str], home: Path) -> None:
    kept = [word for word in words if not word.startswith("mitigation=")]
    said = script("train", "-m", *kept, ONE, "model=perceptron,ann", "mitigation=none,shrink", "seed=0,1")
    assert said.code == 0, said
    told = "skies · perceptron · shrink: mitigation=shrink makes no sense for model=perceptron: it has no width"
    assert f"left out:\n{told}" in said.out
    assert "study sweep: 6 runs, 1 at once" in said.out
    assert statuses(home) == (["FINISHED"], Counter(FINISHED=6))
    said = script("compare")
    assert f"Left out: {told}" in said.out
    assert "Not judged" not in said.out


@pytest.mark.slow
def test_what_a_study_judges_later_is_measured_then(
    script: Any, words: list[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A metric by its file alone, and accuracy under shift, of runs that were evaluated without."""
    metrics = home / "conf" / "metric"
    shutil.copytree(ROOT / "conf" / "metric", metrics)
    monkeypatch.setattr("overcast.config.metric_options.ROOT", home)
    kept = [word for word in words if not word.startswith("mitigation=")]
    command = ["train", "-m", *kept, ONE, "model=ann", "mitigation=none,noise", "seed=0,1"]
    assert script(*command).code == 0
    assert script("compare").code == 0
    stored = sorted((home / "runs").glob("*/evaluation/metrics.json"))
    assert len(stored) == 4
    assert "shift" not in json.loads(stored[0].read_text())
    path = metrics / "own.yaml"
    path.write_text("_target_: torchmetrics.classification.MulticlassAUROC\nlabel: AUROC\naverage: macro\n")
    assert script(*command, "study.outcomes=[own,shift_accuracy]").code == 0
    said = script("compare")
    assert (said.code, "Traceback" in said.err) == (0, False)
    for label in ("test AUROC", "accuracy under shift"):
        assert f"; {label} " in said.out
    assert all({"own", "shift_accuracy"} <= json.loads(each.read_text())["test"].keys() for each in stored)
    times = [each.stat().st_mtime_ns for each in stored]
    assert script("compare").code == 0
    assert [each.stat().st_mtime_ns for each in stored] == times
    path.write_text("_target_: numpy.mean\n")
    assert "conf/metric/own.yaml: _target_: numpy.mean is no metric of torchmetrics" in script("compare").mistake()
    assert "conf/metric/own.yaml: _target_: numpy.mean is no metric of" in script(*command, "seed=2,3").mistake()
    sequences = ["data=seattle", "model=lstm", "study.outcomes=[shift_accuracy]", "mitigation=none,dropout"]
    path.unlink()
    said = script("train", "-m", *sequences, "epochs=1", ONE)
    assert "shift_accuracy is measured on pictures, and data=seattle is of kind sequence" in said.mistake()


def test_candidates_that_make_no_sense_are_left_out(script: Any, words: list[str], home: Path) -> None:
    kept = [word for word in words if not word.startswith("mitigation=")]
    shrunk = [f'"mitigation=shrink mitigation.shrink.scale={scale}"' for scale in (0.25, 0.5)]
    noisy = [f'"mitigation=noise mitigation.noise.strength={strength}"' for strength in (0.1, 0.2)]
    lists = [f"hydra.sweeper.tuned=[[{','.join(shrunk)}],[{','.join(noisy)}]]", "study.folds=1"]
    said = script("train", "-m", *kept, ONE, "model=perceptron,ann", 'hydra.sweeper.cells=["mitigation=none"]', *lists)
    assert said.code == 0, said
    # none and the noises of the perceptron; none and all of the ANN: then none and one winner, none and two
    assert "study sweep: 8 runs, 1 at once" in said.out
    assert "mitigation.shrink.scale=" in said.out.partition("chosen by validation: ")[2]
    assert statuses(home) == (["FINISHED"], Counter(FINISHED=5))
    assert len(list((home / "runs").glob("*/evaluation"))) == 5  # while choosing, no test part is measured


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["hydra.launcher.n_jobs=0"], "hydra.launcher.n_jobs=0: give how many runs shall be at once"),
        (["trainer.threads=-1"], "trainer.threads=-1: must be"),
        (["lr=0.1,inf"], "lr=inf: must be above 0, and a number"),
        (["model.hidden=8,1000000000000"], "weights with these sizes"),
        (
            ["model=perceptron", "mitigation=shrink,pretraining"],
            "mitigation=shrink makes no sense for model=perceptron",
        ),
        (["model=ann,dnnn"], "model=dnnn: there is no such model. Did you mean dnn? Choices: ann, cnn, dnn, "),
        (["mitigation=none,[none,dropout]"], "choose it alone, or leave it out"),
        (
            ["mitigation=none,[drop_out,noise]"],
            "mitigation=drop_out: there is no such mitigation. Did you mean dropout?",
        ),
        (["epochs=1,many"], "epochs=many: give a whole number"),
        (["epochs=1,0"], "epochs=0: must be at least 1"),
        (["model.hidden=8,wide"], "model.hidden=wide: "),
        (["split.fold=0,10"], "split.fold=10 is not one of the 10 folds"),
        (["data.size=16,32"], "made with size=16, but the config asks for size=32"),
        (["trainer=cpu,gpu"], "no GPU is visible"),
        (['hydra.sweeper.cells=["model=ann","model=dnnn"]'], "model=dnnn: there is no such model. Did you mean dnn?"),
        (['hydra.sweeper.repeats=["sed=0"]'], "there is no option 'sed'. Did you mean seed?"),
        (
            ['hydra.sweeper.repeats=["seed=0","seed=1"]', "seed=3"],
            "seed is what the repeats of this study vary",
        ),
        (["+study=modls"], "study=modls: there is no such study. Did you mean models?"),
        (["+study=models", "epohs=3"], "there is no option 'epohs'. Did you mean epochs?"),
    ],
)
def test_a_mistake_in_any_cell_is_one_message_before_anything(
    script: Any, words: list[str], home: Path, given: list[str], said: str
) -> None:
    if any("gpu" in word for word in given):
        import torch

        if torch.cuda.is_available():
            pytest.skip("there is a GPU")
    keys = {word.split("=")[0] for word in given}
    kept = [word for word in words if word.split("=")[0] not in keys]
    flags = [] if given[0].startswith("+study") else ["-m"]
    model = [] if "model=" in " ".join(given) or "+study" in keys else ["model=ann"]
    assert said in script("train", *flags, *kept, ONE, *model, *given).mistake()
    assert not (home / "runs").exists()
    assert statuses(home) == ([], Counter())


def test_a_study_that_another_process_is_at_is_refused(script: Any, words: list[str], home: Path) -> None:
    command = ["train", "-m", *words, ONE, "model=ann", "seed=0"]
    assert script(*command).code == 0
    (folder,) = (home / "runs" / "studies").iterdir()
    hold = (
        f"import sys, pathlib; from overcast.core.locks import try_lock\nwith try_lock(pathlib.Path({str(folder)!r})):"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", f"{hold} print('held', flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert "another process is at work in" in script(*command).mistake()
    finally:
        holder.communicate(timeout=30)
    assert script(*command).code == 0
    assert statuses(home) == (["FINISHED"], Counter(FINISHED=1))


def test_other_data_is_another_study(script: Any, words: list[str], home: Path, tmp_path: Path) -> None:
    import shutil

    from overcast.prepare.split import split

    mine = tmp_path / "mine"
    shutil.copytree(next(w for w in words if w.startswith("data_dir")).split("=")[1] + "/skies", mine / "skies")
    words = [w for w in words if not w.startswith("data_dir")] + [f"data_dir={mine}"]
    command = ["train", "-m", *words, ONE, "model=ann", "seed=0", "split.seed=0,0"]
    assert script(*command[:-1]).code == 0
    split("skies", mine, seed=0, folds=5)
    assert "already trained" not in script(*command[:-1], "split.folds=5").out
    assert statuses(home) == (["FINISHED"] * 2, Counter(FINISHED=2))


def test_a_study_file_needs_no_flag(script: Any, words: list[str], home: Path) -> None:
    words = [word for word in words if not word.startswith("mitigation=")]
    study = ["+study=small", *words, ONE, 'hydra.sweeper.cells=["mitigation=none","mitigation=noise"]']
    repeats = 'hydra.sweeper.repeats=["seed=0 split.fold=0"]'
    assert "both say what the repeats are" in script("train", *study, repeats).mistake()
    said = script("train", *study, repeats, "study.folds=null")
    assert said.code == 0, said
    assert "study small: 2 runs, 1 at once" in said.out
    assert statuses(home) == (["FINISHED"], Counter(FINISHED=2))


def test_a_design_makes_the_cells(script: Any, words: list[str], home: Path) -> None:
    words = ["train", *(word for word in words if not word.startswith("mitigation=")), ONE, "study.folds=1"]
    design = ["study.design=factorial", "study.mitigations=[dropout,shrink]"]
    said = script(*words, *design, "model=perceptron").mistake()
    assert "needs every one of its cells, and 2 of 4 cannot be run" in said
    assert "mitigation is what the cells of this study vary" in script(*words, *design, "mitigation=noise").mistake()
    assert recorded(home) == []
    said = script(*words, *design, "model=ann")
    assert said.code == 0, said
    names = [run.data.params["mitigation"] for run in recorded(home) if run.data.tags["role"] == "trial"]
    assert sorted(names) == ["dropout", "dropout+shrink", "none", "shrink"]


@pytest.mark.slow
def test_cells_get_the_baselines_time_found_out_once(
    script: Any, words: list[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = {"none": 1.0, "sam": 2.0, "shrink": 0.5}
    timed: list[str] = []

    def seconds(config: Any, study: Any) -> float:
        timed.append(config.mitigation_name)
        return 1 + config.epochs * costs[config.mitigation_name]

    monkeypatch.setattr("overcast.study.equal_compute._seconds", seconds)
    kept = [word for word in words if not word.startswith(("mitigation=", "epochs="))]
    study = [*kept, "epochs=4", "model=ann", ONE, "study.name=equal", "study.folds=2", "study.equal=compute"]
    said = script("train", *study, "study.mitigations=[sam]")
    assert said.code == 0, said
    assert "sam: 2 epochs instead of 4" in said.out
    timed.clear()
    said = script("train", *study, "study.mitigations=[sam,shrink]")  # more cells: what is known stays
    assert (said.code, already_trained(said)) == (0, 4), said
    assert "sam: 2 epochs instead of 4" in said.out
    assert "shrink: 8 epochs instead of 4" in said.out
    assert set(timed) == {"none", "shrink"}
    compared = script("compare", "out=page")
    assert compared.code == 0, compared
    table = pd.read_csv(home / "page" / "table.csv")
    assert set(table["cell"]) == {"none · epochs=4", "sam · epochs=2", "shrink · epochs=8"}
    assert set(table["baseline"]) == {"none · epochs=4"}
    assert "Equal computing: each cell has as many epochs as take the baseline's training time" in compared.out
    assert "at equal epochs" not in compared.out
    again = script("train", *(word for word in study if "compute" not in word), "study.mitigations=[sam,shrink]")
    assert already_trained(again) == 2  # the baseline's
    assert "Planned was one_at_a_time at equal compute" in script("compare", "out=page").out


def test_equal_computing_of_epochs_that_are_swept_is_refused(script: Any, words: list[str]) -> None:
    kept = [word for word in words if not word.startswith("epochs=")]
    said = script("train", "-m", *kept, "model=ann", "epochs=1,2", "study.equal=compute").mistake()
    assert "chooses the epochs of each cell, and this study varies them (1, 2)" in said


# --- with workers, as a user runs it


FAULTS = """
import json, os, sys, time
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder


def strike(model, fault):
    plain = model.DNN.loss

    def loss(self, *given):
        if fault == "raise":
            raise ValueError("out of luck")
        if fault == "die" and os.getpid() != os.getsid(0):  # the parent tries a step too, for its forecast
            os.kill(os.getpid(), 9)
        if fault == "rank" and os.environ.get("RANK") == "1":
            os._exit(7)
        return plain(self, *given)

    model.DNN.loss = loss


def two_gpus(devices, fault):
    if fault == "gpus":
        devices.this_machine = lambda: devices.Machine(2, ("gpu",))


def name_no_gpu(metadata, fault):
    if fault == "gpus":
        metadata.machine = lambda gpus: f"{gpus} pretended"


def train_on_no_gpu(fit, fault):
    def pretend(run, devices, *_, **__):
        began = time.time()
        time.sleep(1)
        run.write("model.pt", "")
        run.write("history.csv", "epoch")
        run.write("gpus.json", json.dumps([devices.gpus, began, time.time()]))
        return {"seconds": 1, "samples_per_second": 1, "epochs_run": 1}

    if fault == "gpus":
        fit.fit = pretend


CHANGES = {
    "overcast.model.dnn": strike,
    "overcast.core.devices": two_gpus,
    "overcast.tracking.metadata": name_no_gpu,
    "overcast.training.fit": train_on_no_gpu,
}


class Finder(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name not in CHANGES:
            return None
        spec = PathFinder.find_spec(name, path)
        load = spec.loader.exec_module
        spec.loader.exec_module = lambda module: (load(module), CHANGES[name](module, os.environ["FAULT"]))
        return spec


if os.environ.get("FAULT"):
    sys.meta_path.insert(0, Finder())
"""
"""A `sitecustomize` that changes every process: a network with a fault, as of a bug or the system, or GPUs."""


class Home:
    """A folder to run studies in, each in a process group of its own."""

    def __init__(self, folder: Path, words: list[str]) -> None:
        self.folder, self.words = folder, words
        (folder / "faults").mkdir()
        (folder / "faults" / "sitecustomize.py").write_text(FAULTS)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "HYDRA", "OVERCAST"))}
        path = os.pathsep.join([str(folder / "faults"), os.environ.get("PYTHONPATH", "")])
        self.environment = kept | {"HOME": str(folder), "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
        self.environment[HOME] = str(folder)
        self.started: list[subprocess.Popen[str]] = []

    def start(self, script: str, *words: str, fault: str = "") -> subprocess.Popen[str]:
        """A script, which answers Ctrl-C."""
        given = {word.split("=")[0] for word in words}
        kept = [word for word in self.words if word.split("=")[0] not in given] if script == "train" else []
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "pipelines" / f"{script}.py"), *words[:1], *kept, *words[1:]],
            cwd=self.folder, env=self.environment | {"FAULT": fault}, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
        )  # fmt: skip
        self.started.append(process)
        return process

    def run(self, script: str, *words: str, fault: str = "") -> tuple[int, str, str]:
        process = self.start(script, *words, fault=fault)
        out, err = process.communicate(timeout=400)
        return process.returncode, out, err

    def wait_for(self, process: subprocess.Popen[str], trained: int, begun: int) -> None:
        """Until this many runs are trained, and this many others have begun within the last second."""
        until = time.monotonic() + 300
        while time.monotonic() < until:
            runs = [path.parent for path in (self.folder / "runs").glob("*/config.yaml")]
            whole = {run for run in runs if (run / "run.json").exists()}
            if len(whole) >= trained and len(runs) - len(whole) >= begun:  # asking MLflow each time would cost more
                found = [run for run in recorded(self.folder) if run.info.status == "RUNNING"]
                ages = [time.time() - run.info.start_time / 1000 for run in found if run.data.tags["role"] == "trial"]
                if len(ages) >= begun and min(ages) < 1:
                    return
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        raise AssertionError("nothing happened")

    def left(self) -> list[psutil.Process]:
        """Processes that were started here and still live."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.cwd() == str(self.folder) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return [process for process in found if process.pid != os.getpid()]

    def alone_within(self, seconds: float) -> bool:
        """Whether no process is left after some seconds."""
        until = time.monotonic() + seconds
        while self.left() and time.monotonic() < until:
            time.sleep(0.2)
        return not self.left()

    def end(self) -> None:
        """Leave no process behind."""
        for process in self.left():
            process.kill()
        for started in self.started:
            started.wait(30)


@pytest.fixture
def user(home: Path, words: list[str]) -> Iterator[Home]:
    made = Home(home, words)
    yield made
    made.end()


LONG = "epochs=150"
# of a second or two each: a worker sees within half a one that the study is gone
GRID = ["model=ann", "mitigation=none,noise", "seed=range(3)", LONG, "hydra.launcher.n_jobs=2"]


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, prepared: Path, database: bytes
) -> Iterator[tuple[Home, tuple[int, str, str]]]:
    """A study that nothing happens to, and what it left."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "mlflow.db").write_bytes(database)
    made = Home(folder, tiny(prepared))
    yield made, made.run("train", "-m", *GRID)
    made.end()


@pytest.mark.slow
def test_runs_go_on_in_parallel_with_a_line_and_logs(undisturbed: tuple[Home, tuple[int, str, str]]) -> None:
    user, (code, out, err) = undisturbed
    assert code == 0, err
    assert statuses(user.folder) == (["FINISHED"], Counter(FINISHED=6))
    assert "study sweep: 6 runs, 2 at once" in out
    assert re.search(r"6/6 \[.*0 failed, 0 left", err)
    assert "epoch" not in err  # each run's own line is in its log
    (study,) = (user.folder / "runs" / "studies").iterdir()
    logs = sorted((study / "jobs").glob("*.log"))
    assert [log.name for log in logs] == [f"{job:04d}.log" for job in range(6)]
    assert all("trained: runs/" in log.read_text() for log in logs)
    assert user.alone_within(5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "said"),
    [("raise", "ValueError: out of luck"), ("die", "its process was killed: by the system for want of memory?")],
)
def test_failing_and_dying_runs_stop_no_other(user: Home, script: Any, fault: str, said: str) -> None:
    command = ["model=ann,dnn", "seed=0,1"]
    code, _, err = user.run("train", "-m", *command, "hydra.launcher.n_jobs=2", fault=fault)
    assert code == 2
    assert f"2 of 4 runs failed:\n  2 × {said}" in err
    assert "Traceback" not in err
    parents, trials = statuses(user.folder)
    assert parents == ["FAILED"]
    assert (trials["FINISHED"], trials["RUNNING"], trials["FAILED"]) == (2, 0, 2 if fault == "raise" else 0)
    (study,) = (user.folder / "runs" / "studies").iterdir()
    names = re.findall(r"\d{4}\.log", err)
    assert len(names) == 2
    for name in names:
        assert fault == "die" or "Traceback" in (study / "jobs" / name).read_text()
    said_again = script("train", "-m", *user.words, *command, ONE)
    assert (said_again.code, already_trained(said_again)) == (0, 2), said_again
    parents, trials = statuses(user.folder)
    assert parents == ["FINISHED"]
    assert (trials["FINISHED"], trials["RUNNING"]) == (4, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "group"),
    [
        (signal.SIGINT, 130, False),
        (signal.SIGINT, 130, True),
        (signal.SIGTERM, 143, False),
        (signal.SIGTERM, 143, True),
    ],
)
def test_an_interrupted_study_leaves_nothing_running(user: Home, number: int, code: int, group: bool) -> None:
    words = ["model=ann", "epochs=1,100000", "seed=0,1", "hydra.launcher.n_jobs=2"]
    process = user.start("train", "-m", *words)
    user.wait_for(process, trained=2, begun=2)  # the short ones are through, the endless ones are not
    (os.killpg if group else os.kill)(process.pid, number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert user.alone_within(5)
    assert statuses(user.folder) == (["KILLED"], Counter(FINISHED=2, KILLED=2))


@pytest.mark.slow
def test_a_killed_study_resumes_to_the_same_comparison(
    user: Home, undisturbed: tuple[Home, Any], script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = user.start("train", "-m", *GRID)
    user.wait_for(process, trained=2, begun=1)
    process.kill()
    process.communicate(timeout=60)  # the workers, which write there too, end by themselves
    assert user.alone_within(10)
    assert statuses(user.folder)[0] == ["RUNNING"]
    assert script("compare").code == 0  # the next command, whatever it is, says what happened
    parents, trials = statuses(user.folder)
    assert parents == ["KILLED"]
    assert trials["RUNNING"] == 0
    assert trials["KILLED"] > 0
    code, _, err = user.run("train", "-m", *GRID)
    assert code == 0, err
    assert statuses(user.folder)[1]["FINISHED"] == 6

    tables = []
    for one in (user, undisturbed[0]):
        monkeypatch.chdir(one.folder)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", settings(one.folder).uri)
        said = script("compare", "out=compared")
        assert said.code == 0, said
        assert "report: compared" in said.out
        tables.append(pd.read_csv(one.folder / "compared" / "table.csv"))
    timing = [column for column in tables[0] if column.startswith("time")]
    pd.testing.assert_frame_equal(tables[0].drop(columns=timing), tables[1].drop(columns=timing))


@pytest.mark.slow
def test_two_processes_a_run_inside_a_study(user: Home, script: Any) -> None:
    words = ["model=ann,dnn", "trainer=ddp", "seed=0", "epochs=2", "hydra.launcher.n_jobs=2"]
    code, _, err = user.run("train", "-m", *words, fault="rank")
    assert code == 2, err
    assert "1 of 2 runs failed:\n  1 × rank 1 of 2 failed: it ended with exit code 7" in err
    assert statuses(user.folder) == (["FAILED"], Counter(FINISHED=1, FAILED=1))
    code, _, err = user.run("train", "-m", *words)
    assert code == 0, err
    assert statuses(user.folder) == (["FINISHED"], Counter(FINISHED=2, FAILED=1))
    assert user.alone_within(5)
    for model in ("ann", "dnn"):
        alone = [word for word in user.words if not word.startswith("epochs=")]
        said = script("train", *alone, f"model={model}", "seed=0", "epochs=2", "tracking=off", f"run=alone/{model}")
        assert said.code == 0, said
        alone = pd.read_csv(user.folder / "alone" / model / "history.csv")
        (whole,) = (path for path in (user.folder / "runs").glob(f"*{model}*") if (path / "run.json").exists())
        pd.testing.assert_frame_equal(pd.read_csv(whole / "history.csv"), alone, atol=1e-5)


@pytest.mark.slow
def test_on_gpus_each_run_has_its_own(user: Home) -> None:
    code, out, err = user.run("train", "-m", "model=ann", "seed=range(6)", "trainer=auto", fault="gpus")
    assert code == 0, err
    assert "study sweep: 6 runs, 2 at once" in out
    runs = [json.loads(path.read_text()) for path in (user.folder / "runs").glob("*/gpus.json")]
    assert Counter(len(gpus) for gpus, *_ in runs) == {1: 6}
    assert {gpu for (gpu,), *_ in runs} == {0, 1}
    for (gpu, began, ended), (other, later, _) in itertools.permutations(runs, 2):
        assert gpu != other or not began <= later < ended
    (precision,) = {run.data.tags["precision"] for run in recorded(user.folder) if run.data.tags["role"] == "trial"}
    assert precision == "32-true"  # as named


@pytest.mark.slow
def test_a_study_on_a_local_ray_cluster(user: Home) -> None:
    pytest.importorskip("ray")
    code, out, err = user.run("train", "-m", "hydra/launcher=ray", "model=ann", "seed=0,1")
    assert code == 0, err
    assert "study sweep: 2 runs" in out
    assert statuses(user.folder) == (["FINISHED"], Counter(FINISHED=2))


@pytest.mark.slow
def test_a_study_by_the_launcher_for_slurm(user: Home) -> None:
    """As `hydra/launcher=slurm`, but for the queue: submitit's own executor starts a process a job."""
    pytest.importorskip("submitit")
    jobs = f"hydra.launcher.submitit_folder={user.folder}/jobs/%j"
    code, out, err = user.run("train", "-m", "hydra/launcher=submitit_local", jobs, "model=ann", "seed=0,1")
    assert code == 0, err
    assert "study sweep: 2 runs" in out
    assert statuses(user.folder) == (["FINISHED"], Counter(FINISHED=2))


@pytest.mark.slow
def test_a_study_on_two_nodes_survives_a_worker_and_a_node(user: Home) -> None:
    """Two `ray start`, of a core each: a worker is killed, then a node; all trials are there, each once."""
    pytest.importorskip("ray")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    user.environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_ADDRESS": address}
    ray = [str(Path(sys.executable).with_name("ray")), "start", "--num-cpus=1", "--disable-usage-stats"]
    places = {"cwd": user.folder, "env": user.environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    head = ["--head", f"--port={address.rpartition(':')[2]}", "--include-dashboard=false"]
    subprocess.run([*ray, *head], **places, check=True, timeout=120)
    subprocess.run([*ray, f"--address={address}"], **places, check=True, timeout=120)
    study = user.start("train", "-m", "hydra/launcher=ray", "model=ann", "mitigation=none,noise", "seed=range(3)", LONG)

    def named(text: str) -> list[psutil.Process]:
        return [process for process in user.left() if text in " ".join(process.cmdline())]

    user.wait_for(study, trained=0, begun=2)
    named("ray::_run_job")[0].kill()
    user.wait_for(study, trained=1, begun=1)
    (node,) = (each for each in named("raylet/raylet") if "--head" not in each.cmdline())
    node.kill()
    out, err = study.communicate(timeout=400)
    assert study.returncode == 0, err
    assert "study sweep: 6 runs, 2 at once" in out
    ended = Counter(run.info.status for run in recorded(user.folder) if run.data.tags["role"] == "trial")
    assert ended["FINISHED"] == 6
    assert ended["RUNNING"] == 0, ended
    code, out, err = user.run("compare")
    assert code == 0, err


@pytest.mark.slow
def test_a_tuned_study_chooses_in_each_fold_and_compares_one_cell(user: Home, script: Any) -> None:
    user.words = [word for word in user.words if not word.startswith("mitigation=")]
    strengths = [f"mitigation=dropout mitigation.dropout.p={p}" for p in ("0.9", "0.05")]
    words = [
        'hydra.sweeper.cells=["mitigation=none"]',
        "hydra.sweeper.tuned=[" + json.dumps(strengths) + "]",
        "study.folds=2",
    ]
    code, out, err = user.run("train", "-m", "model=ann", *words)
    assert code == 0, err
    assert "study sweep: 6 runs" in out
    assert "chosen by validation: mitigation.dropout.p=0." in out
    tried = [run.data for run in recorded(user.folder) if run.data.params.get("mitigation") == "dropout"]
    for fold in ("0", "1"):
        some = [data for data in tried if data.params["fold"] == fold]
        best_first = sorted(some, key=lambda data: data.metrics["validation/nll"])
        assert [data.tags["role"] for data in best_first] == ["trial", "tuning"]
    roles = Counter(run.data.tags["role"] for run in recorded(user.folder))
    assert roles == {"study": 1, "tuning": 2, "trial": 4}
    said = script("train", "-m", *user.words, "model=ann", *words, ONE)
    assert (said.code, already_trained(said)) == (0, 6), said
    assert Counter(run.data.tags["role"] for run in recorded(user.folder)) == roles  # nothing new, nothing changed
    compared = script("compare").out
    assert "dropout (tuned): gap" in compared
    assert "Tuned: dropout (tuned): in each fold the best of 2 strengths" in compared
