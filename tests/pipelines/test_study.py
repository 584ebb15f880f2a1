"""Studies as a user runs them: what is recorded, resumed, refused and said; the longer ones with real workers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from overcast.config import ROOT
from overcast.tracking import Store, open_store

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]

ONE = "hydra.launcher.n_jobs=1"


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An empty tracking database: making one takes seconds."""
    place = tmp_path_factory.mktemp("database")
    open_store(settings(place))
    return (place / "mlflow.db").read_bytes()


def settings(folder: Path) -> dict[str, Any]:
    uri = f"sqlite:///{folder}/mlflow.db"
    return {"enabled": True, "uri": uri, "artifacts": str(folder / "mlartifacts"), "experiment": "other"}


@pytest.fixture
def words(home: Path, data: Path, database: bytes, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Overrides of a tiny study in `home`, which has a tracking database."""
    (home / "mlflow.db").write_bytes(database)
    # MLflow keeps one connection a process for each address, and the usual one is relative
    monkeypatch.setenv("MLFLOW_TRACKING_URI", settings(home)["uri"])
    tiny = ["data=skies", "data.number=100", "data.size=16", "data.difficulty=0.2", f"data_dir={data}"]
    return [
        *tiny,
        "mitigation=none",
        "trainer=cpu",
        "trainer.threads=1",
        "trainer.precision=32-true",
        "epochs=1",
        "lr=0.01",
    ]


def store_of(home: Path) -> Store:
    store = open_store(settings(home) | {"experiment": "overcast"})
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


def is_running_trial(run: Any) -> bool:
    return run.data.tags["role"] == "trial" and run.info.status == "RUNNING"


def trained(home: Path) -> int:
    return len(list((home / "runs").glob("*/run.json")))


# --- one after the other, in this process


def test_a_sweep_is_one_parent_with_its_runs_and_resumes(script: Any, words: list[str], home: Path) -> None:
    said = script("train", "-m", *words, ONE, "model=ann,dnn", "seed=0,1")
    assert said.code == 0, said
    assert statuses(home) == (["FINISHED"], Counter(FINISHED=4))
    assert "study sweep: 4 runs, 1 at once" in said.out
    assert "viewStateShareKey=overcast-sweep-" in said.out
    # again, with other workers and in other words: nothing is left to do
    said = script("train", "-m", *words, ONE, "trainer.devices=1", "model=ann,dnn", "seed=0,1")
    assert said.code == 0, said
    assert said.out.count("already trained") == 4
    assert statuses(home) == (["FINISHED"], Counter(FINISHED=4))
    # a run whose folder was removed is trained again, and another study does not count for this one
    next((home / "runs").glob("*ann*s0*")).joinpath("model.pt").unlink()
    assert script("train", "-m", *words, ONE, "model=ann,dnn", "seed=0,1").out.count("already trained") == 3
    assert script("train", "-m", *words, ONE, "model=ann", "seed=0,1").out.count("already trained") == 0
    assert statuses(home)[0] == ["FINISHED"] * 2


def test_what_is_recorded_elsewhere_is_found_there(script: Any, words: list[str], home: Path) -> None:
    mine = "tracking.experiment=mine"
    assert script("train", "-m", *words, ONE, "model=ann", "seed=0,1", mine).code == 0
    assert "no study yet in the experiment overcast" in script("compare").mistake()
    said = script("compare", mine, "out=page")
    assert "report: page/report.html" in said.out, said
    assert recorded(home) == []
    (run, _) = (path.parent for path in sorted((home / "runs").glob("*/run.json")))
    name = json.loads((run / "run.json").read_text())["id"]
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
        patch.setattr("overcast.fit.size", lambda *_: {"parameters": 1, "multiply_adds": 1})
        said = script(*command)
    assert said.code != 0
    assert "2 of 4 runs failed:\n  2 × ValueError: out of luck\n" in said.err
    assert "The same command again repeats only these." in said.err
    assert statuses(home) == (["FAILED"], Counter(FINISHED=2, FAILED=2))
    said = script(*command)
    assert (said.code, said.out.count("already trained")) == (0, 2)
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


def test_candidates_that_make_no_sense_are_left_out(script: Any, words: list[str], home: Path) -> None:
    kept = [word for word in words if not word.startswith("mitigation=")]
    shrunk = [f'"mitigation=shrink mitigation.shrink.scale={scale}"' for scale in (0.25, 0.5)]
    groups = f'[[{",".join(shrunk)}],["mitigation=noise","mitigation=pretraining"]]'
    lists = [f"hydra.sweeper.tuned={groups}", 'hydra.sweeper.tuning=["seed=9"]', 'hydra.sweeper.repeats=["seed=0"]']
    said = script("train", "-m", *kept, ONE, "model=perceptron,ann", 'hydra.sweeper.cells=["mitigation=none"]', *lists)
    assert said.code == 0, said
    # one candidate of the perceptron's and four of the ANN's are tried; then none and one winner, none and two
    assert "study sweep: 10 runs, 1 at once" in said.out
    assert "chosen by validation: mitigation=noise; mitigation=shrink mitigation.shrink.scale=" in said.out
    assert statuses(home) == (["FINISHED"], Counter(FINISHED=5))


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
        (["mitigation=none,[none,dropout]"], "pick it alone, or leave it out"),
        (
            ["mitigation=none,[drop_out,noise]"],
            "mitigation=drop_out: there is no such mitigation. Did you mean dropout?",
        ),
        (["epochs=1,many"], "epochs: "),
        (["epochs=1,0"], "epochs=0: must be at least 1"),
        (["model.hidden=8,wide"], "model.hidden=wide: "),
        (["split.fold=0,10"], "split.fold=10 is not one of the 10 folds"),
        (["data.size=16,32"], "made with size=16, but the config asks for size=32"),
        (["trainer=cpu,gpu"], "no GPU is visible"),
        (['hydra.sweeper.cells=["model=ann","model=dnnn"]'], "model=dnnn: there is no such model. Did you mean dnn?"),
        (['hydra.sweeper.repeats=["sed=0"]'], "there is no option 'sed'. Did you mean seed?"),
        (
            ['hydra.sweeper.repeats=["seed=0","seed=1"]', "seed=3"],
            "seed is what this study varies in its cells or repeats",
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
    hold = f"import sys, pathlib; from overcast.hold import hold\nwith hold(pathlib.Path({str(folder)!r})):"
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
    cells = [
        'hydra.sweeper.cells=["mitigation=none","mitigation=noise"]',
        'hydra.sweeper.repeats=["seed=0 split.fold=0"]',
    ]
    said = script("train", "+study=small", *words, ONE, *cells)
    assert said.code == 0, said
    assert "study small: 2 runs, 1 at once" in said.out
    assert statuses(home) == (["FINISHED"], Counter(FINISHED=2))


# --- with workers, as a user runs it


FAULTS = """
import os, sys
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


class Finder(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name != "overcast.model.dnn":
            return None
        spec = PathFinder.find_spec(name, path)
        load = spec.loader.exec_module
        spec.loader.exec_module = lambda module: (load(module), strike(module, os.environ["FAULT"]))
        return spec


if os.environ.get("FAULT"):
    sys.meta_path.insert(0, Finder())
"""
"""A `sitecustomize` that gives one network a fault in every process, as a bug or the system would."""


class Home:
    """A folder to run studies in, each in a process group of its own."""

    def __init__(self, folder: Path, words: list[str]) -> None:
        self.folder, self.words = folder, words
        (folder / "faults").mkdir()
        (folder / "faults" / "sitecustomize.py").write_text(FAULTS)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "HYDRA", "OVERCAST"))}
        self.environment = kept | {"HOME": str(folder), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(folder / "faults")}
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

    def wait_for(self, process: subprocess.Popen[str], count: int) -> None:
        """Until this many runs are trained and another has just begun: one at its end would end by itself."""
        for _ in range(3000):
            if trained(self.folder) >= count:
                began = [run.info.start_time / 1000 for run in recorded(self.folder) if is_running_trial(run)]
                if began and time.time() - max(began) < 2:
                    return
            assert process.poll() is None, process.communicate()
            time.sleep(0.1)
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


@pytest.fixture
def user(home: Path, words: list[str]) -> Iterator[Home]:
    made = Home(home, words)
    yield made
    for process in made.left():
        process.kill()
    for started in made.started:
        started.wait(30)


GRID = ["model=ann,dnn", "mitigation=none,dropout", "seed=0,1"]


@pytest.mark.slow
def test_runs_go_on_in_parallel_with_a_line_and_logs(user: Home) -> None:
    code, out, err = user.run("train", "-m", *GRID, "hydra.launcher.n_jobs=2")
    assert code == 0, err
    assert statuses(user.folder) == (["FINISHED"], Counter(FINISHED=8))
    assert "study sweep: 8 runs, 2 at once" in out
    assert re.search(r"8/8 \[.*0 failed, 0 left", err)
    assert "epoch" not in err  # each run's own line is in its log
    (study,) = (user.folder / "runs" / "studies").iterdir()
    logs = sorted((study / "jobs").glob("*.log"))
    assert [log.name for log in logs] == [f"{job:04d}.log" for job in range(8)]
    assert all("trained: runs/" in log.read_text() for log in logs)
    assert user.alone_within(5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "said"),
    [("raise", "ValueError: out of luck"), ("die", "its process was killed: by the system for want of memory?")],
)
def test_failing_and_dying_runs_stop_no_other(user: Home, fault: str, said: str) -> None:
    command = ["train", "-m", "model=ann,dnn", "seed=0,1", "hydra.launcher.n_jobs=2"]
    code, _, err = user.run(*command, fault=fault)
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
    code, _, err = user.run(*command)
    assert code == 0, err
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
    process = user.start("train", "-m", "model=ann", "seed=range(6)", "epochs=400", "hydra.launcher.n_jobs=2")
    user.wait_for(process, 1)
    (os.killpg if group else os.kill)(process.pid, number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert user.alone_within(5)
    parents, trials = statuses(user.folder)
    assert parents == ["KILLED"]
    assert set(trials) <= {"KILLED", "FINISHED"}
    assert trials["FINISHED"] < 6


@pytest.mark.slow
def test_a_killed_study_resumes_to_the_same_comparison(user: Home, tmp_path_factory: pytest.TempPathFactory) -> None:
    command = [
        "train",
        "-m",
        "model=ann",
        "mitigation=none,noise",
        "seed=range(3)",
        "epochs=200",  # of several seconds: a worker sees within one that the study is gone
        "hydra.launcher.n_jobs=2",
    ]
    process = user.start(*command)
    user.wait_for(process, 2)
    process.kill()
    process.communicate(timeout=60)  # the workers, which write there too, end by themselves
    assert user.alone_within(10)
    assert statuses(user.folder)[0] == ["RUNNING"]
    code, _, err = user.run("compare")  # the next command, whatever it is, says what happened
    assert code == 0, err
    parents, trials = statuses(user.folder)
    assert parents == ["KILLED"]
    assert trials["RUNNING"] == 0
    assert trials["KILLED"] > 0
    code, _, err = user.run(*command)
    assert code == 0, err
    assert statuses(user.folder)[1]["FINISHED"] == 6

    other = Home(tmp_path_factory.mktemp("undisturbed"), user.words)
    assert other.run(*command)[0] == 0
    tables = []
    for one in (user, other):
        code, out, err = one.run("compare", "out=compared")
        assert code == 0, err
        tables.append(pd.read_csv(one.folder / "compared" / "table.csv"))
        assert "report: compared" in out
    timing = [column for column in tables[0] if column.startswith("time")]
    pd.testing.assert_frame_equal(tables[0].drop(columns=timing), tables[1].drop(columns=timing))


@pytest.mark.slow
def test_two_processes_a_run_inside_a_study(user: Home) -> None:
    words = ["model=ann,dnn", "trainer=ddp", "seed=0", "epochs=2", "hydra.launcher.n_jobs=2"]
    code, _, err = user.run("train", "-m", *words, fault="rank")
    assert code == 2, err
    assert "1 of 2 runs failed:\n  1 × RuntimeError: rank 1 of 2 failed" in err
    assert statuses(user.folder) == (["FAILED"], Counter(FINISHED=1, FAILED=1))
    code, _, err = user.run("train", "-m", *words)
    assert code == 0, err
    assert statuses(user.folder) == (["FINISHED"], Counter(FINISHED=2, FAILED=1))
    assert user.alone_within(5)
    for model in ("ann", "dnn"):
        code, _, err = user.run("train", f"model={model}", "seed=0", "epochs=2", "tracking=off", f"run=alone/{model}")
        assert code == 0, err
        alone = pd.read_csv(user.folder / "alone" / model / "history.csv")
        (whole,) = (path for path in (user.folder / "runs").glob(f"*{model}*") if (path / "run.json").exists())
        pd.testing.assert_frame_equal(pd.read_csv(whole / "history.csv"), alone, atol=1e-5)


@pytest.mark.slow
def test_a_study_on_a_local_ray_cluster(user: Home) -> None:
    pytest.importorskip("ray")
    code, out, err = user.run("train", "-m", "hydra/launcher=ray", "model=ann", "seed=0,1")
    assert code == 0, err
    assert "study sweep: 2 runs" in out
    assert statuses(user.folder) == (["FINISHED"], Counter(FINISHED=2))


@pytest.mark.slow
def test_a_tuned_study_chooses_then_repeats(user: Home) -> None:
    """A dropout of 0.95 learns nothing in so few steps: the milder one must be chosen."""
    user.words = [word for word in user.words if not word.startswith("mitigation=")]
    strengths = [f"mitigation=dropout mitigation.dropout.p={p}" for p in ("0.95", "0.05")]
    words = [
        'hydra.sweeper.cells=["mitigation=none"]',
        "hydra.sweeper.tuned=[" + json.dumps(strengths) + "]",
        'hydra.sweeper.tuning=["split.fold=3 seed=7"]',
        'hydra.sweeper.repeats=["split.fold=0 seed=0","split.fold=1 seed=1"]',
    ]
    code, out, err = user.run("train", "-m", "model=ann", "epochs=20", *words)
    assert code == 0, err
    assert "chosen by validation: mitigation=dropout mitigation.dropout.p=0.05" in out
    roles = Counter(run.data.tags["role"] for run in recorded(user.folder))
    assert roles == {"study": 1, "tuning": 2, "trial": 4}
    code, out, err = user.run("train", "-m", "model=ann", "epochs=20", *words)
    assert code == 0, err
    assert len(recorded(user.folder)) == 7  # all of it was there already
