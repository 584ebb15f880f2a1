"""A csv as columns of text, and one clear message for whatever is wrong with it."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from overcast.errors import UserError


@dataclass(frozen=True)
class Table:
    """name: of the file. columns: name → a cell a row, as text. lines: where in the file each row starts."""

    name: str
    columns: dict[str, list[str]]
    lines: list[int]

    def cells(self, option: str, name: str) -> list[str]:
        """The cells of a column that the user has named by ``option``, be they empty.

        Raises: UserError listing the columns that there are.
        """
        if name not in self.columns:
            raise UserError(f"{option}={name}: {self.name} has no such column; it has {', '.join(self.columns)}.")
        return [cell.strip() for cell in self.columns[name]]

    def column(self, option: str, name: str) -> list[str]:
        """The same. Raises: UserError naming the first line where the cell is empty, too."""
        cells = self.cells(option, name)
        for line, cell in zip(self.lines, cells, strict=True):
            if cell.lower() in ("", "nan"):
                raise UserError(f"{option}: line {line} of {self.name} has no value in column {name}: add it.")
        return cells

    def numbers(self, option: str, name: str) -> np.ndarray:
        """The cells of a column as float32 (N,). Raises: UserError as `column` does, or where one is no number."""
        values = np.empty(len(self.lines), np.float32)
        for row, (line, cell) in enumerate(zip(self.lines, self.column(option, name), strict=True)):
            number = _number(cell)
            if number is None:
                raise UserError(f"{option}: line {line} of {self.name} has {cell!r} in column {name}, no number.")
            values[row] = number
        return values

    def times(self, option: str, name: str) -> np.ndarray:
        """The cells of a column as moments (N,), in seconds or as the numbers they are; dates without zone as UTC.

        Raises: UserError as `column` does, or where one is neither a number nor a date as ISO 8601 writes it.
        """
        cells = self.column(option, name)
        numbers = [_number(cell) for cell in cells]
        if None not in numbers:
            return np.array(numbers, np.float64)
        found = np.empty(len(cells), np.float64)
        for row, (line, cell) in enumerate(zip(self.lines, cells, strict=True)):
            try:
                moment = datetime.fromisoformat(cell.replace("/", "-"))
            except ValueError:
                raise UserError(
                    f"{option}: line {line} of {self.name} has {cell!r} in column {name}: "
                    "write numbers, or dates as in 2024-05-31 or 2024-05-31 18:00."
                ) from None
            found[row] = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        return found


def read_table(path: Path) -> Table:
    """A csv in UTF-8: a line of column names, then a row a line; empty lines are left out.

    Raises: UserError if it is not that.
    """
    rows, lines, start = [], [], 2
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
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
    return Table(path.name, dict(zip(header, map(list, zip(*rows, strict=True)), strict=True)), lines)


def _number(cell: str) -> float | None:
    """None for what is no finite number."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
