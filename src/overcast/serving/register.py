"""Register a run, or a study's winner trained again, in MLflow: exported, described, and made champion if not worse."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from overcast.config.metric_options import metric_options
from overcast.core.errors import UserError
from overcast.core.spec import Spec
from overcast.prediction.trained_network import open_run_pack
from overcast.prepare.folds import TEST
from overcast.serving.champion import Comparison, compare_evidence
from overcast.serving.evidence import FILE, Evidence, measure_evidence, read_evidence
from overcast.serving.gates import Costs, beyond, measure_costs
from overcast.serving.model_card import Figure, copy_pictures, model_card
from overcast.serving.onnx_export import Parity, export_run
from overcast.serving.onnx_model import FORMAT, OnnxModel
from overcast.serving.package import save_model
from overcast.serving.prediction_log import as_json, model_identity
from overcast.serving.reference import FILE as REFERENCE
from overcast.serving.reference import measure_reference
from overcast.serving.registry import CHAMPION, Registry
from overcast.tracking.run_folder import Run


@dataclass(frozen=True)
class Candidate:
    """What is to be registered.

    run: the weights. figures: of the test part. measured: the runs whose validation parts speak for it. source: whose
    figures these are, for the card. tags: of the version, beside those that all have.
    """

    run: Run
    figures: Mapping[str, Figure]
    measured: Sequence[Run]
    source: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Registered:
    """version: its number. champion: whether it became it. reasons: why not. text: all that is to be told."""

    version: str
    champion: bool
    reasons: Sequence[str]
    text: str


def register(candidate: Candidate, registry: Registry, limits: Mapping[str, float]) -> Registered:
    """Export, measure and register it; the alias moves if it is not worse than the champion and within ``limits``.

    Raises: UserError as `export_run` does, if its run is in no MLflow run of this store, or the champion has been
    measured on other data; nothing is registered then.
    """
    run = candidate.run
    if not registry.store.find(run.facts["id"]):
        raise UserError(
            f"the run in {run.folder} is not recorded in {registry.store.uri}: evaluate it there first "
            f"(python pipelines/evaluate.py run={run.folder})"
        )
    evidence, champion = measure_evidence(candidate.measured), registry.champion()
    comparison = _compare(evidence, candidate, registry, champion) if champion else None
    with tempfile.TemporaryDirectory(prefix="overcast-") as folder:
        network, parity = export_run(run, str(Path(folder) / "model.onnx"))
        sample = example_sample(run)
        model = _logged_model(registry, candidate)
        place = Path(folder) / "model"
        save_model(place, network, sample, _metadata(candidate), model.of_mlflow)
        costs = measure_costs(place, as_json(sample))
        (place / FILE).write_text(evidence.to_csv(), encoding="utf8")
        reference = measure_reference(candidate.measured, model_identity(OnnxModel(network)))
        (place / REFERENCE).write_text(reference, encoding="utf8")
        card = _card(candidate, place, costs, parity)
        (place / "model_card.md").write_text(card, encoding="utf8")
        version = model.register(place, card, _tags(candidate, evidence, costs))
    reasons = beyond(costs, dict(limits))
    if champion and comparison and not comparison.not_worse:
        reasons.append(f"it is not shown to be no worse than the champion, version {champion.version}")
    if not reasons:
        registry.promote(version)
    lines = [f"registered: models:/{registry.name}/{version}", parity.text, costs.text]
    lines += [comparison.text] if comparison else []
    lines += [f"not {CHAMPION}: {reason}" for reason in reasons] or [f"{CHAMPION}: models:/{registry.name}@{CHAMPION}"]
    return Registered(version, not reasons, reasons, "\n".join(lines))


def _compare(evidence: Evidence, candidate: Candidate, registry: Registry, champion: Any) -> Comparison:
    """The candidate and the champion. Raises: UserError if they have been measured on other samples."""
    ours, theirs = candidate.tags["fingerprint"], champion.tags["fingerprint"]
    if ours != theirs:
        raise UserError(
            f"the champion of {registry.name} was measured on other data or another split (fingerprint {theirs[:16]}, "
            f"this one's is {ours[:16]}): evaluate both in one study, or register under another name=…"
        )
    old = read_evidence(registry.file(champion, FILE))
    networks = (candidate.run.config.model.name, champion.tags["network"])
    return compare_evidence(evidence, old, networks, metric_options()["nll"].margin)


@dataclass(frozen=True)
class _LoggedModel:
    """A model of MLflow's, made and not yet filled. of_mlflow: its Model, which names it."""

    registry: Registry
    logged: Any
    of_mlflow: Any
    run_id: str

    def register(self, place: Path, card: str, tags: Mapping[str, str]) -> str:
        """Fill it with the folder, and make a version of it; its number."""
        from mlflow.entities import LoggedModelOutput
        from mlflow.exceptions import MlflowException

        client, name = self.registry.client, self.registry.name
        client.log_model_artifacts(self.logged.model_id, str(place))
        client.finalize_logged_model(self.logged.model_id, "READY")
        client.log_outputs(self.run_id, [LoggedModelOutput(self.logged.model_id, 0)])
        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        made = client.create_model_version(
            name,
            self.logged.artifact_location,
            self.run_id,
            tags=dict(tags),
            description=card,
            model_id=self.logged.model_id,
        )
        return str(made.version)


