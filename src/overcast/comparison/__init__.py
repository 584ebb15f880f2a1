"""Compare one study's trials: how much each mitigation changes the outcomes, and what can be said of it.

`outcomes` are what is compared, `pairs` which trials with which, `table` makes the comparison, with the intervals of
`overcast.statistics`; `compare` writes its report.
"""

from overcast.comparison.outcomes import GAP, OUTCOMES, PRIMARY, Outcome, families
from overcast.comparison.table import comparison_table

__all__ = ["GAP", "OUTCOMES", "PRIMARY", "Outcome", "comparison_table", "families"]
