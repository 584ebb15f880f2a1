"""Every stage by its script, end to end, and each mistake that a user can make as one message and exit code 2."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from overcast.core.locks import lock
from overcast.core.paths import HOME, ROOT
from overcast.prepare import one_process


def test_from_nothing_to_labels(script: Any, tiny: list[str], fast: list[str], home: Path) -> None:
    for stage in ("download", "pack", "split"):
        assert script(stage, *tiny).code == 0
    said = script("train", *fast)
    assert said.code == 0
    folder = Path(said.out.split("trained: ")[1].splitlines()[0])
    assert folder.parent == Path("runs")
    said = script("evaluate")
    assert "95 % interval" in said.out
    assert json.loads((folder / "evaluation/metrics.json").read_text())["test"]["accuracy"] >= 0
    Image.new("RGB", (30, 30)).save(home / "good.png")
    assert script("predict", f"run={folder}", "files=good.png").out.count("\n") == 2
    (home / "bad.png").touch()
    said = script("predict", "files=*.png", "out=labels.csv")
    assert (said.code, "Traceback" in said.err) == (1, False)
    with (home / "labels.csv").open() as file:
        assert [bool(row["error"]) for row in csv.DictReader(file)] == [True, False]
    assert not (home / "mlflow.db").exists()


@pytest.mark.filterwarnings("ignore:::mlflow", "ignore:::sqlalchemy")
@pytest.mark.parametrize("stage", ["download", "pack", "split"])
def test_a_stage_waits_for_whoever_is_at_the_same_data(
    script: Any, tiny: list[str], home: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "data" / "skies"
    folder.mkdir(parents=True)
    with ExitStack() as another:
        another.enter_context(lock(folder))  # until it is waited for
        monkeypatch.setattr(one_process, "lock", lambda folder: (another.close(), lock(folder))[1])
        assert "preparing skies: waiting for another process that is at it" in script(stage, *tiny).out


@pytest.mark.slow
def test_from_another_folder(script: Any, tiny: list[str], fast: list[str], home: Path, monkeypatch: Any) -> None:
    """The project's own files lie in the project; what is typed is where the user stands."""
    away = home / "away"
    away.mkdir()
    monkeypatch.chdir(away)
    for stage in ("download", "pack", "split"):
        assert script(stage, *tiny).code == 0
    assert f"There is no pack in {home}/data/digits/pack" in script("train", "data=digits", "tracking=off").mistake()
    script("train", *fast, "run=mine")
    assert script("train", *[word for word in fast if word != "tracking=off"]).code == 0
    assert script("evaluate").code == script("evaluate", "run=mine").code == 0
    (run,) = (home / "runs").iterdir()
    assert (run / "evaluation").is_dir()
    assert str(home) not in (run / "record.json").read_text()
    Image.new("RGB", (30, 30)).save(away / "good.png")
    assert script("predict", f"run=runs/{run.name}", "files=*.png", "out=labels.csv").code == 0
    assert "\ngood.png," in (away / "labels.csv").read_text()
    assert script("audit", *tiny, "out=page").out.strip() == "page: page/index.html"
    assert script("audit", *tiny).out.strip() == f"page: {home}/reports/audit/skies/index.html"
    assert script("train", "-m", *fast, "seed=0,1", "hydra.launcher.n_jobs=1").code == 0
    assert sorted(path.name for path in away.iterdir()) == ["good.png", "labels.csv", "mine", "page"]
    found = {path.name for path in home.iterdir()}
    assert found == {"away", "data", "mlflow.db", "mlflow.db.lock", "reports", "runs"} | (found & {"mlartifacts"})


def test_stages_out_of_order_say_which_is_missing(script: Any, tiny: list[str], fast: list[str]) -> None:
    assert "no run in runs/ yet" in script("evaluate").mistake()
    assert "no run in runs/ yet" in script("predict", "files=.").mistake()
    assert "run `python pipelines/download.py data=skies` first" in script("pack", *tiny).mistake()
    assert "run `python pipelines/pack.py data=skies`" in script("split", *tiny).mistake()
    assert "run `python pipelines/pack.py data=skies`" in script("train", *fast).mistake()
    for stage in ("download", "pack"):
        script(stage, *tiny)
    assert "run `python pipelines/split.py data=skies`" in script("train", *fast).mistake()
    script("split", *tiny)
    assert "made with size=16, but the config asks for size=32" in script("train", *fast, "data.size=32").mistake()
    assert "made with seed=0" in script("train", *fast, "split.seed=4").mistake()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model=lstn"], "model=lstn: there is no such model. Did you mean lstm? Choices: ann"),
        (["mitigation=[batchnorm]"], "mitigation=batchnorm: there is no such mitigation. Did you mean batch_norm?"),
        (["data=sky"], "data=sky: there is no such data. Choices:"),
        (["epochs=many"], "epochs=many: give a whole number"),
        (["epoch=3"], "there is no option 'epoch'. Did you mean epochs?"),
        (["model.width=wide", "model=cnn"], "model.width=wide: "),
        (["epochs=0"], "epochs=0: must be at least 1"),
        (["trainer=gpus"], "trainer=gpus: there is no such trainer. Did you mean gpu?"),
        (["epochs="], "epochs"),
        (["model=[ann"], "model=[ann: cannot be read"),
        (["mitigation=null"], "mitigation=null: name a mitigation. Choices: augmentation"),
        (["mitigation="], "mitigation=: name a mitigation. Choices: augmentation"),
        (["data=3"], "data=3: name a data. Choices: digits"),
        (["data=nan"], "data=nan: name a data. Choices: digits"),
        (["+data={a:1}"], "+data={a:1}: name a data. Choices: digits"),
        (["mitigation=[1,2]"], "mitigation=[1,2]: name a mitigation. Choices: augmentation"),
        (["+mitigation=[nan]"], "+mitigation=[nan]: name a mitigation. Choices: augmentation"),
    ],
)
def test_a_mistyped_option_is_one_message(script: Any, data: Path, words: list[str], said: str) -> None:
    assert (
        said
        in script(
            "train", f"data_dir={data}", "data.n_samples=100", "data.size=16", "data.difficulty=0.2", *words
        ).mistake()
    )


