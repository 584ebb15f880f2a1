"""Each column that is asked for says what it should, and what cannot be told is refused."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overcast.core.errors import UserError
from overcast.prediction.calibration import load_calibration
from overcast.prediction.doubt import BETWEEN, Doubt
from overcast.prediction.predict import predict
from overcast.prepare.split import split
from overcast.tracking.run_folder import Run
from overcast.training.train import train


@pytest.fixture
def runs(config: Any, data: Path, tmp_path: Path) -> list[Run]:
    """Two seeds of one fold, with a calibration part."""
    shutil.copytree(data / "skies", tmp_path / "data/skies")
    split("skies", tmp_path / "data", seed=0, calibration=0.25)
    given = ("split.calibration=0.25", "epochs=3", f"data_dir={tmp_path / 'data'}")
    return [train(config(*given, f"seed={seed}")) for seed in range(2)]


def answered(runs: list[Run], tmp_path: Path, doubt: Doubt, **more: Any) -> list[dict[str, str]]:
    files = str(tmp_path / "data/skies/raw/*/*.png")
    assert predict(runs, files, str(tmp_path / "out.csv"), doubt, **more) == 0
    with (tmp_path / "out.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_columns_of_one_run_and_of_several(runs: list[Run], tmp_path: Path) -> None:
    classes = runs[0].spec.classes
    part = load_calibration(runs[0])
    assert part is not None
    rows = answered(runs[:1], tmp_path, Doubt(0.3, 0.2, True))
    assert list(rows[0]) == ["file", "label", *classes, "answer", "set", "ood", "error"]
    least = part.conformal_threshold(0.2)
    for row in rows:
        p = {name: float(row[name]) for name in classes}
        assert row["answer"] == (row["label"] if max(p.values()) >= 0.3 else "")
        # the sample that the threshold comes from is among them, and in another batch its last digits are others
        sure = [name for name in classes if abs(p[name] - least) > 2e-6]
        told = row["set"].split(BETWEEN)
        assert [name for name in told if name in sure] == [name for name in sure if p[name] >= least]
    assert {row["answer"] == "" for row in rows} == {True, False}
    flagged = np.mean([row["ood"] == "true" for row in rows])
    assert 0 < flagged < 0.2
    together = answered(runs, tmp_path, Doubt(conformal=0.2))
    assert list(together[0])[-2:] == ["set", "error"]
    alone = [answered([run], tmp_path, Doubt()) for run in runs]
    for row, one, two in zip(together, *alone, strict=True):
        for name in classes:
            assert float(row[name]) == pytest.approx((float(one[name]) + float(two[name])) / 2, abs=2e-6)
    flipped = answered(runs[:1], tmp_path, Doubt(), flip=True)
    assert [row["label"] for row in flipped] != [row["label"] for row in alone[0]] or flipped != alone[0]


def test_what_cannot_be_told_is_refused(runs: list[Run], config: Any, tmp_path: Path) -> None:
    files = str(tmp_path / "data/skies/raw")
    with pytest.raises(UserError, match=r"min_probability=1\.5: give a number above 0 and below 1"):
        Doubt(min_probability=1.5)
    with pytest.raises(UserError, match="ood=true is told by the features of one network"):
        predict(runs, files, doubt=Doubt(ood=True))
    with pytest.raises(UserError, match=r"flip=true changes the answers that conformal=… and ood=true are about"):
        predict(runs, files, doubt=Doubt(conformal=0.1), flip=True)
    bare = train(config("epochs=1"))
    with pytest.raises(UserError, match=r"conformal=0\.1 needs a run with a calibration part"):
        predict(bare, files, doubt=Doubt(conformal=0.1))
