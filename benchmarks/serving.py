"""What a served model costs: latency and requests a second over HTTP, what it survives, its size and its cold start.

    python benchmarks/serving.py                a small run on the skies, trained here; minutes on two cores
    python benchmarks/serving.py workers=1 requests=100

The server runs on this machine beside the clients that ask it, so both share its cores. Sizes are those of the
installed packages' files, of all that each needs.
"""

from __future__ import annotations

import base64
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np

from _served import at_once, request, send, served
from _timing import config, quiet, run
from overcast.config.script import plain_script
from overcast.core.cores import cores
from overcast.core.paths import ROOT

LIGHT = ("numpy", "onnxruntime", "pillow", "pydantic", "pyyaml", "regex", "tqdm")
"""What predicting with an exported network on pictures and texts imports."""


@dataclass
class Arguments:
    """workers: of the server, without it one a core. requests: that each figure is of. size: pixels of the pictures."""

    workers: str = ""
    requests: str = "300"
    size: str = "64"


@plain_script
def main(arguments: Arguments) -> None:
    workers, requests = int(arguments.workers or cores()), int(arguments.requests)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        picture, network = _exported(folder, arguments.size)
        rows = [
            *_over_http(folder / "model", picture.read_bytes(), workers, requests),
            *_cold_starts(folder, picture, network),
            *_sizes(network),
        ]
    print("| what | measured |\n|---|---|")
    for what, measured in rows:
        print(f"| {what} | {measured} |")


def _exported(folder: Path, size: str) -> tuple[Path, Path]:
    """A picture, and the network of a run that was trained on such ones; below ``folder`` the model that is served."""
    from overcast.serving.onnx_export import export_run
    from overcast.serving.package import save_model
    from overcast.training.train import train

    with quiet():
        trained = train(config(folder, "data.n_samples=300", f"data.size={size}", "epochs=2", "tracking=off"))
        network, parity = export_run(trained, str(folder / "model.onnx"))
        picture = next((folder / "data" / "skies" / "raw" / "cloudy").glob("*.png"))
        save_model(folder / "model", network, picture.read_bytes(), {})
    print(parity.text, flush=True)
    return picture, network


def _over_http(model: Path, picture: bytes, workers: int, requests: int) -> list[tuple[str, str]]:
    good, bad = request(base64.b64encode(picture).decode()), request(base64.b64encode(picture[:200]).decode())
    latencies = []
    for processes in sorted({1, workers}):
        with served(model, processes) as (port, start):
            send(port, good, 20)
            times = [1000 * seconds for _, seconds in send(port, good, requests)]
        what = f"one request at a time, {processes} worker{'s' * (processes > 1)}, p50 and p95"
        latencies.append((what, f"{np.quantile(times, 0.5):.1f} and {np.quantile(times, 0.95):.1f} ms"))
    with served(model, workers) as (port, start):
        send(port, good, 20)
        _, rate = at_once(port, [good] * 4 * workers, max(1, requests // (4 * workers)))
        large = request(base64.b64encode(os.urandom(20 << 20)).decode())
        ((status, seconds),) = send(port, large, 1)
        many, _ = at_once(port, [bad if number % 4 == 0 else good for number in range(100)], 1)
        after = send(port, good, 1)[0][0]
    counted = ", ".join(f"{number} × {status}" for status, number in sorted(Counter(many).items()))
    return [
        *latencies,
        (f"{4 * workers} clients at once, {workers} worker{'s' * (workers > 1)}", f"{rate:.0f} requests/s"),
        ("20 MB that are no picture", f"{status} after {seconds:.1f} s"),
        ("100 requests at once, a quarter of them bad", counted),
        ("a good one after that", str(after)),
        ("start of `mlflow models serve` to its first answer", f"{start:.1f} s"),
    ]


def _cold_starts(folder: Path, picture: Path, network: Path) -> list[tuple[str, str]]:
    """From nothing to the label of one picture, the second of two tries: an exported network against its run."""
    trained = next((folder / "runs").glob("*/run.json")).parent
    rows = []
    for what, model in (("an exported network", network), ("its run", trained)):
        line = [sys.executable, str(ROOT / "pipelines" / "predict.py"), f"run={model}", f"files={picture}"]
        seconds = []
        for _ in range(2):
            began = time.perf_counter()
            run(line, folder)
            seconds.append(time.perf_counter() - began)
        rows.append((f"`predict` of one picture with {what}", f"{seconds[-1]:.1f} s"))
    return rows


def _sizes(network: Path) -> list[tuple[str, str]]:
    kinds = {
        "packages that an exported network needs": LIGHT,
        "the same with MLflow, which serves it": (*LIGHT, "mlflow"),
        "the full install": ("overcast",),
    }
    rows = [(what, f"{megabytes(names):,.0f} MB") for what, names in kinds.items()]
    return [("the network's file", f"{network.stat().st_size / 1e6:.1f} MB"), *rows]


def megabytes(names: tuple[str, ...]) -> float:
    """Of the files of these installed packages and of all that they need."""
    from packaging.requirements import Requirement

    todo, done, total = list(names), set[str](), 0
    while todo:
        name = todo.pop().lower().replace("_", "-").replace(".", "-")
        if name in done:
            continue
        done.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:  # only on other systems
            continue
        files = [Path(str(file.locate())) for file in found.files or () if "__pycache__" not in str(file)]
        total += sum(path.stat().st_size for path in files if path.is_file())
        needed = [Requirement(text) for text in found.requires or ()]
        todo += [each.name for each in needed if not each.marker or each.marker.evaluate({"extra": ""})]
    return total / 1e6


if __name__ == "__main__":
    main()
