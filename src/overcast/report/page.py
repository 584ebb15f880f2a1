"""The study's report: ``table.csv``, ``table.md`` and ``report.html``, one page that carries everything it needs.

Plotly's script is written into the page once (4.8 MB): it works from a mail, offline and in MLflow's artifact
viewer, and asks no network for anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import plotly.io
from markupsafe import Markup

from overcast.compare import PRIMARY
from overcast.errors import UserError
from overcast.report import grid, words
from overcast.report.pictures import drawn
from overcast.report.style import Picture

CONFIG = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["lasso2d", "select2d"]}


def check_place(folder: Path) -> None:
    """Raises: UserError if the folder holds files, and no earlier report: some could be of the names of ours."""
    if folder.exists() and not folder.is_dir():
        raise UserError(f"out={folder}: that is a file: name a folder for the report")
    page = folder / "report.html"
    ours = page.is_file() and "overcast</title>" in page.read_text(encoding="utf8", errors="replace")[:2000]
    if folder.is_dir() and any(folder.iterdir()) and not ours:
        raise UserError(f"out={folder}: this folder holds other files, which a report could replace: name another")


def write(
    folder: Path,
    table: pd.DataFrame,
    trials: pd.DataFrame,
    curves: pd.DataFrame,
    info: Mapping[str, Any],
    claim: str = "",
    verdict: str = "",
    first: Sequence[Picture] = (),
) -> Path:
    """Write the three files of one study into ``folder``; the page's path.

    claim: a sentence the study tests; the page then opens with it and answers with the ``verdict``, what was
    measured (without one: the study's headline), and the pictures of it ``first``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "table.csv", index=False)
    told = words.description_md(table, info, claim, verdict)
    (folder / "table.md").write_text(f"{told}\n{grid.markdown(table)}", encoding="utf8")
    page = folder / "report.html"
    page.write_text(html(table, [*first, *drawn(table, trials, curves)], info, claim, verdict), encoding="utf8")
    return page


def html(
    table: pd.DataFrame, pictures: Sequence[Picture], info: Mapping[str, Any], claim: str = "", verdict: str = ""
) -> str:
    """The page's text."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("page.html.j2").render(
        title=info.get("study", "study"),
        info={key: value for key, value in info.items() if key != "failed"},
        claim=claim,
        question=question(table),
        headline=verdict or words.headline(table),
        verdicts=words.verdicts(table),
        notes=words.notes(table, info),
        primary=PRIMARY.label,
        heads=grid.heads(),
        lines=list(zip(grid.lines(table), _looks(table), strict=True)),
        pictures=[(one, _drawing(one, first=i == 0)) for i, one in enumerate(pictures)],
        overlap=f"1/{max(int(info.get('folds', 10)), 2)}",
        official=bool(info.get("official_test")),
    )


def question(table: pd.DataFrame) -> str:
    """What the study asks, in one line."""
    networks, data = (" and ".join(dict.fromkeys(table[key].astype(str))) for key in ("model", "data"))
    return f"Which way of fighting overfitting works for {networks} on {data}, and how sure are we?"


def _looks(table: pd.DataFrame) -> list[str]:
    """A CSS class a row."""
    clear = ["up" if change > 0 else "down" for change in table[words.CHANGE]]
    return [
        "baseline" if base else look if sure else ""
        for base, sure, look in zip(table["is_baseline"], table["clear"], clear, strict=True)
    ]


def _drawing(picture: Picture, first: bool) -> Markup:
    """The figure as HTML, the first one with Plotly's script before it."""
    return Markup(
        plotly.io.to_html(picture.figure, config=CONFIG, full_html=False, include_plotlyjs=first, default_width="100%")
    )
