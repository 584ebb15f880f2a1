"""Designs against what the textbooks print, least squares, multivariate t, and simulated studies."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols

from overcast.statistics.designs import (
    MAX_FACTORS,
    Factorial,
    defining_relation,
    effect_columns,
    factor_pairs,
    is_orthogonal,
    resolution,
    two_level_fraction,
)
from overcast.statistics.simultaneous import compare_with_control, joint_level, simultaneous_level

SIMULATED = 2000


def studentized_maximum_modulus(count: int, df: float) -> float:
    """The quantile by which uncorrelated effects over one error are judged."""
    return float(stats.t.isf(joint_level([(count, df, 0.0)]) / 2, df))


@pytest.mark.parametrize(("factors", "cells"), [*enumerate((2, 4, 8, 16, 16, 32, 64, 64, 128, 128, 128), 1)])
def test_a_design_tells_all_pairs_apart_and_has_the_cell_with_nothing(factors: int, cells: int) -> None:
    levels = two_level_fraction(factors)
    assert levels.shape == (cells, factors)
    assert len(np.unique(levels, axis=0)) == cells
    assert (levels[0] == -1).all()
    assert is_orthogonal(levels)


def test_the_words_are_those_of_the_textbook() -> None:
    # Montgomery, table 8.14: resolution of the fractions with these generators
    assert [resolution(factors) for factors in range(4, 12)] == [5, 5, 6, 7, 5, 6, 5, 5]
    words = {"".join("ABCDEFGH"[i] for i in sorted(word)) for word in defining_relation(8)}
    assert words == {"ABCDG", "ABEFH", "CDEFGH"}
    for word in defining_relation(8):
        assert len(set(two_level_fraction(8)[:, sorted(word)].prod(1))) == 1


def test_a_fraction_of_resolution_four_is_told() -> None:
    full = np.array(list(product((-1, 1), repeat=6)))
    weak = np.column_stack([full, full[:, :3].prod(1), full[:, 1:4].prod(1)])  # G = ABC
    assert not is_orthogonal(weak)
    with pytest.raises(ValueError, match="do not tell all main effects"):
        Factorial(weak.astype(np.int8), np.zeros((64, 2)))


@pytest.mark.parametrize("factors", [0, MAX_FACTORS + 1])
def test_no_design_of_too_few_or_too_many(factors: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 11 factors"):
        two_level_fraction(factors)


@pytest.mark.parametrize(("count", "df"), [(1, 9), (3, 2), (8, 324), (8, 20)])
def test_the_quantile_is_that_of_the_multivariate_t(count: int, df: int) -> None:
    q = studentized_maximum_modulus(count, df)
    if count == 1:
        assert q == pytest.approx(stats.t.isf(0.025, df), abs=1e-4)
        return
    corner = np.full(count, q)
    random = np.random.default_rng(1)
    inside = stats.multivariate_t(shape=np.eye(count), df=df, seed=random).cdf(
        corner, lower_limit=-corner, maxpts=10**5
    )
    assert inside == pytest.approx(0.95, abs=1e-3)


def test_the_quantile_is_that_of_the_tables() -> None:
    # Stoline & Ury 1979 print the studentized maximum modulus for k(k-1)/2 values; without df it is Sidak's
    assert studentized_maximum_modulus(3, 1e7) == pytest.approx(stats.norm.isf((1 - 0.95 ** (1 / 3)) / 2), abs=1e-4)
    assert studentized_maximum_modulus(3, 10) == pytest.approx(2.829, abs=2e-3)


@pytest.fixture
def study() -> Any:
    """Four factors in blocks that differ: cells (16, 4), values (16, 5) and the same as a table for statsmodels."""
    random = np.random.default_rng(3)
    levels = two_level_fraction(4)
    truth = random.normal(0, 1, effect_columns(levels).shape[1])
    values = effect_columns(levels) @ truth[:, None] + random.normal(0, 3, (1, 5)) + random.normal(0, 0.5, (16, 5))
    rows = [
        dict(zip("abcd", cell, strict=True)) | {"fold": k, "y": values[c, k]}
        for c, cell in enumerate(levels)
        for k in range(5)
    ]
    return levels, values, ols("y ~ C(fold, Sum) + (a + b + c + d) ** 2", pd.DataFrame(rows)).fit()


def test_the_estimates_are_those_of_least_squares(study: Any) -> None:
    levels, values, reference = study
    fit = Factorial(levels, values)
    assert fit.main_effects().mean == pytest.approx([2 * reference.params[name] for name in "abcd"])
    names = [f"{'abcd'[i]}:{'abcd'[j]}" for i, j in factor_pairs(4)]
    assert fit.interactions().mean == pytest.approx([2 * reference.params[name] for name in names])


def test_the_error_is_that_of_an_analysis_with_effects_that_vary_by_block(study: Any) -> None:
    """The mean square of block × effect, from the sums of squares that statsmodels finds for these terms."""
    levels, values, _ = study
    rows = [
        dict(zip("abcd", cell, strict=True)) | {"fold": k, "y": values[c, k]}
        for c, cell in enumerate(levels)
        for k in range(5)
    ]
    table, right = pd.DataFrame(rows), "(a + b + c + d) ** 2"
    less, more = (ols(f"y ~ C(fold) {sign} ({right})", table).fit() for sign in "+*")
    assert more.df_model - less.df_model == Factorial(levels, values).df == 40
    mean_square = (less.ssr - more.ssr) / 40
    fit = Factorial(levels, values)
    assert fit.variance == pytest.approx(mean_square)
    own = np.sqrt([(fit.effect_weights[a] @ values).var(ddof=1) / 5 for a in range(4)])
    pooled = 2 * np.sqrt(mean_square / 80)
    assert fit.main_effects().standard_error == pytest.approx(np.maximum(own, pooled))
    assert own.min() < pooled < own.max()


def test_predictions_are_those_of_least_squares(study: Any) -> None:
    levels, values, reference = study
    fit = Factorial(levels, values)
    every = np.array(list(product((-1, 1), repeat=4)))
    asked = pd.DataFrame(every, columns=list("abcd"))
    blocks = [reference.predict(asked.assign(fold=k)) for k in range(5)]
    predicted = fit.estimate(fit.prediction_weights(every))
    assert predicted.mean == pytest.approx(np.mean(blocks, axis=0))
    # all cells have the same leverage: (1 + effects) of the 16 cells
    assert predicted.standard_error.min() == pytest.approx(np.sqrt(fit.variance * 11 / 16 / 5))
    assert list(fit.best_recipe()) == list(every[np.mean(blocks, axis=0).argmax()])
    difference = fit.prediction_weights(every[[5]]) - fit.prediction_weights(every[[0]])
    assert fit.estimate(difference).mean == pytest.approx(predicted.mean[5] - predicted.mean[0])


def test_a_fraction_predicts_what_it_did_not_run() -> None:
    levels, random = two_level_fraction(8), np.random.default_rng(0)
    truth = random.normal(0, 1, 36)
    every = np.array(list(product((-1, 1), repeat=8)))
    values = np.repeat(effect_columns(levels) @ truth[:, None], 3, 1) + random.normal(0, 1e-4, (64, 3))
    fit = Factorial(levels, values)
    assert fit.estimate(fit.prediction_weights(every)).mean == pytest.approx(effect_columns(every) @ truth, abs=1e-3)
    assert list(fit.best_recipe()) == list(every[(effect_columns(every) @ truth).argmax()])
    assert fit.cell_weights(np.ones(8)) is None  # the sign that keeps the cell with none of them drops that of all
    weights = fit.cell_weights(-np.ones(8))
    assert weights is not None
    assert weights @ values == pytest.approx(values[0])


def test_of_equal_recipes_the_shortest_is_the_best() -> None:
    levels = two_level_fraction(3)
    values = np.tile(np.where(levels[:, [1]] > 0, 0.3, 0.1), 2)
    assert list(Factorial(levels, values).best_recipe()) == [-1, 1, -1]


def test_one_block_says_nothing_of_the_error() -> None:
    levels = two_level_fraction(2)
    effects = Factorial(levels, np.arange(4.0)[:, None]).main_effects()
    assert list(effects.mean) == [1, 2]
    assert np.isnan(effects.margin).all()
    assert not effects.excludes_zero.any()


def test_a_missing_value_is_refused() -> None:
    with pytest.raises(ValueError, match="a value in every block"):
        Factorial(two_level_fraction(2), np.array([[1.0, 2], [1, 2], [1, np.nan], [1, 2]]))


@pytest.mark.parametrize("unequal", [False, True])
def test_in_one_study_of_twenty_any_effect_is_called_clear_that_is_not_there(unequal: bool) -> None:
    """Family-wise error of studies without effects: where some effects vary by fold and where all do alike."""
    random, levels = np.random.default_rng(5), two_level_fraction(5)
    found = {"the larger": 0, "pooled": 0}
    for _ in range(SIMULATED):
        values = random.normal(0, 1, (16, 5))
        if unequal:  # what the first factor does hangs on the fold
            values += levels[:, [0]] * random.normal(0, 1, 5)
        fit = Factorial(levels, values)
        effects = fit.main_effects()
        pooled = np.full(5, np.sqrt(4 * fit.variance / values.size))
        found["the larger"] += effects.excludes_zero.any()
        found["pooled"] += replace(effects, standard_error=pooled).excludes_zero.any()
    assert found["the larger"] / SIMULATED < 0.06
    if unequal:
        assert found["pooled"] / SIMULATED > 0.1  # alone it does not hold it


def test_as_many_runs_find_half_the_effect_that_they_would_one_at_a_time() -> None:
    """640 runs, of eight factors in 64 cells and 10 folds, and of eight treatments and a control in 71 folds."""
    random, levels = np.random.default_rng(0), two_level_fraction(8)
    ours, alone = Factorial(levels, random.normal(0, 1, (64, 10))).detectable()
    effect = 0.3  # in standard deviations of a run
    assert (ours, alone) == pytest.approx((effect, 2 * effect), rel=0.15)
    found = np.zeros(3)
    for _ in range(400):
        runs = random.normal(0, 1, (64, 10)) + levels[:, [0]] * effect / 2
        found[0] += Factorial(levels, runs).main_effects().excludes_zero[0]
        for n, true in ((1, effect), (2, 2 * effect)):
            runs = random.normal(0, 1, (9, 71, 1))
            runs[1] += true
            compared = compare_with_control(runs[1:] - runs[:1])
            found[n] += compared.interval(simultaneous_level([compared])).excludes_zero[0]
    factorial, same_effect, twice_the_effect = found / 400
    assert factorial == pytest.approx(0.8, abs=0.06)
    assert twice_the_effect == pytest.approx(factorial, abs=0.06)
    assert same_effect < 0.4


def test_what_differs_in_the_last_digit_is_no_effect() -> None:
    levels = two_level_fraction(3)
    effects = Factorial(levels, 0.7 + np.tile(0.1 * levels[:, [0]], 8) + 1e-17).main_effects()
    assert list(effects.excludes_zero) == [True, False, False]


def test_blocks_that_all_say_the_same_prove_what_agreeing_signs_prove() -> None:
    levels = two_level_fraction(3)
    for blocks in (3, 8):
        effects = Factorial(levels, 0.7 + np.tile(0.1 * levels[:, [0]], blocks)).main_effects()
        assert float(effects.p[0]) == pytest.approx(2.0 ** (1 - blocks))
        assert bool(effects.excludes_zero[0]) == (blocks == 8)
    means = Factorial(levels, np.full((8, 5), 0.5)).estimate(np.eye(8))
    assert np.isnan(means.margin).all()  # of what is no difference they prove nothing


def test_what_folds_share_widens_intervals_and_moves_no_effect() -> None:
    design = Factorial(two_level_fraction(3), np.random.default_rng(0).normal(0, 1, (8, 5)))
    alone, shared = design.main_effects(), design.main_effects(common=4.0)
    assert (alone.mean == shared.mean).all()
    assert shared.standard_error**2 == pytest.approx(alone.standard_error**2 + 4)
