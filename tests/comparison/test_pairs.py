"""Which trials are compared with which, and in which fold and seed."""

import numpy as np
import pandas as pd
import pytest

from overcast.comparison.pairs import Context, contexts
from overcast.statistics.estimates import two_way


def trial(cell="none", fold=0, seed=0, value=0.5, **given):
    """A finished trial; its mitigation is the first word of its cell's name."""
    row = {"data": "sky", "model": "cnn", "train_fraction": 1.0, "epochs": 5, "mitigation": cell.split(" · ")[0]}
    row |= {"cell": cell, "fold": fold, "seed": seed, "split_seed": 0, "test/accuracy": value} | given
    repeat = f"{row['seed']}-{row['fold']}-{row['split_seed']}"
    return row | {"repeat": repeat, "run_id": f"{row['model']}/{cell}/{repeat}"}


def context(rows, control="none"):
    return Context("", pd.DataFrame(rows), control)


def test_networks_data_and_whatever_else_was_swept_are_contexts_each_with_its_control():
    rows = [
        trial(f"{name} · lr={lr}", model=model, rest=f"lr={lr}", mitigation=name)
        for model in ("ann", "cnn")
        for lr in (0.1, 0.2)
        for name in ("dropout", "none")
    ]
    found = list(contexts(pd.DataFrame(rows)))
    assert [each.name for each in found] == ["ann · lr=0.1", "ann · lr=0.2", "cnn · lr=0.1", "cnn · lr=0.2"]
    assert [each.cells for each in found] == [[f"none · lr={lr}", f"dropout · lr={lr}"] for lr in (0.1, 0.2)] * 2
    named_by_cell = pd.DataFrame(rows).drop(columns="rest")
    assert [each.name for each in contexts(named_by_cell)] == [each.name for each in found]


def test_sizes_of_the_train_part_and_epochs_are_never_mixed():
    rows = [trial(name, train_fraction=share) for share in (0.5, 1.0) for name in ("none", "noise")]
    assert [each.name for each in contexts(pd.DataFrame(rows))] == ["train_fraction=0.5", "train_fraction=1.0"]
    rows = [trial(name, epochs=epochs) for epochs in (5, 9) for name in ("none", "noise")]
    assert [each.name for each in contexts(pd.DataFrame(rows))] == ["epochs=5", "epochs=9"]


def test_epochs_that_take_equal_time_are_of_one_context():
    rows = [trial(f"{name} · epochs={n}", epochs=n, equal="compute", rest="") for name, n in (("none", 5), ("sam", 3))]
    (only,) = contexts(pd.DataFrame(rows))
    assert (only.name, only.cells) == ("", ["none · epochs=5", "sam · epochs=3"])


def test_the_only_context_needs_no_name_and_strengths_are_cells_of_it():
    rows = [trial(name, rest="") for name in ("dropout · p=0.2", "dropout · p=0.5", "none")]
    (only,) = contexts(pd.DataFrame(rows))
    assert (only.name, only.cells) == ("", ["none", "dropout · p=0.2", "dropout · p=0.5"])


def test_without_no_mitigation_the_first_cell_is_the_control():
    (only,) = contexts(pd.DataFrame([trial("dropout", rest=""), trial("noise", rest="")]))
    assert only.control == "dropout"


def test_a_study_of_networks_compares_these_on_each_data_set():
    rows = [
        trial(f"{data} · {model}", data=data, model=model, mitigation="none", rest=f"{data} · {model}")
        for data in ("sky", "sea")
        for model in ("ann", "cnn")
    ]
    found = list(contexts(pd.DataFrame(rows)))
    assert [each.cells for each in found] == [[f"{data} · ann", f"{data} · cnn"] for data in ("sky", "sea")]


def test_values_lie_by_cell_fold_and_seed_with_gaps_where_nothing_finished():
    rows = [
        trial(cell, fold, seed, 100 * number + 10 * fold + seed)
        for number, cell in enumerate(("noise", "none"))
        for fold in (2, 0)
        for seed in (1, 0)
        if (cell, fold, seed) != ("noise", 2, 0)
    ]
    values = context(rows).values("test/accuracy")  # the control first, folds and seeds in order
    assert values[0].tolist() == [[100, 101], [120, 121]]
    assert values[1, 0].tolist() == [0, 1]
    assert np.isnan(values[1, 1, 0])
    assert values[1, 1, 1] == 21


