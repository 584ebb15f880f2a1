"""Long names are broken where a name ends, and cut where they are asked to be."""

from __future__ import annotations

import pytest

from overcast.html.label_placement import folded


@pytest.mark.parametrize(
    ("name", "lines", "shown"),
    [
        ("augmentation", None, "augmentation"),
        ("augmentation+batch_norm+dropout", None, "augmentation+<br>batch_norm+dropout"),
        ("cnn · augmentation · epochs=16", None, "cnn · augmentation · <br>epochs=16"),
        ("augmentation+batch_norm+dropout+mixup", 2, "augmentation+<br>batch_norm+dropout+ …"),
        ("label_smoothing_of_a_length_that_fits_no_line", None, "label_smoothing_of_a_length_that_fits_no_line"),
    ],
)
def test_names_are_broken_between_their_parts(name: str, lines: int | None, shown: str) -> None:
    assert folded(name, 21, lines) == shown
