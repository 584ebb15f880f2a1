"""plan: a user's mistake is one line."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]


def test_mistakes_are_one_line(script: Any) -> None:
    assert "accuracy=much: give a number above zero" in script("plan", "accuracy=much").mistake()
    assert "there is no option 'acuracy'" in script("plan", "acuracy=0.02").mistake()
    assert "there is no study yet" in script("plan", "hours=2").mistake()
