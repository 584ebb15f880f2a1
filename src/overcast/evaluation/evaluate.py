"""Evaluate one run from its folder alone: figures, pictures and predictions, also into its MLflow run."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch

from overcast.core.atomic import whole_folder
from overcast.core.console import warn
from overcast.core.csv_rows import write_rows
from overcast.core.devices import measuring_device
from overcast.core.errors import DivergedError, UnreachableError, UserError
from overcast.data import build_dataset
from overcast.evaluation import plots
from overcast.evaluation.baselines import cached_baselines
from overcast.evaluation.bootstrap import intervals
from overcast.evaluation.calibration import calibration_figures, write_doubt
from overcast.evaluation.classes import confusion_counts, most_frequent, write_classes, write_confusion
from overcast.evaluation.flip import flip_figures
from overcast.evaluation.shift import ShiftAccuracy, shift_accuracy
from overcast.prediction.calibration import load_calibration
from overcast.prediction.ensemble import refuse_unflippable
from overcast.prediction.predictor import softmax
from overcast.prediction.trained_network import TrainedNetwork, data_folder, open_run_pack, restore
from overcast.prepare.folds import merge_groups
from overcast.prepare.pack import Pack
from overcast.tracking.checksums import write_evaluation_hashes
from overcast.tracking.delivery import deliver_all
from overcast.tracking.late_record import kept_recorder, reopen_store
from overcast.tracking.metadata import recorded_params, run_tags
from overcast.tracking.outbox import find_outboxes, portable_uri
from overcast.tracking.run import Epoch, RunRecorder, name_part
from overcast.tracking.run_folder import Run
from overcast.tracking.store import TrackingStore
from overcast.training.batch_loader import BatchLoader, evaluation_batch, measured_rows
from overcast.training.feature_cache import restore_for_measuring
from overcast.training.metrics import gap, measure_metrics, per_class
from overcast.training.recording import record_outcome

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Measured:
    """One part of the data: its rows of the pack (N,), logits (N, K), class indices (N,), and the figures.

    notes: why a figure that is NaN could not be computed, by its name.
    """

    rows: np.ndarray
    logits: torch.Tensor
    target: torch.Tensor
    figures: dict[str, float]
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def probabilities(self) -> np.ndarray:
        """(N, K) in double precision."""
        probabilities: np.ndarray = self.logits.double().softmax(-1).numpy()
        return probabilities


def evaluate(run: Run, pictures: bool = True, shift: bool = False, flip: bool = False) -> dict[str, Any]:
    """Write ``evaluation/`` in the run's folder, log it to the run's record, and give the metrics.

    pictures: draw plots. shift: measure accuracy under shift too, as is done where the run's study judges it.
    flip: measure answers averaged over each picture and its mirror image too.

    Raises: UserError if the data is not the one the run was trained on, or cannot be measured so; RemovedError if its
    weights were removed; DivergedError if the training diverged.
    """
    run.refuse_removed()
    config = run.config
    if not (run.parts == "validation").any():
        raise UserError(
            f"the run in {run.folder} was trained on train + validation, and has no validation part to be measured on: "
            "its figures are those of the study that it comes from"
        )
    pack = open_run_pack(run)
    if flip:
        refuse_unflippable(config.data.name, pack.spec)
    device = measuring_device(config.trainer)
    trained, measured_pack = restore_for_measuring(run, pack)
    trained.to(device)
    rows = {part: measured_rows(config, pack, np.flatnonzero(run.parts == part)) for part in PARTS}
    measured = {part: measure(trained, measured_pack, rows[part]) for part in PARTS}
    shifted = None
    shift = shift or "shift_accuracy" in config.study.outcomes
    # features that were computed once are those of the pack's own pictures
    network = restore(run).to(device) if (shift or flip) and measured_pack is not pack else trained
    if shift:
        dataset = build_dataset(config.data) if pack.info["synthetic"] else None
        shifted = shift_accuracy(network, pack, rows["test"], dataset)
    groups = sample_groups(pack, rows["test"])
    calibration = load_calibration(run)
    metrics = _summary(pack, measured, cached_baselines(pack, run.parts, data_folder(config)), shifted, groups)
    test = measured["test"]
    target = test.target.numpy()
    if calibration:
        metrics["calibration"] = calibration_figures(test.logits.double().numpy(), target, groups, calibration)
    if flip:
        metrics["flip"] = flip_figures(network, pack, rows["test"], test.logits, groups)
    with whole_folder(run.folder / "evaluation") as folder:
        _write(folder, pack, test, groups, metrics)
        sources, classes = pack.index["group"][rows["test"]], pack.spec.classes
        curves = write_doubt(folder, test.probabilities, target, sources, classes, calibration)
        if pictures:
            _draw(folder / "plots", run, pack, test, curves)
        write_evaluation_hashes(folder, run.facts.get("weights", ""))
        record = open_recorder(run)  # before the folder has its name: what is found there is in the record too
        record.metrics(flatten_metrics(metrics))
    record.artifact(run.folder / "evaluation", "evaluation")
    run.note_refused(record.refused)
    return metrics


def measure(trained: TrainedNetwork, pack: Pack, rows: np.ndarray) -> Measured:
    """Logits and figures of these rows, in eval mode, on the network's device, by the routine used while training.

    Raises: DivergedError if the network answers with what is no finite number.
    """
    batches = BatchLoader(pack, rows, evaluation_batch(pack.spec))
    target, start = torch.from_numpy(pack.labels[rows]), 0
    with torch.inference_mode():
        for x, _, length in batches:
            answer = trained.answer(x, length)
            if not start:  # kept apart, thousands of small answers would split up the memory between the large batches
                logits = answer.new_empty((len(rows), *answer.shape[1:]))
            logits[start : start + len(x)] = answer
            start += len(x)
    if not logits.isfinite().all():
        raise DivergedError(
            f"the network has no finite answer to {int((~logits.isfinite().all(1)).sum())} of {len(logits)} samples: "
            "its training diverged. Train again with a lower lr"
        )
    return Measured(rows, logits, target, *measure_metrics(logits, target))


def _summary(
    pack: Pack,
    measured: dict[str, Measured],
    baselines: dict[str, float],
    shifted: ShiftAccuracy | None,
    groups: np.ndarray,
) -> dict[str, Any]:
    """What ``metrics.json`` holds: every figure by part, its interval on the test part, and what to compare with.

    A figure that could not be computed is None, and ``notes`` says why.
    """
    test = measured["test"]
    figures = {part: {name: _or_none(value) for name, value in m.figures.items()} for part, m in measured.items()}
    notes = [f"{part} {name}: {note}" for part, m in measured.items() for name, note in m.notes.items()]
    means = {"shift_accuracy": shifted.of_rows} if shifted else {}
    bounds = intervals(test.probabilities, test.target.numpy(), groups=groups, means=means)
    figures["test"] |= {"shift_accuracy": shifted.mean} if shifted else {}
    bounds = {name: ends for name, ends in bounds.items() if name in figures["test"]}
    classes = per_class(test.logits, test.target)
    told = most_frequent(pack.labels, len(pack.spec.classes))
    return {
        **{part: values for part, values in figures.items() if part != "test"},
        "test": figures["test"]
        | {f"{name}_low": low for name, (low, _) in bounds.items()}
        | {f"{name}_high": high for name, (_, high) in bounds.items()},
        "gap": gap(measured["train"].figures, test.figures),
        "baseline": baselines,
        "class": {
            name: {kind: float(values[i]) for kind, values in classes.items()}
            for i, name in enumerate(pack.spec.classes)
            if i in told and (test.target == i).any()  # cut by time, the test part may lack a rare class
        },
        **({"shift": shifted.kinds} if shifted else {}),
        **({"notes": notes} if notes else {}),
    }


def _or_none(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else value


def sample_groups(pack: Pack, rows: np.ndarray) -> np.ndarray:
    """The group (N,) of each of these rows: near-duplicates and samples of one source count as one."""
    groups: np.ndarray = merge_groups(pack.index["group"], pack.index["duplicate"])[rows]
    return groups


def flatten_metrics(metrics: dict[str, Any]) -> dict[str, float]:
    """MLflow's names: ``test/accuracy``, ``gap/nll``, ``class/foggy_recall``, ``final/train_accuracy``.

    What could not be computed is left out.
    """
    groups = ("test", "gap", "baseline", "shift", "calibration", "flip")
    flattened = {f"{group}/{n}": v for group in groups for n, v in metrics.get(group, {}).items()}
    flattened |= {f"final/{part}_{n}": v for part in ("train", "validation") for n, v in metrics[part].items()}
    flattened |= {f"class/{name_part(c)}_{n}": v for c, figures in metrics["class"].items() for n, v in figures.items()}
    return {name: value for name, value in flattened.items() if value is not None}


def _write(folder: Path, pack: Pack, test: Measured, groups: np.ndarray, metrics: dict[str, Any]) -> None:
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf8")
    probabilities, target, classes = test.probabilities, test.target.numpy(), pack.spec.classes
    with (folder / "predictions.csv").open("w", encoding="utf8", errors="surrogateescape", newline="") as file:
        rows = (
            (row, group, pack.index["file"][row], classes[y], classes[p.argmax()], *(f"{value:.6g}" for value in p))
            for row, group, p, y in zip(test.rows, groups, probabilities, target, strict=True)
        )
        write_rows(file, chain([("row", "group", "file", "label", "predicted", *classes)], rows))
    counts = confusion_counts(target, probabilities.argmax(1), len(classes))
    write_confusion(folder / "confusion.csv", classes, counts)
    write_classes(folder / "classes.csv", classes, counts.sum(1), per_class(test.logits, test.target))


def _draw(pictures: Path, run: Run, pack: Pack, test: Measured, curves: dict[str, np.ndarray]) -> None:
    pictures.mkdir()
    probabilities, target, classes = test.probabilities, test.target.numpy(), pack.spec.classes
    counts = confusion_counts(target, probabilities.argmax(1), len(classes))
    plots.confusion(pictures / "confusion.png", classes, counts)
    temperature = run.facts.get("temperature", 1.0)
    before = softmax(test.logits.double().numpy() * temperature) if temperature != 1 else None
    plots.reliability(pictures / "reliability.png", probabilities, target, before)
    plots.risk_coverage(pictures / "risk_coverage.png", curves)
    plots.curves(pictures / "curves.png", run.history)
    if pack.spec.kind != "tokens":
        plots.mistakes(pictures / "mistakes.png", pack, test.rows, probabilities, target)


def open_recorder(run: Run) -> RunRecorder:
    """The run's MLflow run; recorded anew, tagged as restored, where this store has never seen these weights.

    What the run could not send before is sent first. Where the store does not answer, all is kept for later.

    Raises: UnreachableError in that case if the run was never recorded in it.
    """
    config = run.config
    try:
        store = reopen_store(config.tracking)
        if store is None:
            return RunRecorder()
        deliveries = deliver_all(store.client, store.uri, find_outboxes(run.folder))
        facts = Run(run.folder).facts  # as it is now
        found = facts["id"] and store.find(facts["id"])
        here = {"folder": str(run.folder.absolute())}
        record = store.recorder(facts["id"], here) if found else _recorded_anew(store, run)
        record.refuse([line for delivery in deliveries for line in delivery.refused])
        return record
    except UnreachableError:
        if not (kept := kept_recorder(run)):
            raise
        warn("MLflow does not answer: this evaluation is recorded later")
        return kept


def _recorded_anew(store: TrackingStore, run: Run) -> RunRecorder:
    config, facts, folder = run.config, run.facts, {"folder": str(run.folder.absolute())}
    for recorded in store.search(weights=facts["weights"], limit=1) if "weights" in facts else []:
        run.write_record(id=recorded.id, store=portable_uri(store.uri))
        return store.recorder(recorded.id, folder)
    restored = run_tags(config, facts, run.folder, None) | {"restored": "true"}
    record = store.create(facts["name"], restored)
    run.write_record(id=record.id, store=portable_uri(store.uri))
    record.params(recorded_params(config))
    history = run.history
    names = [name for name in history if name != "epoch"]
    record.epochs(
        [
            Epoch(int(epoch), {name: float(history[name][i]) for name in names}, time.time())
            for i, epoch in enumerate(history["epoch"])
        ]
    )
    record_outcome(record, run)
    record.end("FINISHED")
    return record
