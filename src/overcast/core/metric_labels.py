"""What people call each metric, in a terminal, in a figure and on a page; the names are those in ``metrics.json``."""

METRIC_LABELS = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "nll": "negative log-likelihood",
    "brier": "Brier score",
    "ece": "calibration error",
}
