"""predict: label new files with a trained run; a broken file is a row with its error, and the rest go on.

python pipelines/predict.py run=latest files=/pictures out=labels.csv
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.script import plain_script


@dataclass
class Arguments:
    """run: a run's folder, an MLflow run id, or "latest". files: a file, a folder or a glob. out: a csv file.

    tracking…: as for train, where an id is looked up.
    """

    files: str
    run: str = "latest"
    out: str = ""
    tracking: Sequence[str] = ()


@plain_script
def main(arguments: Arguments) -> None:
    from overcast.prediction.predict import predict
    from overcast.tracking.find_run import find_run

    run = find_run(arguments.run, tracking=arguments.tracking)
    if predict(run, arguments.files, arguments.out):
        sys.exit(1)


if __name__ == "__main__":
    main()
