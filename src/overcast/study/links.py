"""Where to look in the MLflow UI: direct links, and a saved view that groups a study by mitigation.

The view is an undocumented tag of the experiment; the browser test guards it.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from overcast.tracking import Store

BASE = "http://127.0.0.1:5000"
"""Where `make ui` serves."""

COMPARED = 20
"""Runs that the compare link opens with: more make the page slow."""


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
    }


def links(store: Store, study_id: str, parent: str) -> str:
    """Save the view, and give the links as lines of text."""
    key = f"overcast-{study_id}"
    store.tag_experiment(f"mlflow.sharedViewState.{key}", json.dumps(view(study_id)))
    experiment = f"{BASE}/#/experiments/{store.experiment}"
    shared = f"{experiment}/runs?viewStateShareKey={key}&workflowType=machine_learning"
    ids = [run.id for run in store.search(study=study_id, role="trial", status="FINISHED", limit=COMPARED)]
    compare = f"runs={quote(json.dumps(ids))}&experiments={quote(json.dumps([store.experiment]))}"
    where = "`make ui`, then" if store.uri.startswith("sqlite") else f"the UI of {store.uri}, then"
    return "\n".join(
        [
            f"In MLflow ({where}):",
            f"  runs by mitigation   {shared}",
            f"  charts               {shared}&compareRunsMode=CHART",
            f"  compare page         {BASE}/#/compare-runs?{compare}",
            f"  the study            {experiment}/runs/{parent}",
        ]
    )
