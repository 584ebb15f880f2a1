"""The page about a run: whole in itself, in its place, and in the run's MLflow run."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from overcast.core.errors import UserError
from overcast.explain import explain as module
from overcast.explain import filters, maps, patches, samples
from overcast.explain.explain import explain
from overcast.html.page import Section
from overcast.prediction.trained_network import open_config_pack
from overcast.tracking.run import RunRecorder
from overcast.tracking.run_folder import Run

pytest.importorskip("captum")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """No mistakes on the page, and little to look through: drawing is what takes the time."""
    monkeypatch.setattr(samples, "WRONG", 0)
    monkeypatch.setattr(maps, "SAMPLES", 1)
    monkeypatch.setattr(patches, "UNITS", 1)
    monkeypatch.setattr(filters, "SHOWN", 4)


def test_a_page_about_a_network_of_pictures(trained: Callable[..., Run], home: Path) -> None:
    run = trained("model=cnn", "model.width=8", "epochs=2")
    page = explain(run)
    assert page == Path("reports/explain", run.folder.name, "index.html")
    text = page.read_text()
    assert re.search(r"These maps depend on what was learned: (yes|partly|no)", text)
    assert re.search(
        r"Occlusion: \w+ \(with random weights in their place the maps of 4 samples correlate by −?0\.\d\d", text
    )
    assert re.search(r"Training has changed these filters: [\w ]+ \(the middle one of 8 by \d+%", text)
    assert "The weights of convolution 1, which looks at the sample itself" in text
    assert "layers.0" not in text
    for word in ("Grad-CAM", "Integrated gradients add up", "First-layer filters", "Feature maps", "responds to most"):
        assert word in text
    files = {path.name for path in page.parent.glob("*.png")}
    assert {"filters.png", "maps-1.png", "patches-1.png", "attribution-1.png"} <= files
    assert text.count("data:image/png;base64") == len(files)
    assert not re.search(r'(src|href)="(?!data:|#)', text)


def test_a_units_strongest_responses_are_looked_for_in_every_class(
    trained: Callable[..., Run], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[np.ndarray] = []
    monkeypatch.setattr(module, "ROWS", 10)
    monkeypatch.setattr(module.patches, "section", lambda *given: looked.append(given[2]) or Section("", ""))
    run = trained("epochs=1")
    explain(run)
    assert set(run.parts[looked[0]]) <= {"validation", "test"}
    assert np.bincount(open_config_pack(run.config).labels[looked[0]]).tolist() == [2, 2, 2, 2, 2]


def test_given_files_and_the_record(trained: Callable[..., Run], home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[tuple[Any, ...]] = []

    class Noting(RunRecorder):
        def artifact(self, path: Path, folder: str = "") -> None:
            logged.append((path, folder))

    monkeypatch.setattr(module, "open_recorder", lambda run: Noting())
    Image.new("RGB", (30, 20), "orange").save("sky.png")
    page = explain(trained("epochs=1"), "sky.png", "look")
    assert page == Path("look/index.html")
    assert "sky.png: taken for" in page.read_text()
    assert logged == [(Path("look"), "explain")]


def test_sequences_and_what_does_not_apply(trained: Callable[..., Run], home: Path) -> None:
    text = explain(trained("data=waves", "model=lstm", "epochs=1")).read_text()
    assert "a band for all the time" in text
    assert text.count("Left out: ") == 3
    assert "Grad-CAM" not in text


@pytest.mark.slow
def test_a_spectrogram_and_its_convolutions(trained: Callable[..., Run], home: Path) -> None:
    text = explain(trained("data=chirps", "model=cnn", "model.width=2", "model.stages=2", "epochs=1")).read_text()
    assert "a band for all the time" in text
    assert "a unit sees 8 of 20 places" in text


def test_a_folder_with_other_files_is_left_alone(trained: Callable[..., Run], home: Path) -> None:
    run = trained("epochs=1")
    (home / "mine").mkdir()
    (home / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(UserError, match="holds other files"):
        explain(run, out="mine")
    assert [path.name for path in (home / "mine").iterdir()] == ["letter.txt"]
