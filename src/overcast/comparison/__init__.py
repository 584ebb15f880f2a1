"""Compare one study's trials: how much each mitigation changes the outcomes, and what can be said of it.

`pairs` says which trials are compared with which, `table` makes the comparison, with the intervals of
`overcast.statistics`; `compare` writes its report.
"""

from overcast.comparison.table import comparison_table
from overcast.study.outcomes import GAP, OUTCOMES, PRIMARY, Outcome, families

__all__ = ["GAP", "OUTCOMES", "PRIMARY", "Outcome", "comparison_table", "families"]
