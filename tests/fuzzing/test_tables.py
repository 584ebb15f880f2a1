"""Tables of any kind, as texts and as series."""

from __future__ import annotations

import csv
import io
from typing import Any

from hypothesis import strategies as st

from in_process import check_end, fresh_home, pack_rows, run_script
from texts import any_text, names, numbers

cells = st.one_of(any_text, st.sampled_from(["", "nan", "a\nb", "x" * 70_000]))
dialects = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from([",", ",", ";", "\t"]),
        "lineterminator": st.sampled_from(["\n", "\r\n"]),
        "encoding": st.sampled_from(["utf8", "utf8", "utf-8-sig", "utf-16", "latin-1"]),
        "cut": st.integers(0, 3),
    }
)


def table(rows: list[list[Any]], dialect: dict[str, Any]) -> bytes:
    """The rows as a file's bytes, of which the last few may be missing."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=dialect["delimiter"], lineterminator=dialect["lineterminator"]).writerows(rows)
    whole = text.getvalue().encode(dialect["encoding"], "replace")
    return whole[: len(whole) - dialect["cut"]]


texts = st.tuples(names, names, st.lists(st.tuples(cells, names), max_size=30), dialects)


def test_texts(fuzz: Any) -> None:
    def check(value: tuple[str, str, list[tuple[str, str]], dict[str, Any]]) -> None:
        text, label, rows, dialect = value
        with fresh_home() as home:
            (home / "t.csv").write_bytes(table([[text, label], *map(list, rows)], dialect))
            words = ["data=texts", "data.path=t.csv", f"data.text={quoted(text)}", f"data.label={quoted(label)}"]
            ended = run_script("download", *words)
            check_end(ended)
            if ended.code == 0:
                ended = run_script("pack", *words)
                check_end(ended)
            index, audit = pack_rows(home, "texts", "index.csv"), pack_rows(home, "texts", "audit.csv")
            if ended.code == 0:
                unread = {row["file"] for row in audit if row["problem"] == "unreadable"}
                assert len(index) + len(unread) >= len(rows) - dialect["cut"], (len(index), unread, len(rows))

    fuzz(texts, check)


columns = st.lists(st.tuples(names, st.lists(numbers, min_size=40, max_size=40)), min_size=1, max_size=4)
series = st.tuples(columns, st.lists(names, min_size=1, max_size=3), dialects)


def test_series(fuzz: Any) -> None:
    def check(value: Any) -> None:
        found, classes, dialect = value
        header = ["state", *(name for name, _ in found)]
        rows = [[classes[i % len(classes)], *(column[i] for _, column in found)] for i in range(40)]
        with fresh_home() as home:
            (home / "s.csv").write_bytes(table([header, *rows], dialect))
            words = ["data=series", "data.path=s.csv", "data.label=state", "data.window=4"]
            for script in ("download", "pack"):
                ended = run_script(script, *words)
                check_end(ended)
                if ended.code:
                    return
            assert len(pack_rows(home, "series", "index.csv")) > 0

    fuzz(series, check)


def quoted(text: str) -> str:
    """A value as Hydra takes it on the command line, whatever is in it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
