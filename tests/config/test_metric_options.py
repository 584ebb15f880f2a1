"""A metric is one file: what it leaves out is the class's own, and a mistake in it is one message."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from overcast.config.metric_options import metric_options
from overcast.core.errors import UserError
from overcast.core.paths import ROOT

AUROC = "_target_: torchmetrics.classification.MulticlassAUROC\n"
KAPPA = "_target_: torchmetrics.classification.MulticlassCohenKappa\n"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes a file into the conf/metric of a project of the test's own."""
    shutil.copytree(ROOT / "conf" / "metric", tmp_path / "conf" / "metric")
    monkeypatch.setattr("overcast.config.metric_options.ROOT", tmp_path)

    def written(text: str, name: str = "own") -> Path:
        path = tmp_path / "conf" / "metric" / f"{name}.yaml"
        path.write_text(text, encoding="utf8")
        return path

    return written


def test_what_is_always_measured_comes_first(write: Callable[..., Path]) -> None:
    write(AUROC, "auroc")
    assert list(metric_options()) == ["nll", "accuracy", "auroc", "balanced_accuracy", "brier", "ece", "macro_f1"]
    assert metric_options()["nll"].label == "negative log-likelihood"
    assert metric_options()["nll"].range == (0, math.inf)


def test_what_a_file_leaves_out_is_the_classs_own(write: Callable[..., Path]) -> None:
    write(f"{AUROC}average: macro\n", "mean_auroc")
    found = metric_options()["mean_auroc"]
    assert (found.label, found.higher_is_better, found.range, found.margin) == ("mean auroc", True, (0, 1), 0.03)
    assert found.option.values == {"average": "macro"}
    write(f"{KAPPA}label: kappa\nrange: [-1, 1]\nmargin: 0.05\nhigher_is_better: false\n")
    found = metric_options()["own"]
    assert (found.label, found.higher_is_better, found.range, found.margin) == ("kappa", False, (-1, 1), 0.05)
    assert not found.option.values


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("own", "_target_: sklearn.metrics.f1_score\n", "own.yaml: _target_: sklearn.metrics.f1_score is no metric of"),
        ("own", "average: macro\n", "own.yaml: _target_: None is no metric of torchmetrics, such as torchmetrics"),
        ("own", "", "_target_: None is no metric"),
        ("own", "_target_: torchmetrics.classification.MulticlassArea\n", "metric=own: .* has no class MulticlassArea"),
        ("own", "_target_: [", r"own\.yaml cannot be read"),
        ("own", f"{KAPPA}range: [-1, 1]\n", r"own\.yaml: margin is needed"),
        ("own", f"{AUROC}margin: 0\n", r"own\.yaml: margin=0: must be above 0"),
        ("own", f"{AUROC}range: wide\n", r"own\.yaml: range=wide"),
        ("own", f"{AUROC}higher_is_better: 3\n", r"own\.yaml: higher_is_better=3"),
        (
            "own",
            "_target_: torchmetrics.classification.MulticlassSpecificity\n",
            "higher_is_better is not known of torchmetrics.classification.MulticlassSpecificity: say true or false",
        ),
        ("shift_accuracy", AUROC, "a metric cannot be called shift_accuracy"),
        ("gap_own", AUROC, "a metric cannot be called gap_own"),
    ],
)
def test_a_mistake_is_one_message(write: Callable[..., Path], name: str, text: str, said: str) -> None:
    write(text, name)
    with pytest.raises(UserError, match=said) as raised:
        metric_options()
    assert "\n" not in str(raised.value)


def test_what_every_epoch_shows_is_never_missing(write: Callable[..., Path]) -> None:
    write("", "nll").unlink()
    with pytest.raises(UserError, match=r"conf/metric/nll\.yaml is missing: every run is measured by nll and accuracy"):
        metric_options()


def test_reading_the_files_here_imports_no_torch() -> None:
    code = "import sys; from overcast.study.outcomes import families; families(); print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
