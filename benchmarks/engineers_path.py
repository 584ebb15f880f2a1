"""An engineer's path, from a folder of pictures to a served model that is watched: each step a command of the docs.

    python benchmarks/engineers_path.py                photographs; half an hour on two cores
    python benchmarks/engineers_path.py quick=true     a few synthetic pictures and least budgets: minutes

A tenth of the pictures is kept back: nothing is trained or chosen on them, and a client sends them when the model is
in use. Each step must end as it should, or the path ends there. What it leaves is in the folder that it prints.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageEnhance

from _served import free_port, request, send_all, wait_until_served
from overcast.config.script import plain_script
from overcast.core.errors import UserError
from overcast.core.paths import HOME, ROOT

MODEL = "overcast-folder"
BATCH = 50
"""Pictures in a request."""


@dataclass
class Arguments:
    """quick: on a few synthetic pictures, with least budgets. folder: to work in, instead of a temporary one."""

    quick: bool = False
    folder: str = ""


@dataclass(frozen=True)
class Size:
    """data: where the pictures come from. study, search: budgets. confirm: seeds of the confirming study."""

    data: tuple[str, ...]
    study: tuple[str, ...]
    search: tuple[str, ...]
    confirm: int
    words: tuple[str, ...] = ()


FULL = Size(("data=weather",), ("+study=mitigations", "study.budget=8min"), ("budget=8min",), confirm=5)
QUICK = Size(
    ("data=skies", "data.n_samples=600", "data.size=32"),
    ("+study=small", "study.folds=2"),
    ("trials=1", "workers=1"),  # the options as they stand, which learn skies well
    confirm=2,
    words=("data.size=32", "epochs=8"),
)


@plain_script
def main(arguments: Arguments) -> None:
    folder = Path(arguments.folder or tempfile.mkdtemp(prefix="overcast-path-"))
    path = EngineersPath(folder, QUICK if arguments.quick else FULL)
    path.walk()
    print(f"\nin {folder}\n\n| step | command | seconds | what came of it |\n|---|---|---|---|")
    for step in path.steps:
        print(f"| {step.what} | `{step.command}` | {step.seconds:.0f} | {step.outcome} |")
    print(f"| all | | {sum(step.seconds for step in path.steps):.0f} | |")


@dataclass(frozen=True)
class Step:
    what: str
    command: str
    seconds: float
    outcome: str


class EngineersPath:
    """The steps, one after the other, in a clone of the project below ``folder``."""

    def __init__(self, folder: Path, size: Size) -> None:
        self.folder, self.size, self.steps = folder, size, list[Step]()
        self.project, self.pictures, self.kept_back = (folder / name for name in ("overcast", "pictures", "kept-back"))
        self.log = folder / "predictions.jsonl"
        self.data = ("data=folder", f"data.path={self.pictures}", *size.words)

    def walk(self) -> None:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(self.project)], check=True)
        self.collect_pictures()
        train, data = "python pipelines/train.py", shlex.join(self.data)
        self.step("look at the data", f"python pipelines/audit.py {data} prepare=true", "page:")
        self.step("what helps", f"{train} {shlex.join(self.size.study)} {data} prepare=true", "Highest mean", lines=12)
        search = shlex.join(self.size.search)
        self.step("tune", f"python pipelines/tune.py {data} model=cnn {search} name=mine", "validation nll", lines=8)
        confirm = f"+study=repeats recipe=mine model=cnn study.folds=1 study.seeds={self.size.confirm}"
        self.step("confirm on the test part", f"{train} {confirm} {data}", "Highest mean", lines=8)
        self.step("register", "python pipelines/register.py study=repeats", "champion:")
        with self.served() as port:
            self.ask_as_a_client(port)
        worse = f"{train} {data} model=ann mitigation=none epochs=1"
        self.step("a worse model", worse, "trained:")
        self.step("is refused", f"python pipelines/register.py run=latest name={MODEL}", "", code=1)
        drift = f"python pipelines/drift.py log={self.log} model=models:/{MODEL}@champion"
        self.step("the same kind of pictures", drift, "Not drifted", lines=20)
        self.log.unlink()
        with self.served() as port:
            self.send_dark_pictures(port)
        self.step("pictures at dusk", drift, "Drifted", code=1, lines=20)

    def collect_pictures(self) -> None:
        """The user's own folder, of a public archive's pictures, and a tenth of each class kept back."""
        self.run(["python", "pipelines/download.py", *self.size.data])
        name = self.size.data[0].removeprefix("data=")
        draw = random.Random(0)
        for source in sorted(path for path in (self.project / "data" / name / "raw").iterdir() if path.is_dir()):
            files = sorted(source.iterdir())
            back = set(draw.sample(files, len(files) // 10))
            for file in files:
                target = (self.kept_back if file in back else self.pictures) / source.name / file.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)

    def run(self, words: list[str], code: int = 0) -> str:
        """What a command says. Raises: UserError if it ends otherwise than with this exit code."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW") and k != HOME}
        environment["PYTHONPATH"] = str(self.project / "src")
        words = [sys.executable if word == "python" else word for word in words]
        done = subprocess.run(words, cwd=self.project, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != code:
            raise UserError(f"{shlex.join(words)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def step(self, what: str, command: str, line: str, code: int = 0, lines: int = 1) -> None:
        """A command that is timed. line: how the line of its output begins that says what came of it."""
        print(f"\n== {what}: {command}", flush=True)
        began = time.perf_counter()
        said = self.run(shlex.split(command), code).strip().splitlines()
        seconds = time.perf_counter() - began
        print("\n".join(said[-lines:]), flush=True)
        outcome = next((each for each in reversed(said) if line and each.startswith(line)), said[-1] if said else "")
        short = command.replace(str(self.folder) + "/", "")
        self.steps.append(Step(what, short, seconds, outcome.replace(str(self.folder), "…")))

    @contextmanager
    def served(self) -> Iterator[int]:
        """The champion behind a port; how long it took to answer is a step."""
        began, port = time.perf_counter(), free_port()
        words = ["models", "serve", "-m", f"models:/{MODEL}@champion", "--env-manager", "local", "-p", str(port)]
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{self.project}/mlflow.db"
        environment["OVERCAST_PREDICTION_LOG"] = str(self.log)
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *words], cwd=self.project, env=environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            wait_until_served(port)
            seconds = time.perf_counter() - began
            self.steps.append(Step("serve", f"mlflow {shlex.join(words[:-2])} -p 5001", seconds, "it answers"))
            yield port
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()

    def ask_as_a_client(self, port: int) -> None:
        """The pictures kept back, over HTTP, and the same by `predict`."""
        files = sorted(self.kept_back.rglob("*.*"))
        began = time.perf_counter()
        served = ask(port, [file.read_bytes() for file in files])
        seconds = time.perf_counter() - began
        out = self.folder / "labels.csv"
        words = ["python", "pipelines/predict.py", f"run=models:/{MODEL}@champion", f"files={self.kept_back}"]
        self.run([*words, f"out={out}"])
        with out.open(newline="") as file:
            predicted = {row["file"]: row for row in csv.DictReader(file)}
        same = sum(answer["label"] == predicted[str(file)]["label"] for file, answer in zip(files, served, strict=True))
        right = sum(answer["label"] == file.parent.name for file, answer in zip(files, served, strict=True))
        told = f"{same} of {len(files)} labels are those of `predict`; {right} are right"
        print(told, flush=True)
        self.steps.append(Step("a client asks", "POST /invocations", seconds, told))
        if same < len(files):
            raise UserError("the server answers otherwise than predict")

    def send_dark_pictures(self, port: int) -> None:
        """The same pictures, as a camera at dusk would see them."""
        ask(port, [darkened(file) for file in sorted(self.kept_back.rglob("*.*"))])


def ask(port: int, contents: list[bytes]) -> list[dict[str, str]]:
    """The server's answer to each picture."""
    batches = [contents[first : first + BATCH] for first in range(0, len(contents), BATCH)]
    bodies = [request(*(base64.b64encode(content).decode() for content in batch)) for batch in batches]
    return [answer for text in send_all(port, bodies) for answer in json.loads(text)["predictions"]]


def darkened(file: Path) -> bytes:
    """A picture at three tenths of its light, as a file."""
    with Image.open(file) as picture:
        dark = ImageEnhance.Brightness(picture.convert("RGB")).enhance(0.3)
    content = io.BytesIO()
    dark.save(content, "PNG")
    return content.getvalue()


if __name__ == "__main__":
    main()
