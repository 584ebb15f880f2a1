"""What DVC keeps is found, however it came to keep it."""

from __future__ import annotations

from pathlib import Path

import pytest

from overcast.core.paths import ROOT
from overcast.retention.dvc_outs import dvc_outs, holds_an_out


def test_the_run_of_the_pipeline_is_one(home: Path) -> None:
    outs = dvc_outs()
    assert holds_an_out(ROOT / "runs" / "repro", outs)
    assert not holds_an_out(ROOT / "runs" / "20260101-x", outs)


@pytest.mark.parametrize(
    ("file", "content", "kept"),
    [
        ("dvc.yaml", "stages: {x: {cmd: y, outs: [runs/a/model.pt: {cache: false}, 'data/${data}/raw']}}", "a"),
        ("dvc.lock", "stages: {x: {cmd: y, outs: [{path: runs/a/model.pt, md5: z}]}}", "a"),
        ("runs/a.dvc", "outs: [{path: a, md5: z}]", "a"),
        ("runs/a/model.pt.dvc", "outs: [{path: model.pt, md5: z}]", "a"),
        ("runs.dvc", "outs: [{path: runs, md5: z}]", "ab"),
    ],
)
def test_by_which_file(home: Path, file: str, content: str, kept: str) -> None:
    (home / "runs" / "a").mkdir(parents=True)
    (home / file).write_text(content)
    outs = dvc_outs()
    assert "".join(name for name in "ab" if holds_an_out(home / "runs" / name, outs)) == kept
