"""The unit of a class is the one that answers more to it than to others, and dead ones are none."""

from __future__ import annotations

import numpy as np

from overcast.explain.class_units import ClassUnit, choose_class_units, dead_units


def test_the_unit_of_a_class_answers_most_to_it_and_a_loud_one_to_none() -> None:
    labels = np.repeat([0, 1, 2], 10)
    rng = np.random.default_rng(0)
    values = rng.normal(size=(30, 5)) * [1, 1, 1, 1, 0] + [0, 0, 0, 1000, 7]
    values[:10, 2] += 9
    values[10:20, 0] += 9
    values[20:, 1] += 9
    chosen = choose_class_units(values, labels, 3, most=10)
    assert chosen == [ClassUnit(2, (0,)), ClassUnit(0, (1,)), ClassUnit(1, (2,))]
    assert dead_units(values).tolist() == [4]


def test_a_unit_of_two_classes_is_shown_once() -> None:
    values, labels = np.array([[0.0, 5], [9, 5], [8, 5]]), np.array([0, 1, 2])
    (_, both) = choose_class_units(np.c_[values, -values[:, 0]], labels, 3, most=10)
    assert both == ClassUnit(0, (1, 2))
    assert both.names(("x", "y", "z")) == "y, z"


def test_of_many_classes_some_and_without_a_living_unit_none() -> None:
    values = np.eye(20)
    assert len(choose_class_units(values, np.arange(20), 20, most=4)) == 4
    assert choose_class_units(np.ones((20, 3)), np.arange(20), 20, most=4) == []
