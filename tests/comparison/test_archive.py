"""A study's archive: the same report from it with all else gone; and one from a stranger does no harm."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from overcast.comparison.archive import archive_study, is_archive, read_archive, write_archive
from overcast.comparison.compare import compare
from overcast.comparison.trials import Diverged
from overcast.config.compose import compose_tracking
from overcast.core.errors import UserError
from overcast.core.paths import HOME
from overcast.study.trial import run_trial
from overcast.tracking.store import open_store
from overcast.tracking.study_info import StudyInfo

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]

BESIDE = ("table.csv", "table.md", "trials.csv", "table.tex", "forest.pdf", "forest.svg", "methods.md", "methods.bib")


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the one archive of these tests lies, once it is made."""
    return tmp_path_factory.mktemp("archive")


@pytest.fixture
def archived(kept: Path, config: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The archive of a study of 2 cells and 2 folds, ``study.zip``, beside the report of the study itself."""
    if not (kept / "study.zip").exists():
        project = home / "project"
        project.mkdir()
        monkeypatch.setenv(HOME, str(project))
        store = open_store(compose_tracking())
        assert store is not None
        plan = json.dumps({"outcomes": ["nll", "accuracy"], "margins": {"nll": 0.2}})
        tags = {"folder": "runs/studies", "command": "train.py -m", "runs": "4", "judged": plan, "planned": plan}
        parent = store.study("small-12345678", "small", tags)
        study = StudyInfo("small-12345678", "small", parent.id, 1, "runs/studies")
        for mitigation in ("none", "noise"):
            for fold in (0, 1):
                one = config("epochs=1", f"mitigation={mitigation}", f"split.fold={fold}", "runs_dir=runs")
                run_trial(replace(one, tracking=compose_tracking()), study)
        compare(out=str(kept / "report"))
        archive_study(out=str(kept / "study.zip"))
        shutil.rmtree(project)
    monkeypatch.setenv(HOME, str(home / "elsewhere"))
    return kept / "study.zip"


@pytest.fixture
def changed(archived: Path, tmp_path: Path) -> Callable[..., Path]:
    """The archive with other members: None leaves one out."""

    def made(**members: str | None) -> Path:
        path = tmp_path / "changed.zip"
        with zipfile.ZipFile(archived) as source, zipfile.ZipFile(path, "w") as target:
            for name in source.namelist():
                if name not in members:
                    target.writestr(name, source.read(name))
            for name, text in members.items():
                if text is not None:
                    target.writestr(name, text)
        return path

    return made


def text_of(archive: Path, name: str) -> str:
    with zipfile.ZipFile(archive) as source:
        return source.read(name).decode()


@pytest.mark.slow
def test_the_report_from_an_archive_is_the_original_byte_for_byte(archived: Path, home: Path) -> None:
    said = compare(archive=str(archived), out="again").text
    for name in BESIDE:
        assert (home / "again" / name).read_bytes() == (archived.parent / "report" / name).read_bytes(), name
    assert (home / "again" / "report.html").is_file()
    assert "report: again/report.html" in said
    assert "MLflow" not in said
    assert not (home / "elsewhere").exists()  # nothing is recorded, nothing looked for
    methods = (home / "again" / "methods.md").read_text()
    assert "Before the first trial we recorded two families" in methods
    assert "within 0.1 in gap in negative log-likelihood, 0.2 in test negative log-likelihood and" in methods


def test_an_archive_names_no_place_nor_person_and_holds_no_weights(archived: Path) -> None:
    with zipfile.ZipFile(archived) as source:
        names = source.namelist()
        texts = [source.read(name).decode() for name in names if name != "changes.diff"]
    assert not [name for name in names if name.endswith(".pt")]
    assert {"study.json", "environment.json", "changes.diff", "runs/0003/evaluation/predictions.csv"} <= set(names)
    assert "torch" in json.loads(text_of(archived, "environment.json"))["packages"]
    assert not [text for text in texts if str(archived.parent.parent) in text]
    tags = [each["tags"] for each in json.loads(text_of(archived, "study.json"))["trials"]]
    assert not {"host", "project", "mlflow.user", "folder"} & {name for each in tags for name in each}


@pytest.mark.parametrize(
    ("member", "text", "said"),
    [
        ("study.json", "{", "no archive of a study, or a damaged one"),
        ("study.json", None, "no archive of a study, or a damaged one"),
        ("study.json", "[]", "no archive of a study, or a damaged one"),
        ("study.json", '{"format": 99}', "newer version of overcast"),
        ("runs/0000/run.json", None, r"damaged in runs/0000 \(the run in .* is not whole \(run.json missing"),
        ("runs/0001/run.json", "[1]", "damaged in runs/0001"),
        ("runs/0001/config.yaml", "a: [", "damaged in runs/0001"),
        ("runs/0001/history.csv", "epoch\n", "damaged in runs/0001"),
        ("runs/0002/evaluation/metrics.json", '{"test": {"accuracy": "high"}}', "damaged in runs/0002"),
        ("runs/0002/evaluation/metrics.json", None, "damaged in runs/0002"),
        ("runs/0003/parts.csv", "part\ntrain\ntest\n", "damaged in runs/0003"),
    ],
)
def test_a_damaged_archive_is_one_message(changed: Any, member: str, text: str | None, said: str) -> None:
    with pytest.raises(UserError, match=said):
        compare(archive=str(changed(**{member: text})))


def test_a_study_named_as_a_path_is_refused(archived: Path, changed: Any) -> None:
    study = json.loads(text_of(archived, "study.json"))
    study["study"]["tags"]["study"] = "../../out"
    with pytest.raises(UserError, match="a study's name that is none"):
        compare(archive=str(changed(**{"study.json": json.dumps(study)})))
    study["study"]["tags"] |= {"study": "small-12345678", "repeats": "some"}
    with pytest.raises(UserError, match="no archive of a study, or a damaged one"):
        compare(archive=str(changed(**{"study.json": json.dumps(study)})))
    study["study"]["tags"] |= {"repeats": "2", "judged": '{"outcomes": ["fame"]}'}
    with pytest.raises(UserError, match="there is no outcome fame"):
        compare(archive=str(changed(**{"study.json": json.dumps(study)})))


@pytest.mark.parametrize("name", ["../evil.txt", "/tmp/evil.txt", "runs/0000/../../../evil.txt"])
def test_an_archive_with_a_name_that_leads_out_is_refused(changed: Any, tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"would write outside its folder \(.*evil\.txt\): do not use this archive"):
        compare(archive=str(changed(**{name: "x"})), out=str(tmp_path / "page"))
    assert not list(tmp_path.rglob("evil*"))
    assert not (tmp_path / "page").exists()


def test_what_is_unknown_is_not_unpacked(changed: Any, tmp_path: Path) -> None:
    path = changed(**{"evil.py": "x"})
    (tmp_path / "into").mkdir()
    assert len(read_archive(path, tmp_path / "into").runs) == 4
    assert sorted(each.name for each in (tmp_path / "into").iterdir()) == [
        "changes.diff", "environment.json", "runs", "study.json",
    ]  # fmt: skip
    assert not list(tmp_path.rglob("evil*"))


def test_no_foreign_class_is_imported(archived: Path, changed: Any) -> None:
    """The data set's own number of folds would be asked of its class."""
    config = text_of(archived, "runs/0000/config.yaml")
    assert "folds: 10" in config  # and so an archive tells it
    config = config.replace("overcast.data.skies.Skies", "this.Thing").replace("folds: 10", "folds: null")
    with pytest.raises(UserError, match=r"it names this\.Thing, and no class outside of overcast is imported"):
        compare(archive=str(changed(**{"runs/0000/config.yaml": config})))


def test_another_file_is_no_archive(home: Path, archived: Path) -> None:
    with pytest.raises(UserError, match=r"archive=gone\.zip: there is no such file"):
        compare(archive="gone.zip")
    Path("text.zip").write_text("hello")
    with pytest.raises(UserError, match=r"text\.zip is damaged"):
        compare(archive="text.zip")
    with zipfile.ZipFile("other.zip", "w") as other:
        other.writestr("letter.txt", "hello")
    with pytest.raises(UserError, match=r"other\.zip holds none of the expected files"):
        compare(archive="other.zip")
    with pytest.raises(UserError, match="leave study=… and tracking=… out"):
        compare("small", archive=str(archived))


def test_a_claim_that_takes_weights_is_not_judged_again(archived: Path, changed: Any) -> None:
    from overcast.claims import judge_claim

    study = json.loads(text_of(archived, "study.json"))
    study["study"]["tags"]["claim"] = "vanishing_gradient"
    path = changed(**{"study.json": json.dumps(study)})

    def judge(name: str, runs: Any, planned: int, diverged: int = 0) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("overcast.claims.vanishing_gradient.judge", lambda runs: runs[0].path("model.pt"))
            return judge_claim(name, runs, planned, diverged)

    said = compare(archive=str(path), judge=judge).text
    assert "Not judged again: that takes the weights or the data, and an archive holds neither." in said


def test_an_archive_takes_the_place_of_no_other_file(archived: Path, home: Path) -> None:
    record = read_archive(archived, home / "into")
    Path("letter.txt").write_text("hello")
    with pytest.raises(UserError, match=r"out=letter\.txt: something else is there"):
        write_archive(Path("letter.txt"), record, {})
    write_archive(Path("again.zip"), record, {})  # what was unpacked can be packed again
    write_archive(Path("again.zip"), record, {})
    assert is_archive(Path("again.zip"))
    assert text_of(Path("again.zip"), "study.json") == text_of(archived, "study.json")


def test_a_run_without_figures_is_archived_as_diverged(archived: Path, home: Path) -> None:
    record = read_archive(archived, home / "into")
    write_archive(Path("three.zip"), record, {record.runs[3]: Diverged({}, "no finite answer")})
    compared = compare(archive="three.zip", out="three")
    assert list(compared.trials["diverged"]) == [False] * 3 + [True]
    assert "noise: 1 of 2 repeats diverged (no finite answer): never called better." in compared.text
    told = pd.read_csv("three/trials.csv")
    assert told.loc[told["diverged"], "cell"].unique().tolist() == ["noise"]
