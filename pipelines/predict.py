"""predict: label new files with a trained run; a broken file is a row with its error, and the rest go on.

python pipelines/predict.py run=latest files=/pictures out=labels.csv
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from overcast.config.script import plain_script


@dataclass
class Arguments:
    """run: a run's folder, an MLflow run id, or "latest"; a registered model, as models:/name@champion; an .onnx file.

    files: a file, a folder or a glob. out: a csv file. tracking…: as for train, where an id or a model is looked up.
    """

    files: str
    run: str = "latest"
    out: str = ""
    tracking: Sequence[str] = ()


@plain_script
def main(arguments: Arguments) -> None:
    from overcast.prediction.predict import predict
    from overcast.serving.open_model import open_model

    if predict(open_model(arguments.run, arguments.tracking), arguments.files, arguments.out):
        sys.exit(1)


if __name__ == "__main__":
    main()
