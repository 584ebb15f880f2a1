"""evaluate: measure a trained run on its train, validation and test part, from its folder alone.

python pipelines/evaluate.py run=runs/repro
"""

from collections.abc import Sequence
from dataclasses import dataclass

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.script import plain_script
from overcast.core.console import show


@dataclass
class Arguments:
    """run: a run's folder, an MLflow run id, or "latest". tracking…: as for train, if not as the run was recorded.

    shift: also on test pictures with noise, blur, fog and other light, which takes several times as long.
    flip: also with the mean of the answers to each test picture and its mirror image.
    """

    run: str = "latest"
    shift: bool = False
    flip: bool = False
    tracking: Sequence[str] = ()


@plain_script
def main(arguments: Arguments) -> None:
    from overcast.evaluation.evaluate import evaluate
    from overcast.evaluation.summary import table
    from overcast.tracking.find_run import find_run
    from overcast.tracking.unrecorded import tell_unrecorded

    run = find_run(arguments.run, tracking=arguments.tracking)
    show(table(run, evaluate(run, shift=arguments.shift, flip=arguments.flip)))
    tell_unrecorded(run)


if __name__ == "__main__":
    main()
