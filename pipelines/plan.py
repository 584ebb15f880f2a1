"""plan: how many seeds a fold a question takes, and what a time buys, from a study that was run as a pilot.

python pipelines/plan.py study=mitigations accuracy=0.02 hours=8
"""

from collections.abc import Sequence
from dataclasses import dataclass

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.script import plain_script
from overcast.core.console import show


@dataclass
class Arguments:
    """study: a study's name, id or parent run, instead of the latest. hours: what a time buys. jobs: runs at once.

    accuracy, nll, gap_nll: the difference to find in this outcome, as a fraction or in nats; without any, the margin of
    each judged outcome. tracking…: as for train.
    """

    study: str = ""
    accuracy: str = ""
    nll: str = ""
    gap_nll: str = ""
    hours: str = ""
    jobs: str = ""
    tracking: Sequence[str] = ()


@plain_script
def main(arguments: Arguments) -> None:
    from overcast.comparison.planning import plan_study

    asked = {name: getattr(arguments, name) for name in ("accuracy", "nll", "gap_nll") if getattr(arguments, name)}
    show(plan_study(arguments.study, asked, arguments.hours, arguments.jobs, arguments.tracking))


if __name__ == "__main__":
    main()
