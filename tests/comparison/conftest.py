"""A made-up study of two networks, four mitigations, two sizes and four folds, and its curves."""

import numpy as np
import pandas as pd
import pytest

from overcast.comparison import OUTCOMES, comparison_table
from overcast.comparison.page import Study
from overcast.comparison.table import predictor_table

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
def reported(info):
    """``reported(trials, curves, …)``: all that a study's page is made of; what is given goes to `Study`."""

    def made(trials, curves, **given):
        told = info | given.pop("info", {})
        return Study(comparison_table(trials, told), predictor_table(trials), trials, curves, told, **given)

    return made
