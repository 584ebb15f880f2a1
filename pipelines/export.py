"""export: one study as one file, from which another machine makes the same report; or one run as an ONNX file.

A study's file has no data and no weights. A run's has all that it takes to predict, and needs no training stack.

python pipelines/export.py study=mitigations out=mitigations.zip && python pipelines/compare.py archive=mitigations.zip
python pipelines/export.py run=latest out=model.onnx && python pipelines/predict.py run=model.onnx files=/pictures
"""

from collections.abc import Sequence
from dataclasses import dataclass

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.script import plain_script
from overcast.core.console import show
from overcast.core.errors import UserError


@dataclass
class Arguments:
    """study: a study's name, id or parent run, instead of the latest. out: a file, instead of reports/<study>.zip.

    run: a run's folder, an MLflow run id, or "latest"; out is then an .onnx file.
    tracking…: as for train, such as tracking.experiment=mine.
    """

    study: str = ""
    run: str = ""
    out: str = ""
    tracking: Sequence[str] = ()


@plain_script
def main(arguments: Arguments) -> None:
    if arguments.run and arguments.study:
        raise UserError("a study and a run are exported one at a time: leave study=… or run=… out")
    if arguments.run:
        from overcast.serving.onnx_export import export_run
        from overcast.tracking.find_run import find_run

        path, parity = export_run(find_run(arguments.run, tracking=arguments.tracking), arguments.out)
        show(f"{parity.text}\nnetwork: {path} ({path.stat().st_size:,} bytes)")
        return
    from overcast.comparison.archive import archive_study

    show(f"archive: {archive_study(arguments.study, arguments.out, arguments.tracking)}")


if __name__ == "__main__":
    main()
