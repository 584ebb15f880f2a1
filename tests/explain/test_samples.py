"""A handful of samples: one a class, then mistakes; or the files given, without those that cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overcast.core.errors import UserError
from overcast.evaluation.evaluate import measure
from overcast.explain.samples import MOST, WRONG, choose_rows, choose_test_samples, read_files
from overcast.prediction.trained_network import open_config_pack, restore
from overcast.tracking.run_folder import Run


def test_one_a_class_then_the_surest_mistakes() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 60)
    target = np.where(np.arange(60) % 3, p.argmax(1), rng.integers(0, 3, 60))
    rows = choose_rows(p, target)
    assert len(set(rows)) == len(rows) == 3 + WRONG
    assert target[rows[:3]].tolist() == [0, 1, 2]
    assert (p[rows[:3]].argmax(1) == target[rows[:3]]).all()
    wrong = np.flatnonzero(p.argmax(1) != target)
    assert p[rows[3:]].max(1).tolist() == sorted(p[wrong].max(1))[::-1][:WRONG]


def test_a_class_that_is_never_right_is_there_all_the_same() -> None:
    rows = choose_rows(np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]]), np.array([0, 1, 1]))
    assert sorted(rows) == [0, 1, 2]
    assert len(choose_rows(np.eye(40), np.arange(40))) == MOST


def test_test_rows_alone_with_what_the_evaluation_says_of_them(trained: Callable[..., Run]) -> None:
    run = trained("epochs=1")
    network, pack = restore(run), open_config_pack(run.config)
    row_of = {file: row for row, file in enumerate(pack.index["file"])}
    for sample in choose_test_samples(run, network, pack):
        row = row_of[sample.name]
        assert run.parts[row] == "test"
        assert sample.label == pack.labels[row]
        assert sample.probabilities == pytest.approx(measure(network, pack, np.array([row])).probabilities[0], abs=1e-5)
        assert sample.targets == (
            (sample.predicted,) if sample.predicted == sample.label else (sample.predicted, sample.label)
        )


def test_files_that_cannot_be_read_are_said(
    trained: Callable[..., Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained("epochs=1")
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "bad.png").touch()
    with pytest.raises(UserError, match="none of them can be read as image"):
        read_files(run, restore(run), str(folder))
    for n in range(MOST + 2):
        Image.new("RGB", (20, 20), (n, 0, 0)).save(folder / f"good{n:02}.png")
    samples = read_files(run, restore(run), str(folder))
    assert len(samples) == MOST - 1
    assert samples[-1].name.endswith(f"good{MOST + 1:02}.png")  # not the first ones, which may be all of one class
    assert (samples[0].label, samples[0].targets) == (None, (samples[0].predicted,))
    stderr = capsys.readouterr().err
    assert "bad.png is left out" in stderr
    assert f"{MOST} of {MOST + 3} files are explained, spread evenly over them" in stderr
