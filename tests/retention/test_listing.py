"""What gc says: sizes as people read them, runs under their study, reasons counted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from overcast.core.words import use_language
from overcast.retention.listing import plan_text, removed_text, size_text
from overcast.retention.needs import BEST, LATEST
from overcast.retention.plan import MEASURED, Plan, Weights
from overcast.retention.removal import Removed
from overcast.tracking.run_folder import Run


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 * 2**20, "3.0 MiB"), (5 * 2**50, "5120.0 TiB")],
)
def test_a_size(number: int, text: str) -> None:
    assert size_text(number) == text


def test_a_plan(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.pt").write_bytes(b"x" * 1024)
        Run(tmp_path / name).write_record(study=f"study-{name}")
    going = [Weights(Run(tmp_path / name), MEASURED, in_mlflow=512) for name in ("b", "a")]
    plan = Plan(going, Counter({LATEST: 1, BEST: 3}), before=2)
    assert plan_text(plan).splitlines() == [
        "weights that nothing needs any more:",
        "  study-a",
        "    a     1.5 KiB  its figures and predictions are kept",
        "  study-b",
        "    b     1.5 KiB  its figures and predictions are kept",
        "weights that are kept:",
        "     3  its study's best cell or run, which register.py takes",
        "     1  it is the latest run",
        "removed before: those of 2 runs",
        "in all: the weights of 2 runs, 2.0 KiB in their folders and 1.0 KiB in MLflow, 3.0 KiB",
    ]
    with use_language("ko"):
        assert "가장 최근 실행" in plan_text(plan)


def test_nothing_to_remove() -> None:
    assert plan_text(Plan()) == "there is nothing to remove"


def test_what_was_removed() -> None:
    first, second = removed_text(Removed(runs=2, here=2048, in_mlflow=0, copies=2)).splitlines()
    assert first == "removed: the weights of 2 runs, 2.0 KiB in their folders and 0 B in MLflow, 2.0 KiB in all"
    assert second.startswith("MLflow keeps its copy of 2 of them")
