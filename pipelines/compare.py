"""compare: one study's runs in one table and one page, with intervals and tests.

python pipelines/compare.py study=mitigations
"""

from collections.abc import Sequence
from dataclasses import dataclass

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.script import plain_script
from overcast.core.collection import collection_paused
from overcast.core.console import show


@dataclass
class Arguments:
    """study: a study's name, id or parent run, instead of the latest. out: a folder, instead of reports/<study>.

    archive: a study's archive, as export.py writes it, instead. predictions: of a model trained elsewhere, which joins
    the comparison: a csv file (or a folder of them) with file, label or a probability a class, and fold if needed.
    language: of all that is written for people, en or ko (Korean). tracking…: as for train, such as
    tracking.experiment=mine.
    """

    study: str = ""
    out: str = ""
    archive: str = ""
    predictions: str = ""
    language: str = "en"
    tracking: Sequence[str] = ()


@plain_script
def main(arguments: Arguments) -> None:
    with collection_paused():
        from overcast.claims import judge_claim
        from overcast.comparison.compare import compare
        from overcast.tracking.unrecorded import refuse

    a = arguments
    comparison = compare(a.study, a.out, a.tracking, judge_claim, a.archive, a.predictions, a.language)
    show(comparison.text)
    refuse(comparison.refused, f"The report is whole: {comparison.report}")


if __name__ == "__main__":
    main()
