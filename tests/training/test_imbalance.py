"""An imbalanced version of a data set, and mitigations that would do nothing, or the same thing twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overcast.core.errors import IncompatibleError, UserError
from overcast.core.spec import Spec
from overcast.prepare.split import read_parts
from overcast.training.imbalance import thin_classes
from overcast.training.plan import make_plan

SPEC = Spec("image", (3, 8, 8), tuple("abcde"))
LABELS = np.tile(np.repeat(np.arange(5), 100), 3)
PARTS = np.repeat(["train", "validation", "test"], 500)


def sizes(parts: np.ndarray, part: str) -> list[int]:
    return sorted(np.bincount(LABELS[parts == part], minlength=5).tolist())


def test_sizes_fall_geometrically_and_the_test_part_stays() -> None:
    found = thin_classes(PARTS, LABELS, SPEC, 16, seed=3)
    assert sizes(found, "train") == sizes(found, "validation") == [6, 12, 25, 50, 100]
    assert sizes(found, "test") == [100] * 5
    assert set(found[found != PARTS]) == {"unused"}
    assert (thin_classes(PARTS, LABELS, SPEC, 16, seed=3) == found).all()
    assert (thin_classes(PARTS, LABELS, SPEC, 16, seed=4) != found).any()
    assert (thin_classes(PARTS, LABELS, SPEC, 1, seed=3) == PARTS).all()


def test_the_same_class_is_rare_in_train_and_validation_and_a_smaller_ratio_keeps_more() -> None:
    found, milder = (thin_classes(PARTS, LABELS, SPEC, ratio, seed=3) for ratio in (16, 4))
    rare = [np.bincount(LABELS[found == part]).argmin() for part in ("train", "validation")]
    assert rare[0] == rare[1]
    assert set(np.flatnonzero(found == "train")) < set(np.flatnonzero(milder == "train"))


def test_classes_that_are_unequal_already_come_to_the_ratio_asked_for() -> None:
    labels = np.repeat(np.arange(5), (60, 100, 90, 70, 80))
    found = thin_classes(np.array(["train"] * 400), labels, SPEC, 10, seed=0)
    kept = np.bincount(labels[found == "train"])
    assert kept.max() / kept.min() == pytest.approx(10, rel=0.1)
    assert (kept <= (60, 100, 90, 70, 80)).all()


def test_a_validation_part_keeps_a_sample_of_each_class_and_a_train_part_must() -> None:
    labels, parts = LABELS[:1000].copy(), PARTS[:1000].copy()
    parts[np.flatnonzero(parts == "validation")[::2]] = "test"
    found = thin_classes(parts, labels, SPEC, 190, seed=0)
    assert min(np.bincount(labels[found == "validation"])) == min(np.bincount(labels[found == "train"])) == 1
    with pytest.raises(UserError, match=r"imbalance_ratio=500 leaves class [a-e] none of its 100 train samples: lower"):
        thin_classes(parts, labels, SPEC, 500, seed=0)


def test_a_class_that_the_validation_part_lacks_does_not_empty_the_others() -> None:
    parts = np.where((PARTS == "validation") & (LABELS == 2), "test", PARTS)
    found = thin_classes(parts, LABELS, SPEC, 16, seed=3)
    kept = np.bincount(LABELS[found == "validation"], minlength=5)
    assert kept[2] == 0
    assert (kept == np.where(np.arange(5) == 2, 0, np.bincount(LABELS[found == "train"]))).all()
    no_validation = np.where(PARTS == "validation", "test", PARTS)
    assert not (thin_classes(no_validation, LABELS, SPEC, 16, seed=3) == "validation").any()


def test_a_class_without_any_train_sample_is_told_as_that() -> None:
    parts = np.where((PARTS == "train") & (LABELS == 2), "unused", PARTS)
    with pytest.raises(UserError, match=r"^imbalance_ratio=16: class c has no train sample in this fold as it is"):
        thin_classes(parts, LABELS, SPEC, 16, seed=3)


def test_a_run_is_planned_on_the_imbalanced_version(config: Any, data: Path) -> None:
    plan = make_plan(config("imbalance_ratio=4"))
    assert sorted(np.bincount(plan.pack.labels[plan.parts == "train"])) == [4, 6, 8, 11, 16]
    assert (plan.parts == "test").sum() == (read_parts(data, "skies", 0, 0, 10) == "test").sum()
    assert plan.identity != make_plan(config()).identity
    assert make_plan(config("imbalance_ratio=4", "split.fold=1")).fingerprint == plan.fingerprint


@pytest.mark.parametrize("ratio", ["0.5", "nan", "inf"])
def test_a_ratio_that_is_none_is_refused(config: Any, ratio: str) -> None:
    with pytest.raises(UserError, match=f"imbalance_ratio={ratio}: must be at least 1, and a number"):
        config(f"imbalance_ratio={ratio}")


@pytest.mark.parametrize("mitigation", ["class_weights", "balanced_sampling"])
def test_what_makes_up_for_nothing_is_refused(config: Any, mitigation: str) -> None:
    with pytest.raises(IncompatibleError, match=f"mitigation={mitigation} changes nothing: each class of skies has as"):
        make_plan(config(f"mitigation={mitigation}"))
    make_plan(config(f"mitigation={mitigation}", "imbalance_ratio=2"))
    make_plan(config(f"mitigation={mitigation}", "train_fraction=0.5"))


def test_making_up_for_it_twice_is_refused(config: Any) -> None:
    with pytest.raises(IncompatibleError, match=r"mitigation=class_weights\+balanced_sampling: each makes up for"):
        make_plan(config("mitigation=[class_weights,balanced_sampling]", "imbalance_ratio=4"))
