"""What a paper takes: long form, LaTeX and vector figures, of a made-up study."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from overcast.comparison import comparison_table, families
from overcast.comparison.export import SUFFIXES, latex, latex_escaped, long_form, write_exports
from overcast.comparison.page import Study
from overcast.comparison.predictor_table import predictor_table
from overcast.core.words import use_language
from overcast.study.outcomes import OUTCOMES
from overcast.tracking.run_folder import Run


@pytest.fixture(scope="session")
def made_up() -> pd.DataFrame:
    """A control, one that helps by ten points, one with odd signs in its name; four folds. One trial diverged."""
    draw = np.random.default_rng(3).normal
    rows = []
    for name, effect in (("none", 0.0), ("noise", 0.1), ("a_b & $c$", 0.0)):
        for fold in range(4):
            row = {each.column: 0.4 + 0.01 * fold + draw(0, 0.001) for each in OUTCOMES}
            row |= {"test/accuracy": row["test/accuracy"] + effect, "seconds": 2.0, "diverged": False}
            row |= {"data": "sky", "model": "cnn", "mitigation": name, "cell": name, "rest": "", "train_fraction": 1.0}
            row |= {"seed": 0, "fold": fold, "split_seed": 0, "repeat": f"0-{fold}-0", "epochs": 1}
            rows.append(row | {"run_id": f"{name}{fold}"})
    gone = {
        name: rows[-1][name] for name in ("data", "model", "train_fraction", "epochs", "seed", "fold", "split_seed")
    }
    gone |= {"mitigation": "noise", "cell": "noise", "rest": "", "repeat": "0-3-0", "diverged": True, "reason": "far"}
    return pd.DataFrame([*rows[:7], *rows[8:], gone])


@pytest.fixture(scope="session")
def table(made_up: pd.DataFrame) -> pd.DataFrame:
    return comparison_table(made_up)


def test_the_long_form_has_a_row_a_trial_and_outcome(made_up: pd.DataFrame) -> None:
    long = pd.read_csv(io.StringIO(long_form("small-1", made_up)))
    assert list(long) == [
        "study", "data", "network", "mitigation", "cell", "chosen", "fold", "seed", "split_seed",
        "outcome", "value", "diverged",
    ]  # fmt: skip
    assert long["chosen"].isna().all()
    assert len(long) == 12 * (len(OUTCOMES) + 1)
    assert set(long["outcome"]) == {*(each.column for each in OUTCOMES), "seconds"}
    some = long[(long["cell"] == "noise") & (long["outcome"] == "test/accuracy")]
    assert list(some["diverged"]) == [False] * 3 + [True]
    assert list(some["value"].isna()) == [False] * 3 + [True]
    mean = some["value"].mean()
    assert mean == made_up.loc[made_up["cell"] == "noise", "test/accuracy"].mean()  # nothing is rounded


def test_the_long_form_tells_the_strength_that_each_fold_chose(made_up: pd.DataFrame) -> None:
    tuned = made_up.assign(chosen=made_up["fold"].map("p=0.{}".format).where(made_up["cell"] == "noise"))
    long = pd.read_csv(io.StringIO(long_form("small-1", tuned)))
    chosen = long[long["outcome"] == "test/accuracy"].set_index(["cell", "fold"])["chosen"]
    assert list(chosen["noise"]) == ["p=0.0", "p=0.1", "p=0.2", "p=0.3"]
    assert chosen["none"].isna().all()


def test_latex_escapes_and_marks(table: pd.DataFrame) -> None:
    text = latex(table, families(["accuracy"]), "tab:small_1 é")
    assert r"\label{tab:small_1--}" in text
    for rule in ("toprule", "midrule", "bottomrule"):
        assert rf"\{rule}" in text
    assert r"\raggedright a\_b \& \$c\$ &" in text
    lines = [line for line in text.splitlines() if line.startswith(r"\raggedright")]
    assert [line.count(" & ") for line in lines] == [4] * 3
    assert all(line.endswith(r" \\") for line in lines)
    assert "& baseline" in next(line for line in lines if "none" in line)
    assert lines[0].startswith(r"\raggedright noise & ")
    assert lines[0].endswith(r"]$^{\times}$ \\")  # a trial of it diverged
    assert text.count("{") == text.count("}")


def test_what_latex_would_take_for_a_command_is_text() -> None:
    assert latex_escaped(r"\input{x}") == r"\textbackslash{}input\{x\}"
    assert latex_escaped("50 % #1 ~^ −2") == r"50 \% \#1 \textasciitilde{}\textasciicircum{} $-$2"


def test_all_files_are_written_and_the_same_each_time(
    made_up: pd.DataFrame, table: pd.DataFrame, tmp_path: Path, config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    run.write_config(config())
    run.write_facts({"name": "x", "synthetic": True})
    run.write("parts.csv", "part\ntrain\nvalidation\ntest\n")
    run.write("spec.json", json.dumps({"kind": "image", "shape": [3, 2, 2], "classes": ["a", "b"], "vocabulary": []}))
    curves = pd.DataFrame({"run_id": [], "epoch": []})
    parts = (table, predictor_table(made_up), made_up[~made_up["diverged"]], curves, {"study": "small-1"})
    study = Study(*parts)
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_exports(tmp_path / name, study, made_up, [run], planned=False)
        written.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert written[0] == written[1]
    assert set(written[0]) == {"trials.csv", "table.tex", "methods.md", "methods.bib", "forest.pdf", "forest.svg"}
    assert {Path(name).suffix for name in written[0]} <= set(SUFFIXES)
    assert written[0]["forest.pdf"].startswith(b"%PDF")
    assert b"CreationDate" not in written[0]["forest.pdf"]
    assert b"<svg" in written[0]["forest.svg"]
    effects = Study(*parts, effects=table[table["pairs"] >= 2].iloc[:1].assign(combinations=2))
    write_exports(tmp_path / "two", effects, made_up, [run], planned=False)
    assert (tmp_path / "two" / "effects.csv").read_text().count("\n") == 2
    assert len((tmp_path / "two" / "forest.svg").read_bytes()) < len(written[0]["forest.svg"])  # its rows alone
    general = Study(*parts, general=pd.DataFrame({"cell": ["noise"], "pairs": [6]}))
    write_exports(tmp_path / "two", general, made_up, [run], planned=False)
    assert (tmp_path / "two" / "general.csv").read_text() == "cell,pairs\nnoise,6\n"
    monkeypatch.setattr("overcast.comparison.export.korean_font", lambda: None)
    with use_language("ko"):
        write_exports(tmp_path / "one", study, made_up, [run], planned=False)
    assert (tmp_path / "one" / "forest.svg").read_bytes() == written[0]["forest.svg"]  # English, not boxes
    assert r"\usepackage{booktabs,kotex}" in (tmp_path / "one" / "table.tex").read_text()
    assert "테스트 정확도" in (tmp_path / "one" / "methods.md").read_text()
    alone = Study(table[table["is_baseline"]], study.predictors, study.trials, curves, study.info)
    (tmp_path / "three").mkdir()
    write_exports(tmp_path / "three", alone, made_up, [run], planned=False)  # nothing is compared
    assert not (tmp_path / "three" / "forest.pdf").exists()
