"""export, and compare from what it writes: a user's mistake is one line."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.filterwarnings("ignore:::mlflow"), pytest.mark.filterwarnings("ignore:::sqlalchemy")]


def test_mistakes_are_one_line(script: Any) -> None:
    assert "tracking=off: a study is found by its records" in script("export", "tracking=off").mistake()
    assert "there is no option 'studdy'" in script("export", "studdy=x").mistake()
    assert "archive=gone.zip: there is no such file" in script("compare", "archive=gone.zip").mistake()
    assert "there is no study yet" in script("export").mistake()
