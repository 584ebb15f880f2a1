"""What the claims share: found by name, judged by intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from overcast import claims
from overcast.compare.statistics import repeated
from overcast.errors import UserError


def test_a_claim_is_found_by_its_name_and_an_unknown_one_refused() -> None:
    assert "gradient vanishes" in claims.load("vanishing_gradient").sentence
    with pytest.raises(UserError, match=r"claim=magic: there is no such claim. Choices: depth, features, "):
        claims.load("magic")


def test_differences_are_paired_by_repeat_whatever_the_order(rows: Any) -> None:
    worse = rows(0.5, spread=0.1)
    better = worse.assign(accuracy=worse["accuracy"] + [0.11, 0.1, 0.09]).iloc[::-1]
    found = claims.difference(better, worse)
    assert found.mean == pytest.approx(0.1)
    assert claims.clear(found)
    assert not claims.clear(claims.difference(worse, better))


def test_points_and_openings() -> None:
    assert claims.points(repeated(np.array([0.04, 0.05, 0.06]))) == "+5.0 points [2.5, 7.5]"
    assert claims.points(repeated(np.array([-0.04]))) == "−4.0 points"
    assert claims.judged(True, True) == "It holds here."
    assert claims.judged(True, False) == "It holds here in part."
    assert claims.judged(False) == "It does not show here."


def test_no_verdict_from_a_part_of_a_study() -> None:
    sentence, verdict, pictures = claims.judge("depth", [], planned=90)
    assert sentence == claims.load("depth").sentence
    assert (verdict, pictures) == ("Not judged yet: 0 of 90 runs are finished.", [])
    assert claims.judge("depth", [], 90, diverged=2)[1] == "Not judged yet: 0 of 90 runs are finished, 2 diverged."
    assert claims.judge("depth", [], planned=0)[1] == "Not judged: this study lacks cells that the claim compares."
