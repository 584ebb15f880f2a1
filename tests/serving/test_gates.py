"""Limits of what a served model may take, and that it is measured as it is served."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import pytest

from overcast.core.errors import UserError
from overcast.serving.gates import Costs, beyond, measure_costs, read_gates

KEPT = Path(__file__).parent / "data" / "skies.onnx"


def test_limits() -> None:
    limits = read_gates(["gates.p95_ms=50", "gates.size_mb=1.5"])
    assert limits == {"p95_ms": 50.0, "size_mb": 1.5}
    assert beyond(Costs(50.0, 900.0, 1.0), limits) == []
    assert beyond(Costs(51.0, 900.0, 2.0), limits) == [
        "p95_ms is 51, above gates.p95_ms=50",
        "size_mb is 2, above gates.size_mb=1.5",
    ]


@pytest.mark.parametrize("word", ["gates.p95=50", "gates=1", "gates.p95_ms=fast"])
def test_what_is_no_limit(word: str) -> None:
    with pytest.raises(UserError, match=word.partition("=")[0]):
        read_gates([word])


@pytest.mark.slow
def test_a_process_of_its_own_is_measured(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    (tmp_path / "data").mkdir()
    shutil.copyfile(KEPT, tmp_path / "data" / "model.onnx")
    found = measure_costs(tmp_path, [[[0] * 16] * 16] * 3)
    assert 0 < found.p95_ms < 10_000
    assert 20 < found.memory_mb < 2_000
    assert found.size_mb == pytest.approx(KEPT.stat().st_size / 1e6)
    with pytest.raises(UserError, match="cannot be run in a process of its own"):
        measure_costs(tmp_path, base64.b64encode(b"no picture").decode())