@pytest.mark.parametrize("words", [["fles=x"], [], ["files=none.png"], ["files="]])
def test_predict_says_what_it_needs(script: Any, home: Path, words: list[str]) -> None:
    assert "Traceback" not in script("predict", *words).mistake()


def test_a_folder_of_ones_own_files_is_not_trained_into(script: Any, data: Path, fast: list[str], home: Path) -> None:
    (home / "mine" / "evaluation").mkdir(parents=True)
    for name in ("config.yaml", "model.pt", "history.csv", "evaluation/notes.txt"):
        (home / "mine" / name).write_text("mine")
    shutil.copytree(data / "skies", home / "data" / "skies")
    words = [*fast, "data.difficulty=0.2"]
    for place, said in (("mine", "this folder holds what is no run's"), (".", "this folder holds what is no run's"),
                        ("data/skies", "lies in data, where the data is")):  # fmt: skip
        assert f"run={place}" in script("train", *words, f"run={place}").mistake()
        assert said in script("train", *words, f"run={place}").mistake()
    assert "each run of a study has a folder of its own" in script("train", "-m", *words, "run=x", "seed=0,1").mistake()
    assert {path.read_text() for path in (home / "mine").rglob("*.*")} == {"mine"}
    assert len([*(home / "mine").rglob("*.*")]) == 4
    for _ in range(2):
        assert script("train", *words, "run=runs/mine").code == 0


def test_help_lists_the_options(script: Any) -> None:
    assert "out: a csv file" in script("predict", "--help").out
    assert "run: a run's folder" in script("evaluate", "-h").out


def test_a_config_can_be_seen_before_it_is_run(script: Any) -> None:
    shown = script("train", "--cfg", "job", "model=lstm")
    assert shown.code == 0
    assert "overcast.model.lstm.LSTM" in shown.out


def environment(home: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "HYDRA", "OVERCAST"))}
    return kept | {"HOME": str(home), "OMP_NUM_THREADS": "1", HOME: str(home)}


def test_a_mistake_in_a_python_of_its_own(home: Path) -> None:
    command = [sys.executable, str(ROOT / "pipelines/train.py"), "model=lstn"]
    done = subprocess.run(command, cwd=home, env=environment(home), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("overcast: model=lstn: there is no such model.")
    assert done.stderr.count("\n") == 1
    assert list(home.iterdir()) == []


def test_only_what_a_stage_needs_is_imported(home: Path, data: Path) -> None:
    code = (
        f"import runpy, sys; sys.argv = ['split.py', 'data=skies', 'data_dir={home}']; "
        f"sys.path.insert(0, ''); "
        f"import atexit; atexit.register(lambda: print([m for m in ('torch', 'pytorch_lightning', 'mlflow', 'pandas') "
        f"if m in sys.modules])); runpy.run_path('{ROOT}/pipelines/split.py', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=home, env=environment(home), capture_output=True, text=True, check=False
    )
    assert "There is no pack" in done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # MLflow's, when asked in this process
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_training_in_order(home: Path, data: Path, number: int, code: int) -> None:
    words = ["data=skies", "data.n_samples=100", "data.size=16", "data.difficulty=0.2", f"data_dir={data}", "model=ann"]
    words += ["mitigation=none", "trainer=cpu", "epochs=100000"]
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "pipelines/train.py"), *words],
        cwd=home, env=environment(home), stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        for line in iter(lambda: process.stderr.read(200), ""):
            if "accuracy" in line:
                break
        time.sleep(1)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == code
    assert "Traceback" not in err
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{home}/mlflow.db")
    experiments = [e.experiment_id for e in client.search_experiments()]
    assert [run.info.status for run in client.search_runs(experiments)] == ["KILLED"]
