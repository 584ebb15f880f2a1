"""evaluate: measure a trained run on its train, validation and test part, from its folder alone.

python pipelines/evaluate.py run=runs/repro
"""

from dataclasses import dataclass

from overcast.config import command


@dataclass
class Arguments:
    """run: a run's folder, an MLflow run id, or "latest"."""

    run: str = "latest"


@command
def main(arguments: Arguments) -> None:
    from overcast.evaluation.evaluate import evaluate
    from overcast.evaluation.summary import table
    from overcast.runs import find

    run = find(arguments.run)
    print(table(run, evaluate(run)))


if __name__ == "__main__":
    main()
