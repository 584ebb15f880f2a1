"""A handful of samples: one a class, then mistakes; or the files given, without those that cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overcast.core.errors import UserError
from overcast.evaluation.evaluate import measure
from overcast.explain.samples import MOST, WRONG, chosen, of_files, of_test
from overcast.prediction.trained_network import open_config_pack, restore
from overcast.tracking.run_folder import Run


def test_one_a_class_then_the_surest_mistakes() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 60)
    target = np.where(np.arange(60) % 3, p.argmax(1), rng.integers(0, 3, 60))
    picked = chosen(p, target)
    assert len(set(picked)) == len(picked) == 3 + WRONG
    assert target[picked[:3]].tolist() == [0, 1, 2]
    assert (p[picked[:3]].argmax(1) == target[picked[:3]]).all()
    wrong = np.flatnonzero(p.argmax(1) != target)
    assert p[picked[3:]].max(1).tolist() == sorted(p[wrong].max(1))[::-1][:WRONG]


def test_a_class_that_is_never_right_is_there_all_the_same() -> None:
    picked = chosen(np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]]), np.array([0, 1, 1]))
    assert sorted(picked) == [0, 1, 2]
    assert len(chosen(np.eye(40), np.arange(40))) == MOST


def test_test_rows_alone_with_what_the_evaluation_says_of_them(trained: Callable[..., Run]) -> None:
    run = trained("epochs=1")
    learner, pack = restore(run), open_config_pack(run.config)
    row_of = {file: row for row, file in enumerate(pack.index["file"])}
    for one in of_test(run, learner, pack):
        row = row_of[one.name]
        assert run.parts[row] == "test"
        assert one.label == pack.labels[row]
        assert one.probabilities == pytest.approx(measure(learner, pack, np.array([row])).probabilities[0], abs=1e-5)
        assert one.asked == ((one.said,) if one.said == one.label else (one.said, one.label))


def test_files_that_cannot_be_read_are_said(
    trained: Callable[..., Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained("epochs=1")
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "bad.png").touch()
    with pytest.raises(UserError, match="none of them can be read as image"):
        of_files(run, restore(run), str(folder))
    for n in range(MOST + 2):
        Image.new("RGB", (20, 20), (n, 0, 0)).save(folder / f"good{n:02}.png")
    found = of_files(run, restore(run), str(folder))
    assert len(found) == MOST - 1
    assert found[-1].name.endswith(f"good{MOST + 1:02}.png")  # not the first ones, which may be all of one class
    assert (found[0].label, found[0].asked) == (None, (found[0].said,))
    said = capsys.readouterr().err
    assert "bad.png is left out" in said
    assert f"{MOST} of {MOST + 3} files are explained, spread evenly over them" in said
