"""Compare one study's trials: how much each mitigation changes the outcomes, and whether that is clear.

`statistics` holds the intervals and tests on plain arrays, `table` the study's comparison made with them.
"""

from overcast.comparison.table import OUTCOMES, PRIMARY, Outcome, table

__all__ = ["OUTCOMES", "PRIMARY", "Outcome", "table"]
