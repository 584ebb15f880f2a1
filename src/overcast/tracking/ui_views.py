"""Where to look in the MLflow UI: direct links, and a saved view that groups a study by mitigation.

The view is an undocumented tag of the experiment; the browser test guards it.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from overcast.config.schema import TrackingConfig
from overcast.core.words import translate
from overcast.tracking.store import RunInfo, TrackingStore

BASE = "http://127.0.0.1:5000"
"""Where `make ui` serves."""

COMPARED = 20
"""Runs that the compare link opens with: more make the page slow."""

MACHINE_LEARNING = "workflowType=machine_learning"
"""Without it a browser that is new to MLflow 3 shows its pages for language models."""

CHARTS = {
    "what counts": ["test/accuracy", "test/nll", "gap/accuracy"],
    "epoch by epoch": ["validation/accuracy", "validation/nll", "train/nll"],
}
"""What the chart view opens with; it folds all other metrics into one section a prefix, below these."""

FOLDED = ("test", "gap", "validation", "train", "validation_gap", "best", "final", "class", "baseline", "cost")


def view(study_id: str) -> dict[str, Any]:
    """The saved view: this study's trials, best test accuracy first, grouped by mitigation, all shown."""
    return {
        "searchFilter": f"tags.study = '{study_id}' and tags.role = 'trial'",
        "orderByKey": "metrics.`test/accuracy`",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": [
            "params.`model`",
            "params.`mitigation`",
            "metrics.`test/accuracy`",
            "metrics.`gap/accuracy`",
            "metrics.`cost/seconds`",
        ],
        "runsHiddenMode": "SHOWALL",
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": {"aggregateFunction": "average", "groupByKeys": [{"mode": "param", "groupByData": "mitigation"}]},
        "groupsExpanded": {},
        "compareRunCharts": [_chart(section, metric) for section, metrics in CHARTS.items() for metric in metrics],
        "compareRunSections": [
            *({"uuid": name, "name": name, "display": True, "isReordered": True} for name in CHARTS),
            *({"uuid": name, "name": name, "display": False, "isReordered": False} for name in FOLDED),
        ],
        "isAccordionReordered": True,  # keep the sections in this order
    }


def _chart(section: str, metric: str) -> dict[str, Any]:
    """Bars of the last value, or lines over the epochs with a band over the repeats."""
    lines = {"type": "LINE", "xAxisKey": "step", "useGlobalXaxisKey": True, "useGlobalLineSmoothing": True}
    lines |= {"lineSmoothness": 0, "scaleType": "linear", "xAxisScaleType": "linear", "yAxisKey": "metric", "range": {}}
    return {
        "uuid": metric,
        "metricSectionId": section,
        "metricKey": metric,
        "displayName": metric,
        "deleted": False,
        "isGenerated": False,
        **({"type": "BAR"} if section == "what counts" else lines),
    }


def links(store: TrackingStore, study_id: str, parent: str, trials: list[RunInfo] | None = None) -> str:
    """Save the view, and give the links as lines of text. trials: those of the study, where they are known."""
    key = f"overcast-{study_id}"
    store.tag_experiment(f"mlflow.sharedViewState.{key}", json.dumps(view(study_id)))
    base = store.uri.rstrip("/") if store.uri.startswith("http") else BASE
    experiment = f"{base}/#/experiments/{store.experiment}"
    shared = f"{experiment}/runs?viewStateShareKey={key}&{MACHINE_LEARNING}"
    trials = store.search(study=study_id, role="trial") if trials is None else trials
    ids = [run.id for run in compared([run for run in trials if run.status == "FINISHED"])]
    compare = f"runs={quote(json.dumps(ids))}&experiments={quote(json.dumps([store.experiment]))}"
    local = "`make ui`" if store.uri == TrackingConfig().uri else f"`mlflow ui --backend-store-uri {store.uri}`"
    if store.uri.startswith("sqlite"):
        where = translate("{command}, then", command=local)
    else:
        where = translate("the UI of {address}", address=store.uri)
    pages = {
        translate("runs by mitigation"): shared,
        translate("charts"): f"{shared}&compareRunsMode=CHART",
        translate("compare page"): f"{base}/#/compare-runs?{compare}&{MACHINE_LEARNING}",
        translate("the study"): f"{experiment}/runs/{parent}?{MACHINE_LEARNING}",
    }
    lines = [f"  {name:<18}   {address}" for name, address in pages.items()]
    return "\n".join([translate("In MLflow ({where}):", where=where), *lines])


def compared(found: list[RunInfo]) -> list[RunInfo]:
    """The first repeats of every cell, in the order they were started, as many as the compare page bears."""
    started = list(reversed(found))
    return sorted(started, key=lambda run: [int(run.params.get(key, 0)) for key in ("seed", "fold")])[:COMPARED]
