"""The model card (Mitchell et al. 2019): what a registered model is, was trained on, can do, and cannot."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from overcast.tracking.run_folder import Run

PICTURES = {
    "mistakes.png": "The surest mistakes on the test part",
    "confusion.png": "What it takes for what",
    "reliability.png": "How often it is right, by how sure it says it is",
}
"""Of an evaluation's plots, those that are in a card."""


@dataclass(frozen=True)
class Figure:
    """Of the test part: a figure and its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def text(self) -> str:
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"


def test_figures(run: Run) -> dict[str, Figure]:
    """What was measured of a run's test part, with bootstrap intervals over its samples."""
    test = run.metrics["test"]
    names = [name for name in test if f"{name}_low" in test and test[name] is not None]
    return {name: Figure(test[name], test[f"{name}_low"], test[f"{name}_high"]) for name in names}


test_figures.__test__ = False  # type: ignore[attr-defined] # pytest takes its name for a test's


def model_card(
    run: Run, figures: Mapping[str, Figure], source: str, costs: str, parity: str, pictures: Sequence[str]
) -> str:
    """Markdown. run: whose weights these are. source: whose figures these are, and what they were trained on."""
    config, spec = run.config, run.spec
    number = int((run.parts == "train").sum())
    lines = [
        f"# {run.facts['name']} on {config.data.name}",
        "",
        f"Tells {', '.join(spec.classes)} from {WHAT[spec.kind]}.",
        "",
        "## Trained on",
        "",
        f"{number:,} samples of `data={config.data.name}` (fingerprint `{run.facts['fingerprint'][:16]}`). {source}",
        "",
        "## Measured on the test part",
        "",
        "| figure | value and 95 % interval |",
        "|---|---|",
        *(f"| {name} | {figure.text} |" for name, figure in figures.items()),
        "",
        "## Calibration",
        "",
        _calibration(figures, run.facts.get("temperature")),
        "",
        "## Limits",
        "",
        "- It knows its classes alone: whatever else it is given is called one of them.",
        "- Its figures hold for samples like those of its data set. What is taken otherwise (another camera, "
        "microphone, place or language) may be told worse.",
        *(["- It was trained on synthetic samples, and not measured on real ones."] if run.facts["synthetic"] else []),
        *(["- Its data was cut by time: what has changed since is not in it."] if run.facts.get("by_time") else []),
        "",
        "## Cost",
        "",
        f"{costs}. Exported with {parity}.",
    ]
    if pictures:
        lines += ["", "## Where it fails", ""]
        lines += [f"![{PICTURES[name]}](card/{name})" for name in pictures]
    return "\n".join([*lines, ""])


WHAT = {
    "image": "a picture",
    "sequence": "steps of numbers over time",
    "spectrogram": "a recording",
    "tokens": "a text",
}


def _calibration(figures: Mapping[str, Figure], temperature: float | None) -> str:
    error = f"Expected calibration error {figures['ece'].text}. " if "ece" in figures else ""
    learned = f"at the temperature {temperature:.3f}, learned on a calibration part" if temperature else "uncalibrated"
    return f"{error}Its probabilities are those of the softmax, {learned}."


def copy_pictures(run: Run, into: Path) -> list[str]:
    """The plots of a run's evaluation that are in a card, and there."""
    found = [name for name in PICTURES if (run.folder / "evaluation" / "plots" / name).is_file()]
    for name in found:
        into.mkdir(exist_ok=True)
        shutil.copyfile(run.folder / "evaluation" / "plots" / name, into / name)
    return found
