"""Look inside a trained run and write one page about it, into the run's MLflow run too."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from overcast.config import name_of
from overcast.errors import UserError
from overcast.evaluation.evaluate import record_of
from overcast.explain import attribution, filters, patches, sanity
from overcast.explain import maps as feature_maps
from overcast.explain.evidence import Ways, maps, plates
from overcast.explain.specimens import Specimen, of_files, of_test
from overcast.explain.stages import Stage, outputs, stages
from overcast.fit import build, pack_of, restore
from overcast.learner import Learner
from overcast.prepare.pack import Pack
from overcast.report import sheet
from overcast.report.sheet import Section, Words
from overcast.runs import Run

LIGHT = 30_000_000
"""Multiply-adds a sample, up to which a network is looked at closely: a minute on one slow core."""

ROWS = 400  # samples among which a unit's strongest responses are looked for
COARSEST = 4  # places a side that Grad-CAM needs to point at something
CHECKED = 4  # samples whose maps are compared with those of random weights


def explain(run: Run, files: str = "", out: str = "") -> Path:
    """Write ``out``, or else ``reports/explain/<run>/``, log it to the run's record, and give the page's path.

    files: a file, a folder or a glob to explain; "" for some of the test part.

    Raises: UserError if captum is missing, the data has changed since training, or no file can be read.
    """
    attribution.require()
    folder = Path(out or f"reports/explain/{_name(run)}")
    sheet.check_place(folder)
    learner, pack = restore(run), _pack(run)
    specimens = of_files(run, learner, files) if files else of_test(run, learner, pack)
    before, _ = build(run.config, run.spec)
    ways = _ways(run, learner, specimens[0])
    light = run.facts["multiply_adds"] <= LIGHT
    unseen = np.flatnonzero(np.isin(run.parts, ("validation", "test")))[: ROWS if light else ROWS // 4]
    sections = [
        _evidence(run, learner, specimens, ways),
        filters.section(before, learner.net, run.spec),
        feature_maps.section(learner, run.spec, specimens),
        patches.section(learner, pack, unseen, patches.PROBES if light else patches.PROBES // 4),
    ]
    page = sheet.write(folder, f"Inside {run.facts['name']}", _lead(run), sections, _facts(run))
    record_of(run).artifact(folder, "explain")
    return page


def _name(run: Run) -> str:
    """The run's folder; the id of one fetched from MLflow, whose folder is always called the same."""
    return str(run.facts["id"]) if run.folder.name == "run" and run.facts["id"] else run.folder.resolve().name


def _pack(run: Run) -> Pack:
    pack = pack_of(run.config)
    if pack.info["fingerprint"] != run.facts["pack"]:
        raise UserError(
            f"the data has changed since {run.folder} was trained: its pack has another fingerprint. "
            "Train again, or pack the data with the options it was trained with"
        )
    return pack


def _ways(run: Run, learner: Learner, specimen: Specimen) -> Ways:
    """Fewer positions and steps for a large network: the cost is bounded."""
    x, length = specimen.seen(learner)
    light = run.facts["multiply_adds"] <= LIGHT
    gradient = attribution.differentiable(learner.net, x, length)
    return Ways(15 if light else 7, 48 if light else 16, gradient, _for_cam(learner, x, length) if gradient else None)


def _for_cam(learner: Learner, x: Tensor, length: Tensor) -> Stage | None:
    """The last convolution over the picture whose output is not too coarse to point at a place."""
    found = [stage for stage in stages(learner.net, x, length) if isinstance(stage.layer, nn.Conv2d)]
    sides = [min(out.shape[2:]) for out in outputs(learner.net, x, length, found)]
    fine = [stage for stage, side in zip(found, sides, strict=True) if side >= COARSEST]
    return (fine or found or [None])[-1]


def _evidence(run: Run, learner: Learner, specimens: Sequence[Specimen], ways: Ways) -> Section:
    """What speaks for a class in each sample, and whether the maps would be others with random weights."""
    asked = [(specimen, target) for specimen in specimens for target in specimen.asked]
    random = sanity.shuffled(learner.net, run.config["seed"])
    parts: list[sheet.Plate | sheet.Words] = []
    agreed: dict[str, list[tuple[float, float]]] = {}
    misses: list[float] = []
    waits = 0.5 if sys.stderr.isatty() else 10
    for number, (specimen, target) in enumerate(tqdm(asked, "explain", unit="map", mininterval=waits, leave=False)):
        found = maps(learner.net, learner, specimen, target, ways)
        misses.append(found.miss)
        parts += plates(run.spec, specimen, target, found, f"evidence-{number + 1}.png")
        if number < CHECKED:
            other = maps(random, learner, specimen, target, ways)
            for name, values in found.found.items():
                both = (values, other.found[name])
                pair = (sanity.correlation(*both), sanity.correlation(*map(np.abs, both)))
                agreed.setdefault(name, []).append(pair)
    words = [Words(_sane(agreed))]
    if not ways.gradient:
        words.append(
            Words("Integrated gradients and Grad-CAM are left out: the network passes no gradient to its inputs.")
        )
    elif misses:
        words.append(Words(f"Integrated gradients add up to the difference of the logits to within {max(misses):.2g}."))
    return Section("What speaks for a class", HOW[run.spec.kind], [*words, *parts])


_COMMON = (
    "One sample a class that the network gets right and is neither very sure nor very unsure of, then its surest "
    "mistakes, each for the class it was taken for and for the true one; or the files given. Red speaks for the class, "
    "blue against it. "
)
HOW = {
    "image": _COMMON
    + "Occlusion: the probability lost when a grey square covers the place. Integrated gradients: what "
    "each pixel adds to the class's logit against a mean picture. Grad-CAM: where the last convolution of at least 4 places a side sees the class.",
    "sequence": _COMMON
    + "Occlusion: the probability lost when a moment, or a band for all the time, is set to the mean. "
    "Integrated gradients: what each value adds to the class's logit against a mean sequence.",
    "tokens": _COMMON + "Left out: the probability lost without the word. Integrated gradients (the colours of the "
    "sentence): what each word adds to the class's logit against no words. “?” is a word the data set does not have.",
}
NAMES = {
    "occlusion": "occlusion",
    "bands": "occlusion of bands",
    "gradients": "integrated gradients",
    "cam": "Grad-CAM",
}


def _sane(agreed: dict[str, list[tuple[float, float]]]) -> str:
    """One line: how much the maps agree with those of random weights."""
    told = [
        f"{NAMES[name]} ρ = {np.mean([s for s, _ in pairs]):.2f} (sizes alone: {np.mean([a for _, a in pairs]):.2f})"
        for name, pairs in agreed.items()
    ]
    said = (
        f"Sanity: with random weights in their place the maps correlate {'; '.join(told)}, the mean of "
        f"{len(next(iter(agreed.values())))} rank correlations. A map near 1 would show the sample, not what was learned."
    )
    return re.sub(r"-(?=\d)", "−", said.replace("-0.00", "0.00"))


def _lead(run: Run) -> str:
    kind = "synthetic " if run.facts["synthetic"] else ""
    data, model = (name_of(run.config[group]) for group in ("data", "model"))
    return f"What the {model} looks at in {kind}{data}, and what its layers have become."


def _facts(run: Run) -> dict[str, object]:
    facts = run.facts
    return {
        "run": str(run.folder), "id": facts["id"], "data": name_of(run.config["data"]),
        "weights": f"{facts['parameters']:,}", "epochs": facts["epochs_run"], "torch": torch.__version__,
    }  # fmt: skip
