"""The lecture's claims, each as a short study (two batches a run, few cells), opened as a reader opens them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from overcast import claims

pytestmark = pytest.mark.browser

MIRROR = os.environ.get("OVERCAST_MIRROR", "")
SHORT = ["debug=true", 'hydra.sweeper.repeats=["split.fold=0 seed=0","split.fold=0 seed=1"]']
SMALL = [f"data=reviews model={model} share={share} epochs=1" for model in ("handmade", "cnn") for share in (0.1, 1.0)]
FEWER = {
    "depth": ['hydra.sweeper.params={model.hidden: "[64],[64,64,64]"}'],
    "features": [f"hydra.sweeper.cells={json.dumps(SMALL)}"],
    "problem": [
        'hydra.sweeper.cells=["data=digits epochs=1","data=reviews epochs=1"]',
        'hydra.sweeper.params.model="ann,cnn,lstm"',
    ],
}
"""Cells enough for a verdict, in the place of those of the largest studies."""
FETCHED = ("memory", "features", "problem")
"""Those on data that comes from the internet, or from a mirror."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all of them: their data is prepared once."""
    return tmp_path_factory.mktemp("claims")


@pytest.mark.parametrize("name", ["vanishing_gradient", "depth", "locality", *FETCHED])
def test_claim_and_verdict_open_the_report(name: str, view: Any, scripts: Any, home: Path) -> None:
    if name in FETCHED and not MIRROR:
        pytest.skip("needs the data: name a mirror in OVERCAST_MIRROR")
    scripts("train", f"+study={name}", *SHORT, *FEWER.get(name, []), f"mirror={MIRROR or 'null'}", folder=home)
    said = scripts("compare", f"study={name}", folder=home)
    (report,) = (home / "reports").glob(f"{name}-*/report.html")
    page = view.page
    page.context.set_offline(True)
    page.goto(report.as_uri())
    verdict = page.locator(".callout").inner_text()
    assert page.locator(".lead").inner_text() == f"Claim: {claims.load(name).sentence}"
    assert "Measured: It " in verdict  # holds, holds in part, does not show
    assert said.splitlines()[1] in verdict
    assert view.undrawn() == []
    assert (view.errors, view.outside) == ([], [])
