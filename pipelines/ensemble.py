"""ensemble: what the seeds of a fold are worth as one model, and what they cost, of a study or of runs.

python pipelines/ensemble.py study=repeats
python pipelines/ensemble.py runs=runs/a,runs/b
"""

from collections.abc import Sequence
from dataclasses import dataclass

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.script import plain_script
from overcast.core.console import show


@dataclass
class Arguments:
    """study: a study's name, id or parent run, instead of the latest. runs: folders or ids with commas, instead.

    out: a csv file, instead of reports/ensembles-<study>.csv. language: of what is printed, en or ko (Korean).
    tracking…: as for train.
    """

    study: str = ""
    runs: str = ""
    out: str = ""
    language: str = "en"
    tracking: Sequence[str] = ()


@plain_script
def main(arguments: Arguments) -> None:
    from overcast.comparison.seed_ensembles import measure_ensembles

    a = arguments
    show(measure_ensembles(a.study, a.runs, a.out, a.tracking, a.language))


if __name__ == "__main__":
    main()
