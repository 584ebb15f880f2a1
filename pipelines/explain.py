"""explain: look inside a trained run: its filters, what its units respond to, and what it looks at in a sample.

python pipelines/explain.py run=latest
python pipelines/explain.py run=runs/repro files=/pictures
"""

from collections.abc import Sequence
from dataclasses import dataclass

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.script import plain_script
from overcast.core.console import show


@dataclass
class Arguments:
    """run: a run's folder, an MLflow run id, or "latest". files: a file, a folder or a glob. out: a folder.

    language: of the page, en or ko (Korean). tracking…: as for train, if not as the run was recorded.
    """

    run: str = "latest"
    files: str = ""
    out: str = ""
    language: str = "en"
    tracking: Sequence[str] = ()


@plain_script
def main(arguments: Arguments) -> None:
    from overcast.explain.explain import explain
    from overcast.tracking.find_run import find_run
    from overcast.tracking.unrecorded import tell_unrecorded

    run = find_run(arguments.run, tracking=arguments.tracking)
    show(f"page: {explain(run, arguments.files, arguments.out, arguments.language)}")
    tell_unrecorded(run)


if __name__ == "__main__":
    main()
