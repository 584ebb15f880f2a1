"""A spec comes back from its file as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from overcast.core.spec import Spec


@pytest.mark.parametrize(
    "spec", [Spec("image", (3, 8, 9), ("ä", "b")), Spec("tokens", (40,), ("pos", "neg"), vocabulary=("a", "ß"))]
)
def test_saved_and_loaded(spec: Spec, tmp_path: Path) -> None:
    spec.save(tmp_path / "spec.json")
    assert Spec.load(tmp_path / "spec.json") == spec


def test_words_become_ids_and_strangers_the_unknown_one() -> None:
    spec = Spec("tokens", (40,), ("pos", "neg"), vocabulary=("good", "bad"))
    assert spec.encode(["bad", "good", "new"]).tolist() == [3, 2, 1]
    assert spec.ids == 4
    assert spec.decode(spec.encode(["bad", "good", "new"])) == ["bad", "good", "?"]
