"""gc: remove weights that no report, registered model or run needs any more; first only say which they are.

Figures, predictions, learning curves and configs are kept: a study compares the same without its weights.

python pipelines/gc.py
python pipelines/gc.py study=mitigations older_than=30d delete=true
"""

from collections.abc import Sequence
from dataclasses import dataclass

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.script import plain_script
from overcast.core.collection import collection_paused
from overcast.core.console import show


@dataclass
class Arguments:
    """delete: true removes what without it is only listed.

    study: a study's or search's name, id or parent run: only of its trials. older_than: only of runs that began so long
    ago, such as 30d. by_hand: true takes runs outside of studies, too. language: of what is said, en or ko (Korean).
    tracking…: as for train, such as tracking.experiment=mine.
    """

    delete: bool = False
    study: str = ""
    older_than: str = ""
    by_hand: bool = False
    language: str = "en"
    tracking: Sequence[str] = ()


@plain_script
def main(arguments: Arguments) -> None:
    with collection_paused():
        from overcast.retention.collect import collect

    a = arguments
    show(collect(a.study, a.older_than, a.by_hand, a.delete, a.tracking, a.language))


if __name__ == "__main__":
    main()
