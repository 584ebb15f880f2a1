"""The catalogue has every text of reports and pages that is translated, and nothing else."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest

from overcast.comparison.pairs import PREDICTORS
from overcast.config.metric_options import metric_options
from overcast.core.errors import UserError
from overcast.core.paths import ROOT
from overcast.core.words import MESSAGE, current_language, translate, use_language
from overcast.statistics.verdicts import Verdict
from overcast.study.outcomes import OUTCOMES

SOURCE = ROOT / "src" / "overcast"
CATALOGUE = [entry for entry in polib.pofile(str(SOURCE / "core" / "ko.po")) if entry.msgctxt != MESSAGE]
TRANSLATING = ("translate", "translatable", "picture_text")
FACTS = (
    "study", "folds", "asked before", "command", "trained on", "with", "git", "when", "chosen by validation",
    "official test",
)  # fmt: skip
"""What stands at the foot of a report."""


def written(path: Path) -> Iterator[tuple[int, str]]:
    """The line and text of whatever this file has translated."""
    tree = ast.parse(path.read_text(encoding="utf8"))
    for scope in ast.walk(tree):
        if not isinstance(scope, ast.FunctionDef | ast.Module):
            continue
        assigned = dict[str, list[ast.expr]]()
        for node in ast.walk(scope):
            if isinstance(node, ast.Assign):
                for name, value in _targets(node):
                    assigned.setdefault(name, []).append(value)
        for node in ast.walk(scope):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in TRANSLATING:
                assert not isinstance(node.args[0], ast.JoinedStr), f"{path}:{node.lineno}: an f-string has none"
                yield from _texts(node.args[0], assigned)


def _targets(node: ast.Assign) -> Iterator[tuple[str, ast.expr]]:
    for target in node.targets:
        if isinstance(target, ast.Name):
            yield target.id, node.value
        elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            yield from (
                (getattr(one, "id", ""), value) for one, value in zip(target.elts, node.value.elts, strict=True)
            )


def _texts(node: ast.expr, assigned: dict[str, list[ast.expr]]) -> Iterator[tuple[int, str]]:
    """Of a text, of one or the other, or of a variable that is set to texts in the same function."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.lineno, node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body, assigned)
        yield from _texts(node.orelse, assigned)
    elif isinstance(node, ast.Name):
        for value in assigned.get(node.id, ()):
            if isinstance(value, ast.Constant | ast.IfExp):
                yield from _texts(value, assigned)


def in_source() -> dict[str, str]:
    """Every text, and where it stands."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for line, text in written(path):
            found.setdefault(text, f"{path.relative_to(ROOT)}:{line}")
    names = [*Verdict, *(each.name for each in OUTCOMES), *(each.label for each in metric_options().values())]
    return {str(name): "a name" for name in [*names, *PREDICTORS, *FACTS]} | found


def test_every_text_has_a_translation() -> None:
    known = {entry.msgid for entry in CATALOGUE if entry.msgstr}
    assert {text: where for text, where in in_source().items() if text not in known} == {}


def test_no_translation_is_left_over_or_stands_twice() -> None:
    texts = [entry.msgid for entry in CATALOGUE]
    assert sorted(set(texts) - in_source().keys()) == []
    assert len(texts) == len(set(texts))


def test_a_translation_keeps_places_and_marks() -> None:
    kept = re.compile(r"\{[^}]*\}|</?\w+>|\[@[^]]+\]")
    pairs = [(entry.msgid, entry.msgstr) for entry in CATALOGUE]
    assert [pair for pair in pairs if len({frozenset(kept.findall(text)) for text in pair}) > 1] == []


def test_a_translation_takes_the_same_values() -> None:
    with use_language("ko"):
        assert translate("{cell} against {baseline}", cell="a{b}", baseline="none") == "a{b} (기준: none)"
        assert translate("my own metric") == "my own metric"
    assert translate("{cell} against {baseline}", cell="a{b}", baseline="none") == "a{b} against none"


def test_a_language_holds_where_it_is_asked_for_alone() -> None:
    with use_language("ko"):
        assert current_language() == "ko"
        with use_language("en"):
            assert translate("better") == "better"
        assert translate("better") == "더 나음"
    assert current_language() == "en"


def test_a_language_that_there_is_none_of_is_one_message() -> None:
    with (
        pytest.raises(UserError, match=r"^language=kr: there is no such language\. Choices: en, ko$"),
        use_language("kr"),
    ):
        pass


def test_the_machines_locale_changes_nothing() -> None:
    code = "from overcast.core.words import translate; print(translate('better'))"
    environment = {"LANG": "ko_KR.UTF-8", "LC_ALL": "ko_KR.UTF-8", "LANGUAGE": "ko", "PYTHONPATH": ":".join(sys.path)}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout == "better\n"
