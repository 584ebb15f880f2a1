"""How a template becomes a page: what is put in is escaped, and a name that nothing was given for is an error."""

from __future__ import annotations

from pathlib import Path

import jinja2

from overcast.core.words import current_language
from overcast.html import style

COLOURS = {
    "ink": style.INK,
    "soft": style.GREY,
    "line": style.PALE,
    "accent": style.BLUE,
    "better": style.BLUE,
    "worse": style.DARK_ORANGE,
}
"""The style sheets' names of the palette's colours."""


def render_template(path: Path, **values: object) -> str:
    """The text of a Jinja template with these values, the ``language`` that is used and the ``colours``.

    What of a text is no text, as in a file's name, becomes a question mark.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(path.parent), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    text = environment.get_template(path.name).render(language=current_language(), colours=COLOURS, **values)
    return text.encode("utf8", "replace").decode("utf8")
