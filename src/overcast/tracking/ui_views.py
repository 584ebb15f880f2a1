"""Where to look in the MLflow UI: direct links, and saved views of a study, grouped by mitigation and trial by trial.

A saved view is an undocumented tag of the experiment; the browser test guards them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from overcast.config.schema import TrackingConfig
from overcast.core.words import translate
from overcast.tracking.store import RunInfo, TrackingStore

BASE = "http://127.0.0.1:5000"
"""Where `make ui` serves."""

COMPARED = 20
"""Runs that the compare link opens with: more make the page slow."""

LOADED = 100
"""Runs that MLflow's list begins with."""

MACHINE_LEARNING = "workflowType=machine_learning"
"""Without it a browser that is new to MLflow 3 shows its pages for language models."""

BETTER = {False: "means: lower is better", True: "means: higher is better"}
"""The sections that the chart view opens with, by whether the outcomes in them are better when larger. MLflow draws no
spread in bars, and shows no title of a chart but its metric's name."""

CURVES = {"epoch by epoch, from lowest to highest run": ["validation/accuracy", "validation/nll", "train/nll"]}
"""The section after them: lines of means, in bands."""

TRIALS = "a line a trial"
"""The one section of the view of trials."""

LINES = {
    "type": "LINE", "xAxisKey": "step", "useGlobalXaxisKey": True, "useGlobalLineSmoothing": True, "lineSmoothness": 0,
    "scaleType": "linear", "xAxisScaleType": "linear", "yAxisKey": "metric", "range": {},
}  # fmt: skip

FOLDED = ("test", "gap", "validation", "train", "validation_gap", "best", "final", "class", "baseline", "cost")
"""Of all other metrics the chart view makes one section a prefix, folded, below these."""


def means_view(study_id: str, outcomes: Mapping[str, bool]) -> dict[str, Any]:
    """A saved view of this study's trials by mitigation: their means, and learning curves with bands.

    outcomes: the metrics that count, and whether they are better when larger.
    """
    charts = [_chart(BETTER[larger], metric, {"type": "BAR"}) for metric, larger in outcomes.items()]
    charts += [_chart(section, metric, LINES) for section, metrics in CURVES.items() for metric in metrics]
    grouped = [{"mode": "param", "groupByData": "mitigation"}]
    return _view(study_id, outcomes, ("model", "mitigation"), charts) | {
        "useGroupedValuesInCharts": True,
        "groupBy": {"aggregateFunction": "average", "groupByKeys": grouped},
        "groupsExpanded": {},
    }


def trials_view(study_id: str, outcomes: Mapping[str, bool]) -> dict[str, Any]:
    """A saved view of this study's trials one by one: how far the outcomes of a mitigation spread."""
    params = ("fold", "seed", "mitigation")
    lines = {"type": "PARALLEL", "selectedParams": [*params], "selectedMetrics": [*outcomes], "showAllRuns": True}
    return _view(study_id, outcomes, ("model", *params, "strengths"), [_chart(TRIALS, "trials", lines)])


def _view(
    study_id: str, outcomes: Mapping[str, bool], params: Sequence[str], charts: list[dict[str, Any]]
) -> dict[str, Any]:
    """All shown, the first folds first; in the chart view the charts' own sections open.

    MLflow averages what it has loaded, at first `LOADED` trials: of the first folds each cell has as many. Ordered by
    their start, its list would have the study's own run, too.
    """
    return {
        "searchFilter": f"tags.study = '{study_id}' and tags.role = 'trial'",
        "orderByKey": "params.`fold`",
        "orderByAsc": True,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": [
            *(f"params.`{name}`" for name in params),
            *(f"metrics.`{name}`" for name in (*outcomes, "cost/seconds")),
        ],
        "runsHiddenMode": "SHOWALL",
        "hideEmptyCharts": True,
        "compareRunCharts": charts,
        "compareRunSections": [
            *(_section(name, True) for name in dict.fromkeys(chart["metricSectionId"] for chart in charts)),
            *(_section(name, False) for name in FOLDED),
        ],
        "isAccordionReordered": True,  # keep the sections in this order
    }


def _section(name: str, shown: bool) -> dict[str, Any]:
    size = {"columns": 1, "cardHeight": 500} if name == TRIALS else {}
    return {"uuid": name, "name": name, "display": shown, "isReordered": shown, **size}


def _chart(section: str, metric: str, kind: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "uuid": metric,
        "metricSectionId": section,
        "metricKey": metric,
        "displayName": metric,
        "deleted": False,
        "isGenerated": False,
        **kind,
    }


def links(
    store: TrackingStore,
    study_id: str,
    parent: str,
    outcomes: Mapping[str, bool],
    trials: list[RunInfo] | None = None,
) -> str:
    """Save the views, and give the links as lines of text.

    outcomes: as for `means_view`. trials: those of the study, where they are known.
    """
    key = f"overcast-{study_id}"
    for name, view in {key: means_view, f"{key}-trials": trials_view}.items():
        store.tag_experiment(f"mlflow.sharedViewState.{name}", json.dumps(view(study_id, outcomes)))
    base = store.uri.rstrip("/") if store.uri.startswith("http") else BASE
    experiment = f"{base}/#/experiments/{store.experiment}"
    shared, chart = f"{experiment}/runs?{MACHINE_LEARNING}&viewStateShareKey={key}", "&compareRunsMode=CHART"
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
        translate("charts"): f"{shared}{chart}",
        translate("trial by trial"): f"{shared}-trials{chart}",
        translate("compare page"): f"{base}/#/compare-runs?{compare}&{MACHINE_LEARNING}",
        translate("the study"): f"{experiment}/runs/{parent}?{MACHINE_LEARNING}",
    }
    lines = [f"  {name:<18}   {address}" for name, address in pages.items()]
    if len(trials) > LOADED:
        lines.append(
            translate(
                "  MLflow lists, draws and averages the first {loaded} of the {many} trials until more are loaded.",
                loaded=LOADED,
                many=len(trials),
            )
        )
    return "\n".join([translate("In MLflow ({where}):", where=where), *lines])


def compared(found: list[RunInfo]) -> list[RunInfo]:
    """The first repeats of every cell, in the order they were started, as many as the compare page bears."""
    started = list(reversed(found))
    return sorted(started, key=lambda run: [int(run.params.get(key, 0)) for key in ("seed", "fold")])[:COMPARED]
