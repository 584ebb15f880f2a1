"""A csv as a frame of text, and one clear message for whatever is wrong with it.

pandas holds the cells and makes numbers and dates of them. The csv module cuts them: pandas' own reader fills a short
row with empty cells, forgives a broken quote, and does not tell in which line of the file a row starts.
"""

from __future__ import annotations

import csv
import reprlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from overcast.core.errors import UserError

if TYPE_CHECKING:
    import pandas as pd  # takes a third of a second to import: only where a table is read

LONGEST = 2**31 - 1  # letters of a cell
LARGEST = 1e300  # sums and differences of such are numbers still
WHOLE = 2**53  # the whole numbers up to it are float64's too


@dataclass(frozen=True)
class Table:
    """name: of the file. frame: (N, columns) of text; its index is the line of the file where each row starts."""

    name: str
    frame: pd.DataFrame

    def cells(self, option: str, name: str) -> pd.Series:
        """The cells (N,) of a column that the user has named by ``option``, be they empty.

        Raises: UserError listing the columns that there are.
        """
        if name not in self.frame:
            raise UserError(f"{option}={name}: {self.name} has no such column; it has {', '.join(self.frame)}.")
        return self.frame[name]

    def column(self, option: str, name: str) -> pd.Series:
        """The same. Raises: UserError naming the first line where the cell is empty, too."""
        cells = self.cells(option, name)
        self._refuse(option, cells, cells == "", ": add it.")
        return cells

    def numbers(self, option: str, name: str) -> pd.Series:
        """The cells of a column as float64 (N,), which are finite.

        Raises: UserError as `column` does, or where one is no such number, or has more digits than float64 holds.
        """
        import pandas as pd

        cells = self.column(option, name)
        exact = pd.to_numeric(cells, errors="coerce")
        numbers = exact.astype("float64")
        self._refuse(option, cells, ~np.isfinite(numbers), ", no number.")
        self._refuse(
            option, cells, numbers.abs() > LARGEST, f", but no number beyond {LARGEST:.0e} can be learned from."
        )
        if exact.dtype.kind in "iu":
            digits = ", which has more digits than a number of 64 bits holds: an id? Name the others by data.features."
            self._refuse(option, cells, exact.abs() > WHOLE, digits)
        return numbers

    def times(self, option: str, name: str) -> pd.Series:
        """The cells of a column (N,) as dates, or as the numbers they are: whole ones to the last digit.

        Raises: UserError as `column` does, or where one is neither a number nor a date as ISO 8601 writes it.
        """
        import pandas as pd

        numbers = pd.to_numeric(self.column(option, name), errors="coerce")
        if np.isfinite(numbers).all():
            return numbers
        return self.dates(option, name, "write numbers, or dates as in 2024-05-31 or 2024-05-31 18:00")

    def dates(self, option: str, name: str, advice: str = "write dates as in 2024-05-31") -> pd.Series:
        """The cells of a column as dates (N,) in UTC, which those without a zone are taken for.

        Raises: UserError as `column` does, or where one is no date as ISO 8601 writes it.
        """
        import pandas as pd

        cells = self.column(option, name)
        dates = pd.to_datetime(cells, format="ISO8601", utc=True, errors="coerce")
        self._refuse(option, cells, dates.isna() | ~cells.str.match(r"\d"), f": {advice}.")  # "now" is one to pandas
        return dates

    def _refuse(self, option: str, cells: pd.Series, wrong: pd.Series, why: str) -> None:
        """Raises: UserError on the first of the cells (N,) that are ``wrong`` (N,), if there is one."""
        for line, cell in cells[wrong].items():
            what = reprlib.repr(cell) if cell else "no value"
            raise UserError(f"{option}: line {line} of {self.name} has {what} in column {cells.name}{why}")


def read_table(path: Path) -> Table:
    """A csv in UTF-8: a line of column names, then a row a line; empty lines are left out, and blanks around a cell.

    Raises: UserError if it is not that.
    """
    import pandas as pd

    csv.field_size_limit(LONGEST)  # else one long text refuses the whole table
    rows, lines, start = [], [], 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            start = reader.line_num + 1
            for row in reader:
                if any(row) and len(row) != len(header):
                    many = f"{len(row)} cells, but {len(header)} columns have a name"
                    raise UserError(f"{path.name}: line {start} has {many}.")
                if any(row):
                    rows.append(row)
                    lines.append(start)
                start = reader.line_num + 1
    except UnicodeDecodeError:
        raise UserError(f"{path.name} is not in UTF-8: save it as such.") from None
    except csv.Error as error:
        raise UserError(f"{path.name}: line {start} cannot be read ({error}).") from None
    if not rows or len(set(header)) < len(header):
        what = "two columns of one name" if rows else "no rows below a line of column names"
        raise UserError(f"{path.name} has {what}: a csv is expected, with cells separated by commas.")
    frame = pd.DataFrame(rows, lines, header, dtype=str)
    return Table(path.name, frame.apply(lambda cells: cells.str.strip()))
