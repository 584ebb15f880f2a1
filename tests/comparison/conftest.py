"""A made-up study of two networks, four mitigations, two sizes and four folds, and its curves."""

import numpy as np
import pandas as pd
import pytest

from overcast.comparison import OUTCOMES, comparison_table
from overcast.comparison.page import Study
from overcast.comparison.predictor_table import predictor_table
from overcast.prepare.folds import assign_parts
from overcast.statistics.designs import two_level_fraction

PARTS = ("train", "validation")
EFFECTS = {"none": 0.0, "augmentation": 0.06, "shrink": -0.06, "noise": 0.001}


@pytest.fixture(scope="session")
def info():
    return {
        "study": "made <up>",
        "command": "compare.py study=made_up",
        "machine": "one",
    }


@pytest.fixture(scope="session")
def study():
    draw = np.random.default_rng(5).normal
    rows, curves = [], []
    for model in ("ann", "cnn"):
        for share in (0.5, 1.0):
            for name, effect in EFFECTS.items():
                for k in range(4):
                    run = f"{model}-{name}-{share}-{k}"
                    row = dict.fromkeys((o.column for o in OUTCOMES), 0.3)
                    row |= {"test/accuracy": 0.8 + effect + 0.01 * k + draw(0, 0.001), "gap/accuracy": 0.1 - effect}
                    row |= {"test/nll": 0.6 - 4 * effect + draw(0, 0.003), "gap/nll": 0.5 - 6 * effect + draw(0, 0.003)}
                    row |= {"baseline/majority_accuracy": 0.2 + 0.01 * k, "baseline/linear_accuracy": 0.8 + 0.01 * k}
                    row |= {"run_id": run, "name": run, "data": "sky", "model": model, "mitigation": name}
                    row |= {"cell": f"{model} · {name} · train_fraction={share}", "diverged": False}
                    row |= {"fold": k, "seed": 0, "split_seed": 0, "repeat": f"0-{k}-0"}
                    row |= {"train_fraction": share, "epochs": 3}
                    rows.append(row | {"seconds": 12.0 if name == "augmentation" else 10.0})
                    columns = {
                        f"{p}/{w}": draw(1, 0.1, 3) for p in ("train", "validation") for w in ("nll", "accuracy")
                    }
                    curves.append(pd.DataFrame({"run_id": run, "epoch": range(1, 4)} | columns))
    return pd.DataFrame(rows), pd.concat(curves, ignore_index=True)


@pytest.fixture(scope="session")
def small(study):
    """The study's one context with only mitigations in it."""
    trials, curves = study
    some = trials[(trials["model"] == "cnn") & (trials["train_fraction"] == 1)]
    return some.assign(cell=some["mitigation"]), curves


@pytest.fixture(scope="session")
def compared(small, info):
    return comparison_table(small[0], info)


@pytest.fixture(scope="session")
def with_diverged(small, info):
    """The same, where one of the trials with augmentation diverged."""
    trials, _ = small
    gone = (trials["cell"] == "augmentation") & (trials["repeat"] == "0-0-0")
    outcomes = [column for column in trials if column.startswith(("test/", "gap/"))]
    some = trials.assign(diverged=gone, **{column: trials[column].where(~gone) for column in outcomes})
    return comparison_table(some, info)


MITIGATIONS = ("augmentation", "batch_norm", "dropout", "mixup", "averaging")
"""Of the made-up factorial: the first helps, the third hurts, the second and the third fight each other."""


