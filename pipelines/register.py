"""register: a run, or a study's winner, into MLflow's model registry; it becomes champion if it is not worse.

python pipelines/register.py study=mitigations
python pipelines/register.py run=latest gates.p95_ms=50
python pipelines/register.py rollback name=overcast-skies
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.script import plain_script
from overcast.core.console import show
from overcast.core.errors import UserError


@dataclass
class Arguments:
    """run: a run's folder, an MLflow run id or "latest", as it is; or "best": that of a study with the lowest
    validation negative log-likelihood.

    study: a study's name, id or parent run: its winner is trained again on train + validation, unless run=best.
    name: of the registered model, instead of overcast-<data>. gates.p95_ms, gates.memory_mb, gates.size_mb: what a
    champion may take at most, served. rollback: make the champion before this one the champion again; with name=….
    tracking…: as for train, such as tracking.experiment=mine.
    """

    run: str = ""
    study: str = ""
    name: str = ""
    rollback: str = "no"
    gates: Sequence[str] = ()
    tracking: Sequence[str] = ()


@plain_script
def main(arguments: Arguments) -> None:
    from overcast.serving.registry import open_registry

    a = arguments
    if a.rollback != "no":
        if not a.name or a.run or a.study or a.gates:
            raise UserError("rollback goes with name=… alone: which registered model is meant")
        before, now = open_registry(a.name, a.tracking).roll_back()
        show(f"champion: models:/{a.name}/{now} again, instead of version {before}")
        return
    if not a.run and not a.study:
        raise UserError("give study=…, run=… or run=best: what is to be registered")
    from overcast.serving.candidates import BEST, best_run, run_candidate, study_winner
    from overcast.serving.gates import read_gates
    from overcast.serving.register import register
    from overcast.tracking.find_run import find_run

    limits = read_gates(a.gates)
    with tempfile.TemporaryDirectory(prefix="overcast-") as folder:
        if a.run == BEST:
            candidate = best_run(a.study, a.tracking, Path(folder))
        elif a.run:
            if a.study:
                raise UserError("study=… goes with run=best, or alone: leave it or the run out")
            candidate = run_candidate(find_run(a.run, tracking=a.tracking))
        else:
            candidate = study_winner(a.study, a.tracking, Path(folder))
        name = a.name or f"overcast-{candidate.run.config.data.name}"
        registered = register(candidate, open_registry(name, a.tracking), limits)
    show(registered.text)
    if not registered.champion:
        sys.exit(1)


if __name__ == "__main__":
    main()
