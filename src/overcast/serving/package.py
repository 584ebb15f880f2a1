"""An exported network as a folder that MLflow serves: with signature, example, requirements and the code that reads."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from overcast.config.options import is_own
from overcast.core.errors import UserError
from overcast.core.spec import Kind
from overcast.prediction.predictor import probability_columns
from overcast.serving.onnx_model import FORMAT, OnnxModel
from overcast.serving.prediction_log import as_json
from overcast.serving.pyfunc import COLUMN

CODE = (
    "__init__.py", "config/__init__.py", "config/options.py", "core/*.py", "data/*.py", "fetch/*.py",
    "prediction/__init__.py", "prediction/predictor.py", "prediction/reading.py", "readers/*.py", "serving/__init__.py",
    "serving/input_features.py", "serving/onnx_model.py", "serving/prediction_log.py", "serving/pyfunc.py",
)  # fmt: skip
"""What of overcast a served model runs: whole rooms where a data set may import any of it."""

PACKAGES = ("mlflow", "numpy", "onnxruntime", "pandas", "pillow", "pydantic", "pyyaml", "regex", "tqdm")
READERS: Mapping[Kind, tuple[str, ...]] = {"spectrogram": ("scipy", "soundfile")}
"""What reading a kind of data takes besides."""


def requirements(kind: Kind) -> list[str]:
    """The packages that a served model needs, each of the version that is here."""
    return [f"{name}=={version(name)}" for name in sorted((*PACKAGES, *READERS.get(kind, ())))]


def save_model(path: Path, network: Path, example: Any, metadata: Mapping[str, Any], mlflow_model: Any = None) -> None:
    """Write the folder ``path``. network: the .onnx file. example: a sample as the pyfunc takes it.

    mlflow_model: MLflow's Model, where it is registered.

    Raises: UserError if the data set's class is not overcast's, and so would be missing where it is served.
    """
    model = OnnxModel(network)
    refuse_foreign(model)
    # MLflow warns, already when it is imported, that it does not check a column of any type: the model does
    with TemporaryDirectory(prefix="overcast-") as folder, warnings.catch_warnings(action="ignore"):
        import mlflow.pyfunc

        code = copy_code(Path(folder))
        mlflow.pyfunc.save_model(
            path,
            loader_module="overcast.serving.pyfunc",
            data_path=str(network),
            code_paths=[str(code)],
            pip_requirements=requirements(model.spec.kind),
            signature=signature(model),
            input_example=input_example(example),
            metadata={"overcast_format": FORMAT, **metadata},
            mlflow_model=mlflow_model,
        )


def refuse_foreign(model: OnnxModel) -> None:
    """Raises: UserError if the data set's class is not in overcast's room."""
    if not is_own("data", model.data.target):
        raise UserError(
            f"data={model.data.name}: {model.data.target} is no class of overcast.data, and would be missing where the "
            "model is served: move its module into src/overcast/data"
        )


def copy_code(into: Path) -> Path:
    """The folder ``overcast`` with what of it is served, below ``into``."""
    source, target = Path(__file__).parents[1], into / "overcast"
    for pattern in CODE:
        for file in source.glob(pattern):
            place = target / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
    return target


def signature(model: OnnxModel) -> Any:
    """The column ``content``; and the label with a probability for each class."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType

    given = DataType.string if model.spec.kind == "tokens" else AnyType()
    classes = [ColSpec(DataType.double, name) for name in probability_columns(model.spec.classes)]
    return ModelSignature(Schema([ColSpec(given, COLUMN)]), Schema([ColSpec(DataType.string, "label"), *classes]))


def input_example(sample: Any) -> Any:
    """A frame of one sample, as JSON has it: a text, base64 of a file's bytes, or nested lists."""
    import pandas as pd

    return pd.DataFrame({COLUMN: [as_json(sample)]})
