"""export: one study as one file, from which another machine makes the same report: no training, no data, no weights.

python pipelines/export.py study=mitigations out=mitigations.zip && python pipelines/compare.py archive=mitigations.zip
"""

from collections.abc import Sequence
from dataclasses import dataclass

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.script import plain_script


@dataclass
class Arguments:
    """study: a study's name, id or parent run, instead of the latest. out: a file, instead of reports/<study>.zip.

    tracking…: as for train, such as tracking.experiment=mine.
    """

    study: str = ""
    out: str = ""
    tracking: Sequence[str] = ()


@plain_script
def main(arguments: Arguments) -> None:
    from overcast.comparison.archive import archive_study

    print(f"archive: {archive_study(arguments.study, arguments.out, arguments.tracking)}")


if __name__ == "__main__":
    main()
