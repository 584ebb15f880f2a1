"""A csv as a frame of text, and one clear message for whatever is wrong with it.

pandas holds the cells and makes numbers and dates of them. The csv module cuts them: pandas' own reader fills a short
row with empty cells, forgives a broken quote, and does not tell in which line of the file a row starts.
"""

from __future__ import annotations

import csv
import io
import reprlib
import unicodedata
from collections import Counter
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
    """name: of the file. frame: (N, columns) of text; its index is the line of the file where each row starts.

    unnamed: the columns that have no name in the file.
    """

    name: str
    frame: pd.DataFrame
    unnamed: tuple[str, ...] = ()

    def cells(self, option: str, name: str) -> pd.Series:
        """The cells (N,) of a column that the user has named by ``option``, be they empty.

        Raises: UserError listing the columns that there are.
        """
        if name not in self.frame:
            alike = next((column for column in self.frame if _number(column) == _number(name)), None)
            hint = f" One called by a number is quoted twice: '{option}=\"{alike}\"'." if alike else ""
            raise UserError(f"{option}={name}: {self.name} has no such column; it has {', '.join(self.frame)}.{hint}")
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
        self._refuse(option, cells, cells.str.fullmatch(r"[-+]?\d+,\d+"), ", no number: write it with a point.")
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


def _number(text: str) -> float:
    """The number that a text is; NaN for another, which equals none."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def read_table(path: Path) -> Table:
    """A csv in UTF-8: a line of column names, then a row a line; empty lines are left out, and blanks around a cell.

    Cells are separated by commas; by semicolons, tabs or bars where these are in the line of names and no comma is. A
    column without a name is called by its number; one that is empty, too, is left out.

    Raises: UserError if it is not that.
    """
    import pandas as pd

    header, rows, lines = _cells(path)
    if not rows:
        raise UserError(
            f"{path.name} has no rows below a line of column names: a csv is expected, with cells separated by commas."
        )
    kept = [place for place, name in enumerate(header) if name or any(row[place].strip() for row in rows)]
    names = [header[place] or f"column {place + 1}" for place in kept]
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise UserError(f"{path.name} has two columns called {twice[0]}: rename one of them.")
    frame = pd.DataFrame([[row[place] for place in kept] for row in rows], lines, names, dtype=str)
    unnamed = tuple(name for name, place in zip(names, kept, strict=True) if not header[place])
    return Table(path.name, frame.apply(lambda cells: cells.str.strip()), unnamed)


def _cells(path: Path) -> tuple[list[str], list[list[str]], list[int]]:
    """The column names, the rows as long as they are, and the line of the file where each row starts."""
    csv.field_size_limit(LONGEST)  # else one long text refuses the whole table
    header, rows, lines, start = list[str](), list[list[str]](), list[int](), 1
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UserError(f"{path.name} is not in UTF-8, as line {line} shows: save it as such.") from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    try:
        for row in reader:
            if not any(row):
                pass
            elif not header:
                header = [unicodedata.normalize("NFC", name.strip()) for name in row]
            elif len(row) != len(header):
                many = f"{len(row)} cells, but {len(header)} columns have a name"
                raise UserError(f"{path.name}: line {start} has {many}.")
            else:
                rows.append(row)
                lines.append(start)
            start = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{path.name}: line {start} cannot be read ({error}).") from None
    return header, rows, lines


def _separator(text: str) -> str:
    """What is between the cells, as the first line with something in it has it."""
    names = text.lstrip().partition("\n")[0]
    return next((sign for sign in (",", ";", "\t", "|") if sign in names), ",")
