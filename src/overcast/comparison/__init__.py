"""Compare one study's trials: how much each mitigation changes the outcomes, and whether that is clear.

`table` makes the comparison, with the intervals and tests of `overcast.statistics`; `compare` writes its report.
"""

from overcast.comparison.table import OUTCOMES, PRIMARY, Outcome, comparison_table

__all__ = ["OUTCOMES", "PRIMARY", "Outcome", "comparison_table"]
