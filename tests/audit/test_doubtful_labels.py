"""Doubts about labels count only where the model that has them knows more than which class is the largest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from overcast.audit import label_issues
from overcast.audit.doubtful_labels import doubtful_labels
from overcast.audit.label_issues import OutOfSample
from overcast.audit.views import Views
from overcast.html.page import Row
from overcast.prepare.pack import open_pack


def shown(data: Path, monkeypatch: pytest.MonkeyPatch, share: float) -> tuple[str, list[Row]]:
    """The section's text and rows where a model is right in this share of the skies."""
    pack = open_pack(data, "skies")
    taken = np.where(np.random.default_rng(0).permutation(100) < 100 * share, pack.labels, (pack.labels + 1) % 5)
    found = OutOfSample(np.arange(100), 0.6 * np.eye(5)[taken] + 0.08)
    monkeypatch.setattr(label_issues, "out_of_sample_probabilities", lambda pack: found)
    section = doubtful_labels(Views(pack, data / "skies" / "raw"))
    return section.text, [part for part in section.parts if isinstance(part, Row)]


def test_those_of_a_good_model_are_shown(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, rows = shown(data, monkeypatch, 0.9)
    assert text.startswith("Hints, not errors: ")
    assert "right in 90% of 100 (always saying the largest class: 20%)" in text
    assert len(rows) == 10
    assert rows[0].lines[0].startswith("given ")


@pytest.mark.parametrize("share", [0.0, 0.2, 0.24])
def test_those_of_a_model_that_guesses_are_not(data: Path, monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    text, rows = shown(data, monkeypatch, share)
    assert text.startswith("None are told: the simple model that would doubt labels is right in ")
    assert "(20%)" in text
    assert not rows


def test_where_every_label_is_agreed_with_that_is_said(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(data, monkeypatch, 1.0) == ("None: a simple model agrees with every label.", [])
