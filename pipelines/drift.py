"""drift: has what a served model is given changed since it was measured? Its prediction log against its reference.

Exit code 0: not drifted; 1: drifted; 3: undecided, since the log is too short.

python pipelines/drift.py log=predictions.jsonl model=models:/overcast-skies@champion
python pipelines/drift.py log=predictions.jsonl since=24h
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.script import plain_script
from overcast.core.console import show
from overcast.core.paths import project_path


@dataclass
class Arguments:
    """log: the file that OVERCAST_PREDICTION_LOG named where the model was served.

    model: whose validation part it is compared with: models:/name@champion or models:/name/3; or a run's folder, MLflow
    run id, or "latest". Without it the run that the log's latest line names.
    since, until: only lines from a time on, or before one: 2026-11-30, 2026-11-30T12:00 (UTC), or how long ago: 24h.
    distinct: true counts predictions of the very same values once. out: a folder, instead of reports/drift.
    language: of all that is written for people, en or ko (Korean). tracking…: as for train, where a model is looked up.
    """

    log: str
    model: str = ""
    since: str = ""
    until: str = ""
    distinct: bool = False
    out: str = ""
    language: str = "en"
    tracking: Sequence[str] = ()


@plain_script
def main(arguments: Arguments) -> None:
    from overcast.core.words import translate, use_language
    from overcast.html.writer import check_report_folder
    from overcast.serving.drift import EXIT_CODES, measure_drift
    from overcast.serving.drift_page import report_text, write_page

    a = arguments
    folder = Path(a.out) if a.out else project_path("reports/drift")
    check_report_folder(folder)
    with use_language(a.language):
        drift = measure_drift(a.log, a.model, a.tracking, a.since, a.until, a.distinct)
        show(report_text(drift))
        show(translate("report: {path}", path=write_page(drift, folder, a.log)))
    sys.exit(EXIT_CODES[drift.verdict])


if __name__ == "__main__":
    main()
