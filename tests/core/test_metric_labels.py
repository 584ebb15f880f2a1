"""Whatever is measured has a name for people."""

from overcast.core.metric_labels import METRIC_LABELS
from overcast.training.metrics import metric_collection


def test_every_metric_has_a_label() -> None:
    assert set(METRIC_LABELS) == set(metric_collection(3))
