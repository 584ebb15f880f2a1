"""predict: label new files with a trained run; a broken file is a row with its error, and the rest go on.

python pipelines/predict.py run=latest files=/pictures out=labels.csv
python pipelines/predict.py run=runs/a,runs/b files=/pictures min_probability=0.8 conformal=0.1
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.script import plain_script


@dataclass
class Arguments:
    """run: a run's folder, an MLflow run id, or "latest"; several, with commas, answer as one.

    Or a registered model, as models:/name@champion, or an .onnx file.
    files: a file, a folder or a glob. out: a csv file. min_probability: a column `answer` is the label, empty where it
    is less probable. conformal: a column `set` has the classes among which the true one is, but for this share of
    samples like those of the calibration part. ood: a column `ood` is true for what is unlike 95 % of that part.
    flip: the mean of the answers to each picture and its mirror image. ray: let a Ray cluster label, that of the
    variable RAY_ADDRESS or this machine's cores. tracking…: as for train, where an id or a model is looked up.
    """

    files: str
    run: str = "latest"
    out: str = ""
    min_probability: float | None = None
    conformal: float | None = None
    ood: bool = False
    flip: bool = False
    ray: bool = False
    tracking: Sequence[str] = ()


@plain_script
def main(arguments: Arguments) -> None:
    from overcast.prediction.doubt import Doubt
    from overcast.prediction.predict import predict
    from overcast.serving.open_model import open_model

    a = arguments
    model = open_model(a.run, a.tracking)
    if predict(model, a.files, a.out, Doubt(a.min_probability, a.conformal, a.ood), a.flip, a.ray):
        sys.exit(1)


if __name__ == "__main__":
    main()
