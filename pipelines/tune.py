"""tune: search learning rate, batch size, width, epochs and mitigations; the winner is a recipe.

python pipelines/tune.py data=weather model=cnn budget=20min
python pipelines/tune.py data=weather model=cnn budget=2h folds=3 workers=4
"""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.script import plain_script
from overcast.core.collection import collection_paused


@dataclass
class Arguments:
    """budget: how long to search, such as 20min. trials: how many trials, in each fold, instead or as well.

    search: what is searched, of conf/search, instead of what is called as the network. folds: of the split, each
    searched by itself, for a nested estimate. workers: processes, instead of as many as cores or GPUs. storage:
    postgresql://…, for workers on several machines. name: of the recipe and the search. language: of the report, en or
    ko. Further options are those of train.py: what they set is not searched.
    """

    budget: str = ""
    trials: str = ""
    search: str = ""
    folds: str = "1"
    workers: str = ""
    storage: str = ""
    name: str = ""
    language: str = "en"
    overrides: Sequence[str] = field(default_factory=list)


@plain_script
def main(arguments: Arguments) -> None:
    with collection_paused():
        from overcast.tuning.search import Settings, tune

    given = {name: value for name, value in vars(arguments).items() if name != "overrides"}
    command = f"python pipelines/tune.py {shlex.join(sys.argv[1:])}"
    print(tune(arguments.overrides, Settings(**given), command).text)


if __name__ == "__main__":
    main()