def _logged_model(registry: Registry, candidate: Candidate) -> _LoggedModel:
    from mlflow.models import Model

    run_id = candidate.run.facts["id"]
    logged = registry.client.create_logged_model(
        registry.store.experiment, registry.name, run_id, tags=dict(candidate.tags), model_type="classifier"
    )
    named = Model(
        artifact_path=logged.artifact_location, model_uuid=logged.model_id, run_id=run_id, model_id=logged.model_id
    )
    return _LoggedModel(registry, logged, named, run_id)


def _metadata(candidate: Candidate) -> dict[str, Any]:
    figures = {name: [figure.value, figure.low, figure.high] for name, figure in candidate.figures.items()}
    return {"fingerprint": candidate.tags["fingerprint"], "test": figures}


def _tags(candidate: Candidate, evidence: Evidence, costs: Costs) -> dict[str, str]:
    """Of a version: format, data, network, where it comes from, what was measured."""
    figures = {f"test_{name}": figure.text for name, figure in candidate.figures.items()}
    about = {"format": str(FORMAT), "network": candidate.run.config.model.name, "data": candidate.run.config.data.name}
    measured = {"validation_nll": f"{evidence.mean:.5g}", "p95_ms": f"{costs.p95_ms:.3g}"}
    measured |= {"memory_mb": f"{costs.memory_mb:.0f}", "size_mb": f"{costs.size_mb:.2f}"}
    return {**candidate.tags, **about, **measured, **figures}


def _card(candidate: Candidate, place: Path, costs: Costs, parity: Parity) -> str:
    pictures = copy_pictures(candidate.measured[0], place / "card")
    return model_card(candidate.run, candidate.figures, candidate.source, costs.text, parity.text, pictures)


def example_sample(run: Run) -> Any:
    """A sample of the test part as a request has it: a PNG's bytes, a text, or steps by features."""
    pack, spec = open_run_pack(run), run.spec
    x, length = pack.gather(np.flatnonzero(run.parts == TEST)[:1])
    if spec.kind == "image":
        return _png(x[0])
    if spec.kind == "tokens":
        return " ".join(spec.decode(x[0][: length[0]]))
    return _unscaled(x[0][: length[0]], spec)


def _png(picture: np.ndarray) -> bytes:
    import io

    from PIL import Image

    plain, buffer = picture.transpose(1, 2, 0), io.BytesIO()
    Image.fromarray(plain[..., 0] if plain.shape[2] == 1 else plain).save(buffer, "png")
    return buffer.getvalue()


def _unscaled(steps: np.ndarray, spec: Spec) -> np.ndarray:
    """Steps (T, F) in the units of whoever has such data: a pack's are scaled."""
    return steps * np.array(spec.scale) + np.array(spec.offset) if spec.offset else steps
