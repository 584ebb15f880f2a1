"""The lecture's claims, each as a short study (two batches a run, few cells), opened as a reader opens them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from overcast import claims

pytestmark = pytest.mark.browser

REPEATS = 'hydra.sweeper.repeats=["split.fold=0 seed=0","split.fold=0 seed=1"]'
SHORT = ["debug=true", "study.folds=null", REPEATS, "hydra.launcher.n_jobs=1", "trainer.threads=1", "mirror=null"]


def recall(length: int) -> str:
    return f"data=recall data.length={length} data.n_samples=200 data_dir=data/recall-{length}"


def cells(*lines: str) -> str:
    return f"hydra.sweeper.cells={json.dumps(lines)}"


ENDS = "model.bidirectional=false model.pool=last"
NETS, SHARES = ("handmade", "cnn"), (0.1, 1.0)
FEWER = {
    "vanishing_gradient": ['hydra.sweeper.params={model.hidden: "[64,64],[64,64,64,64,64]"}'],
    "depth": ['hydra.sweeper.params={model.hidden: "[64],[64,64,64]"}'],
    "locality": ["data.n_samples=200"],
    "memory": [cells(*(f"{recall(length)} {ENDS} lr=0.01 epochs=1" for length in (10, 30)))],
    "features": [
        cells(*(f"data=digits model={net} train_fraction={share} epochs=1" for net in NETS for share in SHARES))
    ],
    "problem": [cells("data=digits epochs=1", f"{recall(10)} epochs=1"), 'hydra.sweeper.params.model="ann,cnn,lstm"'],
}
"""Cells enough for a verdict, in the place of a study's own, on data that is small and at hand."""


@pytest.mark.parametrize("name", FEWER)
def test_claim_and_verdict_open_the_report(name: str, view: Any, scripts: Any) -> None:
    scripts("train", f"+study={name}", *SHORT, *FEWER[name])
    said = scripts("compare", f"study={name}")
    (report,) = (scripts.folder / "reports").glob(f"{name}-*/report.html")
    page = view.page
    page.context.set_offline(True)
    page.goto(report.as_uri())
    verdict = page.locator(".callout").inner_text()
    assert page.locator(".lead").inner_text() == f"Claim: {claims.load(name).sentence}"
    assert "Measured: It " in verdict  # holds, holds in part, does not show
    assert said.splitlines()[1] in verdict
    assert view.undrawn() == []
    assert (view.errors, view.outside) == ([], [])


def test_every_claim_is_opened() -> None:
    assert sorted(FEWER) == sorted(path.stem for path in Path(claims.__file__).parent.glob("[!_]*.py"))
