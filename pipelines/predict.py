"""predict: label new files with a trained run; a broken file is a row with its error, and the rest go on.

python pipelines/predict.py run=latest files=/pictures out=labels.csv
"""

import sys
from dataclasses import dataclass

from overcast.config import command


@dataclass
class Arguments:
    """run: a run's folder, an MLflow run id, or "latest". files: a file, a folder or a glob. out: a csv file."""

    files: str
    run: str = "latest"
    out: str = ""


@command
def main(arguments: Arguments) -> None:
    from overcast.predict import predict
    from overcast.runs import find

    if predict(find(arguments.run), arguments.files, arguments.out):
        sys.exit(1)


if __name__ == "__main__":
    main()
