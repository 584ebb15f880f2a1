"""How often does `pipelines/drift.py` call a log drifted: where nothing has changed, and where something has?

    python benchmarks/drift.py                  a small run on the skies, trained here; minutes on two cores
    python benchmarks/drift.py repeats=100 pictures=1000

The reference is the run's own validation part, once; and drawn anew for each log, from pictures that nobody has trained
on. Logs are samples of pictures drawn afresh by the same program, as they are or changed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from _timing import config, quiet
from overcast.config.script import plain_script
from overcast.serving.logged_predictions import Predictions

SIZES = (50, 200, 1000)
"""Of a log."""
FRESH_SEED = 1_000_003
"""Of pictures that are in no data set here."""

CHANGES: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "as they were": lambda x, _: x,
    "brightness × 0.95": lambda x, _: x * 0.95,
    "brightness × 0.9": lambda x, _: x * 0.9,
    "brightness × 0.75": lambda x, _: x * 0.75,
    "brightness × 0.5": lambda x, _: x * 0.5,
    "one in five at half the brightness": lambda x, draw: x * (1 - 0.5 * (draw.random((len(x), 1, 1, 1)) < 0.2)),
    "colours 5 % warmer": lambda x, _: np.clip(x * np.array([1.05, 1, 0.95])[:, None, None], 0, 255),
    "slightly blurred": lambda x, _: (x + np.roll(x, 1, 3)) / 2,
}  # fmt: skip
"""Of pictures (N, C, H, W)."""


@dataclass
class Arguments:
    """repeats: logs of each kind. pictures: that logs are drawn from. epochs: of the run."""

    repeats: str = "500"
    pictures: str = "4000"
    epochs: str = "10"


@plain_script
def main(arguments: Arguments) -> None:
    repeats, number = int(arguments.repeats), int(arguments.pictures)
    with tempfile.TemporaryDirectory() as place:
        network, reference = _run(Path(place), arguments.epochs)
        pools = _pools(network, number)
    draw = np.random.default_rng(0)
    print(f"reference of {len(reference)} samples; {repeats} logs of each size\n")
    print("\n".join(f"{name}: {_distances(reference, pool)}" for name, pool in pools.items()) + "\n")
    print(f"| pictures | {' | '.join(f'{size:,} predictions' for size in SIZES)} |\n|{'---|' * (1 + len(SIZES))}")
    for name, pool in pools.items():
        rates = [_rate(draw, reference, pool, size, repeats) for size in SIZES]
        print(f"| {name} | {' | '.join(f'{rate:.1%}' for rate in rates)} |", flush=True)
    plain = next(iter(pools.values()))
    rates = [_rate(draw, len(reference), plain, size, repeats) for size in SIZES]
    print(f"| as they were, the reference drawn anew | {' | '.join(f'{rate:.1%}' for rate in rates)} |")


def _run(folder: Path, epochs: str) -> tuple[bytes, Predictions]:
    """A trained run as an ONNX file, and its reference."""
    from overcast.serving.drift import open_reference
    from overcast.serving.onnx_export import onnx_bytes
    from overcast.training.train import train

    with quiet():
        run = train(config(folder, "data=skies", f"epochs={epochs}", "tracking=off"))
        return onnx_bytes(run), open_reference(str(run.folder))


def _pools(network: bytes, number: int) -> dict[str, Predictions]:
    """By the change, what the network answers to the same pictures."""
    from overcast.data._sky_painter import render
    from overcast.prediction.predictor import BATCH, probabilities
    from overcast.serving.input_features import input_features
    from overcast.serving.logged_predictions import CONFIDENCE
    from overcast.serving.onnx_model import OnnxModel
    from overcast.serving.prediction_log import model_identity, prediction

    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        Path(file.name).write_bytes(network)
        model = OnnxModel(Path(file.name))
    plain = render(range(number), seed=FRESH_SEED, size=model.spec.shape[1], difficulty=0.5).transpose(0, 3, 1, 2)
    pools = {}
    for name, change in CHANGES.items():
        pictures = change(plain.astype(float), np.random.default_rng(1)).round().astype(np.uint8)
        pools[name] = Predictions(model_identity(model))
        for start in range(0, number, BATCH):
            batch = [*pictures[start : start + BATCH]]
            for picture, p in zip(batch, probabilities(model, batch), strict=True):
                entry = prediction(p, model.spec.classes, input_features(picture, model.spec))
                values = {CONFIDENCE: max(entry["probabilities"].values()), **entry["features"]}
                pools[name].add(entry["label"], values)
    return pools


def _distances(reference: Predictions, pool: Predictions) -> str:
    from overcast.serving.drift import compare_predictions

    largest = sorted(compare_predictions(reference, pool), key=lambda test: -test.distance)[:3]
    return ", ".join(f"{test.name} {test.distance:.2f}" for test in largest)


def _rate(draw: np.random.Generator, reference: Predictions | int, pool: Predictions, size: int, repeats: int) -> float:
    """The share of logs of this size that are called drifted. reference: one, or of how many one is drawn anew."""
    from overcast.serving.drift import compare_predictions

    drifted = 0
    for _ in range(repeats):
        several = reference if isinstance(reference, int) else 0
        rows = draw.choice(len(pool), size + several, replace=False)
        other = _some(pool, rows[size:]) if isinstance(reference, int) else reference
        drifted += any(test.drifted for test in compare_predictions(other, _some(pool, rows[:size])))
    return drifted / repeats


def _some(pool: Predictions, rows: np.ndarray) -> Predictions:
    from array import array

    values = {name: array("d", np.asarray(column)[rows].tolist()) for name, column in pool.values.items()}
    return Predictions(pool.model, [pool.labels[row] for row in rows.tolist()], values)


if __name__ == "__main__":
    main()
