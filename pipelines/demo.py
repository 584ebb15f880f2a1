"""demo: try a trained run on a page on this machine: a picture, a sound, a sentence or a table in, its answer out.

python pipelines/demo.py run=latest
python pipelines/demo.py run=best study=mitigations min_probability=0.8 language=ko
"""

from collections.abc import Sequence
from dataclasses import dataclass

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.script import plain_script


@dataclass
class Arguments:
    """run: a run's folder, an MLflow run id or "latest"; several, with commas, answer as one; "best": that of a study
    with the lowest validation negative log-likelihood; a registered model, as models:/name@champion; or an .onnx file.

    study: for run=best: a study's name or id, instead of the one that ran last. port: where the page is, instead of
    8000 or another free one. min_probability: no answer below it. conformal: the share of samples whose class is not
    in the set of classes shown, 0.1 where the run has a calibration part. language: en or ko. tracking…: as for train,
    where an id or a model is looked up.
    """

    run: str = "latest"
    study: str = ""
    port: str = ""
    min_probability: float | None = None
    conformal: float | None = None
    language: str = "en"
    tracking: Sequence[str] = ()


@plain_script
def main(arguments: Arguments) -> None:
    from overcast.core.words import use_language
    from overcast.demo.open_demo import chosen_model, open_demo
    from overcast.demo.server import open_port, serve

    a = arguments
    with use_language(a.language), open_port(a.port) as listening:
        model = chosen_model(a.run, a.study, a.tracking)
        name = a.run.removeprefix("models:/")
        serve(open_demo(model, a.min_probability, a.conformal, name), listening)


if __name__ == "__main__":
    main()
