"""Draw a study's comparison as a picture for the documentation, which cannot hold the report's interactive figure.

The same drawing as a report's forest.pdf and forest.svg. A study's own margins are named as in its command.

    python docs/forest.py reports/<study>/table.csv docs/<name>.png [nll=0.2 accuracy=0.05 gap_nll=0.2]
"""

import sys
from pathlib import Path

import pandas as pd

from overcast.comparison import OUTCOMES, families
from overcast.comparison.forest import forest_plot
from overcast.html.figures import png


def main(source: str, target: str, *margins: str) -> None:
    table = pd.read_csv(source)
    judged = [each.column for each in OUTCOMES if f"verdict/{each.column}" in table]
    names = [column.removeprefix("test/") for column in judged if column.startswith("test/")]
    own = {name: float(margin) for name, _, margin in (word.partition("=") for word in margins)}
    figure = forest_plot(table, families(names, own))
    if figure is None:
        sys.exit(f"{source}: nothing is compared, which needs at least 2 repeats")
    Path(target).write_bytes(png(figure))


if __name__ == "__main__":
    main(*sys.argv[1:])
