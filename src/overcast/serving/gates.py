"""What a served model costs: latency, memory and size, measured as it is served, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from overcast.core.errors import UserError

REQUESTS = 200
"""One sample each, after ten that do not count."""

CODE = """
import json, resource, sys, time
import numpy, pandas
from pathlib import Path
from overcast.serving.pyfunc import ServedModel
model, example, requests = ServedModel(Path(sys.argv[1])), json.loads(sys.stdin.read()), int(sys.argv[2])
times = []
for _ in range(10 + requests):
    began = time.perf_counter()
    model.predict(pandas.DataFrame({"content": [example]}))
    times.append(time.perf_counter() - began)
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
if Path("/proc/self/status").exists():  # where the other counts what started this process too
    lines = Path("/proc/self/status").read_text().splitlines()
    memory = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000
print(json.dumps({"p95_ms": 1000 * numpy.quantile(times[10:], 0.95), "memory_mb": memory}))
"""


@dataclass(frozen=True)
class Costs:
    """p95_ms: milliseconds of one sample, reading it too, that one request in twenty takes longer than. memory_mb: the
    most that the process took, MLflow's client included. size_mb: of the model's folder.
    """

    p95_ms: float
    memory_mb: float
    size_mb: float

    @property
    def text(self) -> str:
        return (
            f"served: {self.p95_ms:.1f} ms a sample (p95 of {REQUESTS}), {self.memory_mb:.0f} MB of memory, "
            f"{self.size_mb:.1f} MB"
        )


NAMES = tuple(field.name for field in fields(Costs))


def read_gates(words: Sequence[str]) -> dict[str, float]:
    """The limits in words such as ``gates.p95_ms=50``. Raises: UserError for another name, or what is no number."""
    limits = {}
    for word in words:
        name, _, text = word.removeprefix("gates.").partition("=")
        if name not in NAMES:
            raise UserError(f"{word}: the gates are {', '.join(f'gates.{each}=…' for each in NAMES)}")
        try:
            limits[name] = float(text)
        except ValueError:
            raise UserError(f"{word}: give a number") from None
    return limits


def beyond(costs: Costs, limits: dict[str, float]) -> list[str]:
    """What is said of each limit that is passed."""
    return [
        f"{name} is {asdict(costs)[name]:.4g}, above gates.{name}={limit:g}"
        for name, limit in limits.items()
        if not asdict(costs)[name] <= limit
    ]


def measure_costs(model: Path, example: object) -> Costs:
    """model: the folder that MLflow serves. example: a sample as JSON has it.

    Raises: UserError if the model cannot be run.
    """
    network = model / "data" / "model.onnx"
    source = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(network), str(REQUESTS)],
        input=json.dumps(example), capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])},
    )  # fmt: skip
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no word"]
        raise UserError(f"the exported network cannot be run in a process of its own: {lines[-1]}")
    size = sum(path.stat().st_size for path in model.rglob("*") if path.is_file()) / 1e6
    return Costs(**json.loads(done.stdout.splitlines()[-1]), size_mb=size)
