"""sync: send to MLflow what runs and studies have kept in their folders while it did not answer.

python pipelines/sync.py
python pipelines/sync.py run=latest
"""

from collections.abc import Sequence
from dataclasses import dataclass

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.script import plain_script
from overcast.core.console import show


@dataclass
class Arguments:
    """run: the folder of one run or study, an MLflow run id, or "latest", instead of all below runs/.

    tracking…: as for train, where MLflow's server has another address than it had.
    """

    run: str = ""
    tracking: Sequence[str] = ()


@plain_script
def main(arguments: Arguments) -> None:
    from overcast.claims import judge_claim
    from overcast.comparison.sync import sync
    from overcast.core.errors import UnreachableError
    from overcast.tracking.unrecorded import refuse

    synced = sync(arguments.run, arguments.tracking, judge_claim)
    show("\n".join(["sent:", *synced.lines] if synced.lines else ["nothing was sent"]))
    if synced.left:
        raise UnreachableError("\n".join(["not sent, and kept for another time:", *synced.left]))
    refuse(synced.refused, "All else was sent.")


if __name__ == "__main__":
    main()