def test_every_fold_may_have_seeds_of_its_own():
    rows = [trial(cell, fold, 10 * fold + k, fold + k / 10) for cell in ("none", "noise") for fold in (0, 1, 2)
            for k in (0, 1)]  # fmt: skip
    values = context(rows).values("test/accuracy")
    assert values.shape == (2, 3, 2)
    assert values[1].tolist() == values[0].tolist() == [[0, 0.1], [1, 1.1], [2, 2.1]]


def test_on_a_single_fold_seeds_take_the_place_of_folds():
    rows = [trial(cell, 3, seed, seed) for cell in ("none", "noise") for seed in (7, 5, 9)]
    one = context(rows)
    assert one.single_fold
    assert one.values("test/accuracy")[1].tolist() == [[5], [7], [9]]


def test_the_same_fold_of_another_split_is_another_fold():
    rows = [trial(cell, 0, 0, split, split_seed=split) for cell in ("none", "noise") for split in (0, 1)]
    several = context(rows)
    assert not several.single_fold
    assert several.values("test/accuracy")[1].tolist() == [[0], [1]]


@pytest.fixture
def answered():
    """Six paired runs and whether each of 80 samples, some harder than others, was classified correctly."""
    draws = np.random.default_rng(0)
    hard, luck = draws.random(80), draws.normal(0, 0.1, (6, 1))
    chances = {"none": 0.2 + 0.5 * hard, "noise": 0.9 - 0.5 * hard + luck}
    known = {cell: draws.random((6, 80)) < chance for cell, chance in chances.items()}
    rows = [trial(cell, seed=seed, value=right[seed].mean()) for seed in range(6) for cell, right in known.items()]
    own = {"group": np.arange(80)}
    answers = {row["run_id"]: own | {"test/accuracy": known[row["cell"]][row["seed"]].astype(float)} for row in rows}
    return context(rows), answers, known["noise"].astype(float) - known["none"]


def test_runs_and_samples_of_a_fixed_test_part_make_the_two_way_variance(answered):
    found, answers, differences = answered
    (samples,) = found.sample_variances("test/accuracy", answers)
    runs = differences.mean(1).var(ddof=1) / 6
    assert 0.1 < samples / runs < 10  # both count
    assert np.sqrt(samples + runs) == pytest.approx(float(two_way(differences).standard_error))


def test_copies_of_a_sample_count_as_one(answered):
    found, answers, _ = answered
    twice = {run: {name: np.repeat(values, 2) for name, values in known.items()} for run, known in answers.items()}
    assert found.sample_variances("test/accuracy", twice) == pytest.approx(
        found.sample_variances("test/accuracy", answers)
    )


def test_samples_count_only_where_all_pairs_have_answers(answered):
    found, answers, _ = answered
    assert found.sample_variances("test/nll", answers).tolist() == [0]
    assert found.sample_variances("test/accuracy", {}).tolist() == [0]
    some = {run: known for run, known in answers.items() if run != "cnn/none/3-0-0"}
    assert found.sample_variances("test/accuracy", some).tolist() == [0]
    without = Context("", found.trials[found.trials["run_id"] != "cnn/none/3-0-0"], "none")
    assert without.sample_variances("test/accuracy", some)[0] > 0


def test_answers_that_agree_less_than_by_chance_take_nothing_away():
    rows = [trial(cell, seed=seed) for cell in ("none", "noise") for seed in range(2)]
    flat = np.zeros(4)
    own = {"noise/0": np.array([1.0, 0, 1, 0]), "noise/1": np.array([0.0, 1, 0, 1])}
    groups = {"group": np.arange(4)}
    answers = {row["run_id"]: groups | {"test/accuracy": own.get(f"{row['cell']}/{row['seed']}", flat)} for row in rows}
    assert context(rows).sample_variances("test/accuracy", answers).tolist() == [0]
