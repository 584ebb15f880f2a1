"""What `import overcast` gives: at once, without torch; and a script's way from training to comparing."""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import overcast
from overcast.config import compose
from overcast.config.compose import compose_config, compose_tracking
from overcast.core.errors import UserError
from overcast.core.paths import ROOT
from overcast.tracking.run_folder import Run
from overcast.tracking.store import open_store
from overcast.tracking.study_info import StudyInfo
from overcast.training.plan import make_plan
from overcast.training.train import execute, train

TINY = ["data.n_samples=100", "data.size=16", "data.difficulty=0.2", "data.seed=0"]
WORDS = ["data=skies", *TINY, "model=ann", "epochs=1", "batch_size=16", "tracking=off", "trainer=cpu"]


@pytest.fixture
def run(config: Any) -> Run:
    return train(config("epochs=1"))


def test_importing_it_imports_nothing_else() -> None:
    code = "import sys, overcast; print(sorted(m for m in sys.modules if m.split('.')[0] in {}))"
    heavy = "('torch', 'pandas', 'numpy', 'mlflow', 'hydra', 'yaml')"
    done = subprocess.run([sys.executable, "-c", code.format(heavy)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_its_names_are_those_it_lists() -> None:
    assert set(overcast.__all__) <= set(dir(overcast))
    assert all(callable(getattr(overcast, name)) for name in overcast.__all__)


def test_a_run_from_training_to_predicting(data: Path, home: Path) -> None:
    run = overcast.train(*WORDS, f"data_dir={data}")
    assert run.config.model.name == "ann"
    assert run.folder.parent == home / "runs"
    figures = overcast.evaluate(run)
    assert 0 <= figures["test"]["accuracy"] <= 1
    assert (run.folder / "evaluation" / "metrics.json").is_file()
    assert overcast.load_run(run.folder).folder == overcast.load_run(str(run.folder)).folder == run.folder
    assert overcast.evaluate("latest") == overcast.evaluate(str(run.folder)) == figures
    assert overcast.load_run() == overcast.load_run(run.folder.relative_to(home)) == run
    pack = overcast.open_pack("skies", data)
    table = overcast.predict(run, data / "skies" / "raw")
    assert list(table) == ["file", "label", *pack.spec.classes, "error"]
    pictures = table[table["error"] == ""].set_index("file")
    paths = [str(data / "skies" / "raw" / name) for name in pack.index["file"]]
    arrays = overcast.predict(run, pack.gather(np.arange(100))[0])
    assert list(arrays["file"]) == list(range(100))
    assert list(arrays["label"]) == list(pictures.loc[paths, "label"])
    classes = list(pack.spec.classes)
    assert np.allclose(arrays[classes], pictures.loc[paths, classes], atol=1e-6)


def test_a_python_tag_in_an_option_file_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    with (tmp_path / "conf" / "model" / "ann.yaml").open("a") as file:
        file.write("other: !!python/object/apply:os.system [touch ran]\n")
    monkeypatch.setattr(compose, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^could not determine a constructor for the tag .*ann\.yaml"):
        compose_config("model=ann")
    assert not (tmp_path / "ran").exists()


def test_the_words_are_those_of_the_command_line(compose_as_script: Any) -> None:
    words = ["model=lstm", "mitigation=[dropout,early_stopping]", "epochs=3", "split.seed=2"]
    assert compose_config(*words) == compose_as_script(words, ROOT)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model=lstmm"], r"model=lstmm: there is no such model\. Did you mean lstm\?"),
        (["epoch=3"], r"there is no option 'epoch'\. Did you mean epochs\?"),
        (["epochs=many"], "epochs=many: give a whole number"),
        (["epochs=0"], "epochs=0"),
        (["model=[ann"], r"model=\[ann: cannot be read"),
        (["+study=small"], r"\+study=small: .*started with `python pipelines/train.py` \+study=small"),
        (["study=small"], "a study of several runs is started with"),
        (["study.folds=2"], "study.folds=2: .*a study of several runs is started with"),
        (["-m", "model=ann"], "-m: .*a study of several runs is started with"),
        (["seed=range(3)"], r"seed=range\(3\): one run .*`python pipelines/train.py` -m"),
        (["model=ann,cnn"], "model=ann,cnn: one run"),
    ],
)
def test_a_mistake_is_one_message(words: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        overcast.train(*words)


def test_what_is_not_there_is_said(home: Path) -> None:
    with pytest.raises(UserError, match=r"^language=kr: there is no such language\. Choices: en, ko$"):
        overcast.compare(language="kr")
    with pytest.raises(UserError, match=r"no run in .*runs/ yet"):
        overcast.load_run()
    with pytest.raises(UserError, match=r"There is no pack in .*data/skies/pack"):
        overcast.open_pack("skies")


def test_arrays_that_are_no_pictures_are_rows_with_their_error(run: Run, data: Path) -> None:
    good = overcast.open_pack("skies", data).gather(np.arange(1))[0][0]
    table = overcast.predict(run, [good, good[:2], good / 255, good.astype(int) * 2, good.astype(np.int64)])
    assert list(table["error"].str.slice(0, 20)) == ["", "shape (2, 16, 16), b", *["pictures are whole n"] * 2, ""]
    assert table.loc[0, "label"] == table.loc[4, "label"] != ""
    bad = table.loc[1:3]
    assert bad["label"].eq("").all()
    assert bad[list(run.spec.classes)].isna().all(axis=None)


def test_one_sample_or_a_mixture_is_refused(run: Run, data: Path) -> None:
    picture = overcast.open_pack("skies", data).gather(np.arange(1))[0][0]
    with pytest.raises(UserError, match=r"\(3, 16, 16\), but .*\(N, C, H, W\); a single sample comes in a list"):
        overcast.predict(run, picture)
    with pytest.raises(UserError, match="either files or arrays"):
        overcast.predict(run, [picture, "x.png"])
    with pytest.raises(UserError, match="there is nothing to predict"):
        overcast.predict(run, [])
    with pytest.raises(UserError, match=r"files=x.png: no such file"):
        overcast.predict(run, ["x.png"])


@pytest.mark.parametrize(("name", "network"), [("waves", "lstm"), ("verses", "rnn")])
def test_sequences_and_texts(config: Any, data: Path, name: str, network: str) -> None:
    """An array by itself is answered as in a batch with longer ones."""
    run = train(config(f"data={name}", f"model={network}", "epochs=1"))
    pack = overcast.open_pack(name, data)
    batch, length = pack.gather(np.arange(70))
    samples = [sample[:steps] for sample, steps in zip(batch, length, strict=True)]
    table = overcast.predict(run, samples)
    alone = pd.concat([overcast.predict(run, [sample]) for sample in samples])
    classes = list(run.spec.classes)
    assert np.allclose(table[classes], alone[classes], atol=1e-5)
    assert table["error"].eq("").all()
    if name == "verses":
        words = [np.array(pack.spec.decode(sample)) for sample in samples]
        for other in (overcast.predict(run, words), overcast.predict(run, batch)):  # whose padding is known as such
            assert np.allclose(table[classes], other[classes], atol=1e-6)
        assert "token ids from 0 to" in overcast.predict(run, [np.array([99])])["error"][0]
    else:
        nothing, unknown = samples[0][:0], samples[0] * np.nan
        assert list(overcast.predict(run, [nothing, unknown])["error"]) == [
            "no steps: the array is empty",
            "sequences are finite numbers",
        ]


@pytest.mark.filterwarnings("ignore:::mlflow")
@pytest.mark.filterwarnings("ignore:::sqlalchemy")
def test_a_study_is_compared(
    config: Any, home: Path, tracking_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tracking_folder}/mlflow.db")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "interface")
    with pytest.raises(UserError, match="there is no study yet in the experiment interface"):
        overcast.compare()
    store = open_store(compose_tracking())
    assert store is not None
    record = store.study("small-1", "small", {"folder": "runs/studies", "command": "train -m"})
    study = StudyInfo("small-1", "small", record.id, 1, "runs/studies")
    for mitigation in ("none", "noise"):
        for seed in range(2):
            made = config("epochs=1", f"mitigation={mitigation}", f"seed={seed}")
            execute(make_plan(replace(made, tracking=compose_tracking())), store, study)
    compared = overcast.compare("small")
    assert compared.study == "small-1"
    assert sorted(compared.table["cell"]) == ["noise", "none"]
    assert set(compared.table["context"]) == {""}
    assert set(compared.table["verdict/test/accuracy"]) <= {"", "undecided", "better", "worse", "equivalent"}
    assert list(compared.trials["mitigation"]) == ["none", "none", "noise", "noise"]
    means = compared.trials.groupby("cell")["test/accuracy"].mean()
    assert dict(means) == pytest.approx(dict(compared.table.set_index("cell")["test/accuracy"]))
    assert compared.report == home / "reports" / "small-1" / "report.html"
    assert compared.report.is_file()
    (verdict,) = compared.verdicts
    assert verdict.startswith("noise: ")
    assert verdict in compared.text
    korean = overcast.compare("small", language="ko")
    assert korean.table.equals(compared.table)
    assert korean.verdicts[0].startswith("noise: 음의 로그가능도 격차 ")
    assert korean.verdicts[0] in korean.text


def test_the_documentation_has_every_function_with_its_arguments() -> None:
    headings = re.findall(
        r"^## (\w+)\((.*)\)$", (ROOT / "docs/guide/python.md").read_text(encoding="utf8"), re.MULTILINE
    )
    assert dict(headings) == {
        name: re.sub(r": .*?(?= = |,|$)", "", str(inspect.signature(getattr(overcast, name)))[1:].partition(") ->")[0])
        .replace(" = ", "=")
        .replace("'", '"')
        for name in overcast.__all__
    }


def test_the_example_of_the_documentation_runs(data: Path, home: Path) -> None:
    """But for its pictures' folder and its study, and with tiny data."""
    text = (ROOT / "docs" / "guide" / "python.md").read_text(encoding="utf8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert code.startswith("import overcast\n")
    lines = [line for line in code.splitlines() if "compare(" not in line]
    assert len(code.splitlines()) - len(lines) == 1
    code = "\n".join(lines).replace("/pictures", str(data / "skies" / "raw"))
    code = code.replace("train(", f"train({', '.join(map(repr, [*WORDS, f'data_dir={data}']))}, ", 1)
    code = code.replace('open_pack("skies"', f'open_pack("skies", root={str(data)!r}')
    names: dict[str, Any] = {}
    exec(code, names)
    assert isinstance(names["table"], pd.DataFrame)
    assert len(names["table"]) >= 100
