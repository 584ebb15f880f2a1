"""On train + validation, for as long as the run before; the test part stays unseen, and nothing claims a validation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from overcast.core.errors import UserError
from overcast.evaluation.evaluate import evaluate
from overcast.serving.refit import plan_refit, refit
from overcast.training.plan import make_plan


def test_it_has_the_validation_part_s_rows_too(config: Any) -> None:
    first = make_plan(config())
    run = refit(config(), None)
    assert (run.parts == "train").sum() == np.isin(first.parts, ("train", "validation")).sum()
    assert ((run.parts == "test") == (first.parts == "test")).all()
    assert not (run.parts == "validation").any()
    assert len(run.history["epoch"]) == run.config.epochs
    assert not [name for name in (*run.history, *run.facts) if "validation" in name or name.startswith("best/")]
    assert run.facts["fingerprint"] != first.fingerprint
    with pytest.raises(UserError, match=r"trained on train \+ validation, and has no validation part"):
        evaluate(run)


def test_what_decides_by_the_validation_part(config: Any) -> None:
    with pytest.raises(UserError, match="mitigation=early_stopping decides by the validation part"):
        plan_refit(config("mitigation=early_stopping"))
