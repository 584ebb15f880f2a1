"""The metrics there are, a file each in ``conf/metric``: the class that measures, and how its values are read.

A metric of your own is such a file and nothing else, ``conf/metric/auroc.yaml``::

    _target_: torchmetrics.classification.MulticlassAUROC
    average: macro

Its name is that of the file; the number of classes is the data's. Beside the class's own numbers it may say ``label``
(else the name), ``higher_is_better`` and ``range`` (else those of the class), and ``margin``, within which a difference
is none (else `MARGIN` where the range is 0 to 1; of others there is no default).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from overcast.config.options import Option, checked_value, is_own
from overcast.core.errors import UserError
from overcast.core.paths import ROOT
from overcast.core.yaml_file import read_yaml

NEEDED = ("nll", "accuracy")
"""What every epoch shows, and the gap is of."""

SHARE = (0.0, 1.0)
MARGIN = 0.03
"""Three points of what is a share."""

SAID = {
    "label": str,
    "higher_is_better": bool,
    "range": tuple[float | None, float | None],
    "margin": Annotated[float, Field(gt=0)],
}
"""What a file may say of its metric beside the class's own numbers."""

TAKEN = ("shift_accuracy",)
"""What is measured otherwise, and by this name."""


@dataclass(frozen=True)
class MetricOption:
    """One metric. option: its class and that class's numbers. label: what people call it.

    range: what its values can be; shares, from 0 to 1, are shown in percent. margin: differences within ± this are
    equivalent.
    """

    option: Option
    label: str
    higher_is_better: bool
    range: tuple[float, float]
    margin: float


def metric_options() -> dict[str, MetricOption]:
    """Every metric by its name: `NEEDED` first, then by the alphabet.

    Raises: UserError naming the file that is wrong, or the one that is missing.
    """
    paths = {path.stem: path for path in (ROOT / "conf" / "metric").glob("*.yaml")}
    if missing := [name for name in NEEDED if name not in paths]:
        raise UserError(f"conf/metric/{missing[0]}.yaml is missing: every run is measured by {' and '.join(NEEDED)}")
    names = [*NEEDED, *sorted(paths.keys() - set(NEEDED))]
    options = {}
    for name in names:
        options[name] = _metric_option(name, read_yaml(paths[name]))
    return options


def _metric_option(name: str, node: Any) -> MetricOption:
    file = f"conf/metric/{name}.yaml"
    if not name.isidentifier() or name in TAKEN or name.startswith("gap_") or name.endswith(("_low", "_high")):
        raise UserError(f"{file}: a metric cannot be called {name}: choose a plain word, such as auroc")
    if not isinstance(node, Mapping) or not is_own("metric", str(node.get("_target_", ""))):
        target = node.get("_target_") if isinstance(node, Mapping) else None
        raise UserError(
            f"{file}: _target_: {target} is no metric of torchmetrics, such as "
            "torchmetrics.classification.MulticlassAUROC"
        )
    said: dict[str, Any] = {
        key: checked_value(f"{file}: {key}", node[key], kind) for key, kind in SAID.items() if key in node
    }
    option = Option.from_dict({key: value for key, value in node.items() if key not in SAID}, name)
    if not {"higher_is_better", "range"} <= said.keys():  # importing torchmetrics takes seconds
        measuring = option.target_class("metric")
        plotted = [getattr(measuring, f"plot_{end}_bound", None) for end in ("lower", "upper")]
        said = {"higher_is_better": getattr(measuring, "higher_is_better", None), "range": plotted} | said
    if said["higher_is_better"] is None:
        raise UserError(f"{file}: higher_is_better is not known of {option.target}: say true or false")
    low, high = said["range"]
    limits: tuple[float, float] = (-math.inf if low is None else low, math.inf if high is None else high)
    margin = said.get("margin", MARGIN if limits == SHARE else None)
    if margin is None:
        raise UserError(f"{file}: margin is needed, within which a difference is none: its range is not 0 to 1")
    return MetricOption(option, said.get("label", name.replace("_", " ")), said["higher_is_better"], limits, margin)
