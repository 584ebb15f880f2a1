"""The validation part of runs, sample by sample, as it was measured and as it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overcast.core.errors import DamagedError
from overcast.evaluation.evaluate import evaluate
from overcast.serving.evidence import FILE, measure_evidence, read_evidence
from overcast.training.train import train


def test_it_is_the_evaluation_s_and_comes_back(config: Any, tmp_path: Path) -> None:
    runs = [train(config("epochs=1", f"seed={seed}")) for seed in (0, 1)]
    found = measure_evidence(runs)
    expected = [evaluate(run, pictures=False)["validation"]["nll"] for run in runs]
    assert found.mean == pytest.approx(np.mean(expected), abs=1e-5)
    assert set(found.row) == set(np.flatnonzero(runs[0].parts == "validation"))
    (tmp_path / FILE).write_text(found.to_csv())
    again = read_evidence(tmp_path / FILE)
    assert again.seed.tolist() == found.seed.tolist()
    assert again.nll == pytest.approx(found.nll, rel=1e-5)
    (rows,) = again.of_folds().values()
    assert rows[int(found.row[0])][0] == pytest.approx(np.mean(found.nll[found.row == found.row[0]]), rel=1e-5)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "split_seed,fold,seed,row,group,nll\n"])
def test_a_damaged_file(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(DamagedError, match="is damaged or missing"):
        read_evidence(tmp_path / FILE)