@pytest.fixture
def factorial_trials():
    """A made-up factorial of five mitigations, in 16 cells and 10 folds, as `overcast.comparison.trials` gives it."""
    draw = np.random.default_rng(2).normal
    rows = []
    for fold in range(10):
        level = draw(0.7, 0.05)
        for a, b, d, m, v in two_level_fraction(len(MITIGATIONS)):
            truth = level + 0.03 * a + 0.01 * b - 0.015 * d - 0.01 * b * d + 0 * m + 0 * v
            names = [name for name, on in zip(MITIGATIONS, (a, b, d, m, v), strict=True) if on > 0]
            name = "+".join(names) or "none"
            row = {"mitigation": name, "cell": name, "rest": "", "fold": fold, "seed": fold, "repeat": f"{fold}-{fold}"}
            row |= {"data": "sky", "model": "cnn", "train_fraction": 1.0, "epochs": 3, "diverged": False}
            row |= {"split_seed": 0, "lengths": "", "run_id": f"{name}-{fold}"}
            row |= {part: truth + draw(0, 0.01) for part in ("test/accuracy", "validation/accuracy")}
            row |= {"test/nll": 2 - 2 * truth + draw(0, 0.02), "validation/nll": 1.0, "gap/nll": 0.5 - 0.1 * a}
            rows.append(row)
    return pd.DataFrame(rows)


@pytest.fixture
def factorial_folds():
    """Of each of its folds, the part of each of 200 rows."""
    parts = assign_parts(np.repeat(np.arange(2), 100), np.arange(200), np.full(200, ""), 10, 0)
    return dict(enumerate(parts.T))


@pytest.fixture
def factorial_parts(factorial_folds):
    """Of its runs, by their ``run_id``, the part of each row."""
    return lambda run: factorial_folds[int(run.rpartition("-")[2])]


@pytest.fixture
def trials_of_two_lengths(factorial_trials):
    """The same, with the length of the training in the place of the last mitigation: the first one helps."""
    longer = factorial_trials["mitigation"].str.contains("averaging")
    names = factorial_trials["mitigation"].str.replace(r"\+?averaging", "", regex=True).replace("", "none")
    epochs = longer.map({False: 8, True: 16})
    cells = names + " · epochs=" + epochs.astype(str)
    return factorial_trials.assign(mitigation=names, epochs=epochs, cell=cells, lengths="8 16")


DATA = {"sky": "cnn", "digits": "dnn", "speech": "lstm", "reviews": "ann"}
"""Of the made-up study of several data sets: each with the network of its recipe."""


@pytest.fixture(scope="session")
def everywhere_trials():
    """On four data sets and five folds: "good" helps on each of them alike, "mixed" on some and hurts on others.

    "noise" does nothing, and is missing on the reviews.
    """
    draw = np.random.default_rng(4).normal
    rows = []
    for number, (data, model) in enumerate(DATA.items()):
        mixed = 0.08 * (-1) ** number
        for name, effect in {"none": 0.0, "good": 0.06, "mixed": mixed, "noise": 0.0}.items():
            for fold in range(0 if (data, name) == ("reviews", "noise") else 5):
                row = dict.fromkeys((o.column for o in OUTCOMES), 0.3)
                row |= {"test/accuracy": 0.7 + effect + draw(0, 0.004), "gap/nll": 0.5 - 4 * effect + draw(0, 0.01)}
                row |= {"test/nll": 0.8 - 4 * effect + draw(0, 0.01), "seconds": 12.0 if name == "good" else 10.0}
                row |= {"data": data, "model": model, "mitigation": name, "cell": f"{data} · {model} · {name}"}
                row |= {"rest": f"{data} · {model}", "train_fraction": 1.0, "epochs": 3 + number, "diverged": False}
                row |= {"fold": fold, "seed": fold, "split_seed": 0, "repeat": f"{fold}-{fold}-0"}
                rows.append(row | {"run_id": f"{data}-{name}-{fold}"})
    return pd.DataFrame(rows)


@pytest.fixture(scope="session")
def reported(info):
    """``reported(trials, curves, …)``: all that a study's page is made of; what is given goes to `Study`."""

    def made(trials, curves, **given):
        told = info | given.pop("info", {})
        return Study(comparison_table(trials, told), predictor_table(trials), trials, curves, told, **given)

    return made
