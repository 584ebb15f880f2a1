"""ood: how well a run's scores tell pictures of other data sets from its own test part.

Each other data set's pictures are brought to the run's size and channels as a picture file would be. AUROC: how often
one of them scores higher than one of the test part; FPR95: how many of them pass where 95 % of the test part do; and
flagged: how many are above the threshold that 5 % of the calibration part are above, as `predict ood=true` has it.

    python benchmarks/ood.py run=runs/a,runs/b ood=skies,digits,fashion

Scores: one minus the largest probability (Hendrycks & Gimpel 2017), the energy (Liu et al. 2020), the negated largest
logit (Hendrycks et al. 2022), Mahalanobis distance to the nearest class mean of the train part's features (Lee et al.
2018), distance to the nearest 10 of the train part's normalised features (Sun et al. 2022). Features: what the last
linear layer reads.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

SAMPLES = 300
"""Of each other data set, spread over it."""
NEIGHBOURS = 10


def answers(trained: Any, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits (N, K) and features (N, F) of pictures (N, C, H, W)."""
    import torch

    logits, features = [], []
    with torch.inference_mode():
        for batch in np.array_split(x, max(1, len(x) // 64)):
            length = torch.full((len(batch),), batch.shape[-1])
            logits.append(trained(torch.from_numpy(np.ascontiguousarray(batch)), length).double().numpy())
            features.append(trained.features.double().numpy())
    return np.concatenate(logits), np.concatenate(features)


def resized(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Pictures (N, C, H, W) as those of another shape (C, H, W)."""
    from PIL import Image

    mode = "L" if shape[0] == 1 else "RGB"
    pictures = []
    for picture in x:
        image = Image.fromarray(picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)).convert(mode)
        pixels = np.asarray(image.resize(shape[:0:-1], Image.Resampling.LANCZOS))
        pictures.append(pixels.reshape(*shape[1:], shape[0]).transpose(2, 0, 1))
    return np.stack(pictures)


class Scores:
    """Each score of (logits, features): higher is less like the train part."""

    def __init__(self, features: np.ndarray, labels: np.ndarray) -> None:
        from overcast.statistics.mahalanobis import fit_class_gaussians

        self.gaussians = fit_class_gaussians(features, labels)
        self.train = features / np.linalg.norm(features, axis=1, keepdims=True)

    def __call__(self, logits: np.ndarray, features: np.ndarray) -> dict[str, np.ndarray]:
        from scipy.special import logsumexp, softmax

        unit = features / np.linalg.norm(features, axis=1, keepdims=True)
        away = np.linalg.norm(unit[:, None] - self.train[None], axis=2)
        return {
            "probability": 1 - softmax(logits, axis=1).max(1),
            "energy": -logsumexp(logits, axis=1),
            "largest logit": -logits.max(1),
            "Mahalanobis": self.gaussians.distances(features),
            "neighbours": np.sort(away, axis=1)[:, NEIGHBOURS - 1],
        }


def measure(run: Any, others: list[str], places: dict[str, Path]) -> list[tuple[str, str, float, float, float]]:
    """(other data set, score, AUROC, FPR95, flagged) of each."""
    from sklearn.metrics import roc_auc_score

    from overcast.prediction.trained_network import open_run_pack, restore
    from overcast.prepare.pack import open_pack

    trained, pack = restore(run), open_run_pack(run)
    trained.watch_features()
    rows = {part: np.flatnonzero(run.parts == part) for part in ("train", "calibration", "test")}
    found = {part: answers(trained, pack.gather(r)[0]) for part, r in rows.items()}
    scores = Scores(found["train"][1], pack.labels[rows["train"]])
    own, calibration = scores(*found["test"]), scores(*found["calibration"])
    table = []
    for name in others:
        other = open_pack(places.get(name, Path("data")), name)
        x = other.gather(np.unique(np.linspace(0, len(other.labels) - 1, SAMPLES).astype(int)))[0]
        theirs = scores(*answers(trained, resized(x, pack.spec.shape)))
        for score, values in theirs.items():
            truth = np.repeat([0, 1], [len(own[score]), len(values)])
            auroc = roc_auc_score(truth, np.concatenate([own[score], values]))
            passed = (values <= np.quantile(own[score], 0.95)).mean()
            flagged = (values > np.quantile(calibration[score], 0.95, method="higher")).mean()
            table.append((name, score, float(auroc), float(passed), float(flagged)))
    for score in own:
        flagged = (own[score] > np.quantile(calibration[score], 0.95, method="higher")).mean()
        table.append(("its own test part", score, np.nan, np.nan, float(flagged)))
    return table


def main() -> None:
    """A row a data set and score, the mean over the runs."""
    from overcast.core.paths import project_path
    from overcast.tracking.find_run import find_runs

    given = dict(word.partition("=")[::2] for word in sys.argv[1:])
    others = given["ood"].split(",")
    root = project_path(given.get("data_dir", "data"))
    tables = [measure(run, others, dict.fromkeys(others, root)) for run in find_runs(given["run"])]
    print(f"{'pictures':20}{'score':16}{'AUROC':>8}{'FPR95':>8}{'flagged':>9}")
    for same in zip(*tables, strict=True):
        auroc, passed, flagged = np.mean([row[2:] for row in same], axis=0)
        print(f"{same[0][0]:20}{same[0][1]:16}{auroc:8.3f}{passed:8.3f}{flagged:9.3f}")


if __name__ == "__main__":
    main()
