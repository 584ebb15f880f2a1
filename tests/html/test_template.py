"""What is put into a template is escaped, and all of it has to be given."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from overcast.core.words import use_language
from overcast.html.template import render_template


def test_values_are_escaped_and_the_language_is_known(tmp_path: Path) -> None:
    (tmp_path / "x.html.j2").write_text("{{ language }} {{ colours.ink }} {{ name }}")
    assert render_template(tmp_path / "x.html.j2", name="<b>\udce9") == "en #222222 &lt;b&gt;?"
    with use_language("ko"):
        assert render_template(tmp_path / "x.html.j2", name="").startswith("ko ")
    with pytest.raises(jinja2.UndefinedError):
        render_template(tmp_path / "x.html.j2")
