"""Breaks everything on purpose, many times, and writes the table of docs/reliability.md.

    python tests/faults/run_all.py                        all of it: most of a day on two cores; goes on if stopped
    python tests/faults/run_all.py target=train,study     these targets only
    python tests/faults/run_all.py tries=2                at most so many of each

What came of each try is kept in docs/reliability.csv: a try that stands there is not made again, so a mended fault is
tried again once its lines are removed (`again=wrong` removes those of tries in which something was wrong).
"""

from __future__ import annotations

import csv
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from attempt import Laboratory, Outcome
from cases import FAULTS, TARGETS, Case, Disk, cases
from disturb import can_mount
from overcast.config.script import plain_script
from overcast.core.atomic import whole_file
from overcast.core.errors import UserError
from overcast.core.paths import ROOT

TRIED = ROOT / "docs" / "reliability.csv"
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- made by tests/faults/run_all.py -->\n", "<!-- end -->\n"
COLUMNS = ("target", "fault", "number", "moment", "codes", "ending", "wrong")


@dataclass
class Arguments:
    """target, fault: only these, parted by commas. tries: at most so many of each case. again: `wrong`."""

    target: str = ""
    fault: str = ""
    tries: str = "1000"
    again: str = ""


@plain_script
def main(arguments: Arguments) -> None:
    chosen = _chosen(arguments)
    rows = [row for row in _read() if not (arguments.again == "wrong" and row["wrong"])]
    there = {(row["target"], row["fault"], int(row["number"])) for row in rows}
    left = [(case, n) for case in chosen for n in range(case.tries) if (case.target, case.fault, n) not in there]
    with tempfile.TemporaryDirectory(prefix="overcast-faults-") as folder:
        laboratory = Laboratory(Path(folder))
        try:
            for case, number in tqdm(left, unit="try"):
                outcome = laboratory.attempt(case, number)
                if outcome.wrong:
                    tqdm.write(
                        f"{case.target}, {case.fault}, {number}: {outcome.wrong}\n{outcome.said}", file=sys.stderr
                    )
                rows.append(_row(case, number, outcome))
                _write(rows)
        finally:
            laboratory.close()
    text = PAGE.read_text(encoding="utf8")
    before, rest = text.split(BEGIN)
    whole_file(PAGE, before + BEGIN + _table(rows) + END + rest.split(END)[1])


def _chosen(arguments: Arguments) -> list[Case]:
    """The cases asked for that can be tried here; the others are named. Raises: UserError for a name there is not."""
    targets, faults = (set(text.split(",")) - {""} for text in (arguments.target, arguments.fault))
    for names, known in ((targets, TARGETS), (faults, FAULTS)):
        if unknown := names - set(known):
            raise UserError(f"{unknown.pop()}: no such target or fault. There are: {', '.join(known)}")
    found = [case for case in cases() if case.target in (targets or TARGETS) and case.fault in (faults or FAULTS)]
    if not can_mount():
        print("not tried here, since this user may not mount a file system: full and read-only disks", file=sys.stderr)
        found = [case for case in found if not isinstance(FAULTS[case.fault], Disk)]
    return [Case(case.target, case.fault, min(case.tries, int(arguments.tries))) for case in found]


def _row(case: Case, number: int, outcome: Outcome) -> dict[str, str]:
    codes = " ".join(map(str, outcome.codes))
    values = (case.target, case.fault, number, outcome.moment, codes, f"{outcome.ending:.1f}", "; ".join(outcome.wrong))
    return dict(zip(COLUMNS, map(str, values), strict=True))


def _read() -> list[dict[str, str]]:
    if not TRIED.exists():
        return []
    with TRIED.open(encoding="utf8", newline="") as file:
        return list(csv.DictReader(file))


def _write(rows: Iterable[dict[str, str]]) -> None:
    lines = [",".join(COLUMNS), *(",".join(_quoted(row[name]) for name in COLUMNS) for row in rows)]
    whole_file(TRIED, "\n".join(lines) + "\n")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""').replace("\n", " ") + '"' if set(text) & set(',"\n') else text


def _table(rows: list[dict[str, str]]) -> str:
    """A line for each fault on each target: how often, how the command ended, how long it took, what was wrong."""
    groups: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        groups[row["target"], row["fault"]].append(row)
    lines = ["| command | fault | tries | how it ended (exit codes) | longest end | what was lost or wrong |"]
    lines.append("|---|---|---|---|---|---|")
    for target, fault in sorted(groups, key=lambda key: (list(TARGETS).index(key[0]), list(FAULTS).index(key[1]))):
        tried = groups[target, fault]
        codes = Counter(code for row in tried for code in row["codes"].split())
        ended = ", ".join(f"{count} × {code}" for code, count in sorted(codes.items(), key=lambda item: -item[1]))
        wrong = Counter(row["wrong"] for row in tried if row["wrong"])
        lost = "; ".join(f"{count} × {what}" for what, count in wrong.items()) or "nothing"
        longest = max(float(row["ending"]) for row in tried)
        lines.append(f"| {target} | {fault} | {len(tried)} | {ended} | {longest:.1f} s | {lost} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
