"""compare: one study's runs in one table and one page, with intervals and tests.

python pipelines/compare.py study=mitigations
"""

from collections.abc import Sequence
from dataclasses import dataclass

from overcast.config.script import plain_script


@dataclass
class Arguments:
    """study: a study's name, id or parent run, instead of the latest. out: a folder, instead of reports/<study>.

    tracking…: as for train, such as tracking.experiment=mine.
    """

    study: str = ""
    out: str = ""
    tracking: Sequence[str] = ()


@plain_script
def main(arguments: Arguments) -> None:
    from overcast.claims import judge_claim
    from overcast.comparison.compare import compare

    print(compare(arguments.study, arguments.out, arguments.tracking, judge_claim).text)


if __name__ == "__main__":
    main()
