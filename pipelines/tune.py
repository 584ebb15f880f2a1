"""tune: search learning rate, batch size, width, epochs and mitigations; the winner is a recipe.

python pipelines/tune.py data=weather model=cnn budget=20min
python pipelines/tune.py data=weather model=cnn budget=2h folds=3 workers=4
"""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.script import plain_script
from overcast.core.collection import collection_paused
from overcast.core.console import show
from overcast.tuning.settings import Settings


@dataclass(frozen=True)
class Arguments(Settings):
    __doc__ = Settings.__doc__

    overrides: Sequence[str] = ()


@plain_script
def main(arguments: Arguments) -> None:
    with collection_paused():
        from overcast.tuning.search import tune

    command = f"python pipelines/tune.py {shlex.join(sys.argv[1:])}"
    show(tune(arguments.overrides, arguments, command).text)


if __name__ == "__main__":
    main()
