"""What a script says has a translation, finds it by its English, and is stored and sent in English all the same."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from pathlib import Path
from string import Formatter

import polib
import pytest

from overcast.core.console import in_language, show, warn
from overcast.core.errors import UserError
from overcast.core.paths import ROOT
from overcast.core.words import MESSAGE, use_language

FILES = [*sorted(ROOT.glob("src/**/*.py")), *sorted(ROOT.glob("pipelines/*.py"))]
ENTRIES = [entry for entry in polib.pofile(str(ROOT / "src/overcast/core/ko.po")) if entry.msgctxt == MESSAGE]
NO_MESSAGES = {
    "Of {{number}} compared with {{baselines}}, {{found}}": "of a report, which has a place of its own for it",
    "ankle boot": "a class's name",
    "Its figures are its own.": "on a model's card",
    "It has the lowest validation negative log-likelihood of the {trials} runs of the study {name}.": "on a card, too",
    "It is the cell {cell} of the study {name}, the one with the lowest mean validation negative log-likelihood "
    "({mean} over {rows} repeats), trained again on train + validation for the same {epochs} epochs. The figures are "
    "the study's, of its {rows} runs that were trained on the train part alone: these weights themselves have been "
    "measured on no sample.": "on a model's card",
    "test {label}": "an outcome's name",
    "gap in {label}": "an outcome's name",
    "{seconds} min": "on a search's page",
    "seed {seed}, {folds} folds, {fingerprint}": "on a search's page",
}
"""What the search through the source takes for a message, and why it is none."""
PRINTED = {
    "src/overcast/config/script.py": "a script's own help, and the trace of a bug",
    "src/overcast/core/console.py": "the one place",
    "src/overcast/prepare/audit_table.py": "on standard error, and no remark",
    "src/overcast/serving/gates.py": "a program of its own, which another reads",
}
"""Files that print by themselves, and what."""


def load_sources() -> object:
    spec = importlib.util.spec_from_file_location("message_sources", Path(__file__).with_name("message_sources.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.Sources(FILES)


@pytest.fixture(scope="module")
def messages() -> dict[str, str]:
    """Every message of the source, and where it stands."""
    return load_sources().messages()  # type: ignore[attr-defined, no-any-return]


def places(text: str) -> set[str]:
    """Its values' names, but for the endings of plurals, which Korean has none of."""
    names = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    return {name for name in names if not re.fullmatch(r"s\d?", name)}


def test_every_message_has_a_translation(messages: dict[str, str]) -> None:
    known = {entry.msgid for entry in ENTRIES if entry.msgstr}
    assert {text: where for text, where in messages.items() if text not in known | NO_MESSAGES.keys()} == {}


def test_no_translation_is_left_over_or_stands_twice(messages: dict[str, str]) -> None:
    texts = [entry.msgid for entry in ENTRIES]
    assert sorted({*texts, *NO_MESSAGES} - messages.keys()) == []
    assert len(texts) == len(set(texts))


def test_a_translation_keeps_places_and_commands() -> None:
    kept = re.compile(r"\b\w+\.py\b|\b[a-z_]+(?:\.[a-z_]+)*=(?=[\w…\[])")
    for entry in ENTRIES:
        assert places(entry.msgid) == places(entry.msgstr), entry.msgid
        assert set(kept.findall(entry.msgid)) <= set(kept.findall(entry.msgstr)), entry.msgid


def test_no_particle_that_depends_on_the_sound_follows_a_value() -> None:
    wrong = re.compile(r"\}['`\"]?(?:을|를|은|는|이|가|과|와|으로|로)(?=[ .,:]|$)")
    assert [entry.msgstr for entry in ENTRIES if wrong.search(entry.msgstr)] == []


def test_each_message_finds_its_own_translation(messages: dict[str, str]) -> None:
    """Filled with values, one with signs that stand between values; the values stay as they are."""
    for entry in ENTRIES:
        names = list(dict.fromkeys(name for _, name, _, _ in Formatter().parse(entry.msgid) if name is not None))
        values = {name: "" if re.fullmatch(r"s\d?", name) else f"/a-b/{number}" for number, name in enumerate(names)}
        with use_language("ko"):
            assert in_language(entry.msgid.format(**values)) == entry.msgstr.format(**values)


def test_values_that_are_messages_are_translated_and_names_are_not() -> None:
    with use_language("ko"):
        assert in_language("there is no option 'rn'. Did you mean run? Choices: run, epochs") == (
            "'rn' 옵션이 없습니다. run을(를) 뜻하셨습니까? 선택지: run, epochs"
        )
        assert in_language("/a/b.csv: no such file") == "/a/b.csv: 그런 파일 없음"
        assert in_language("what another program says") == "what another program says"
    assert in_language("no such file") == "no such file"


def test_several_lines_are_translated_one_by_one() -> None:
    with use_language("ko"):
        assert in_language("trained: /a/b\nsomething else\nnothing was sent") == (
            "학습됨: /a/b\nsomething else\n보낸 것이 없습니다"
        )


def test_an_error_stays_english_where_it_is_stored_and_is_korean_where_it_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with use_language("ko"):
        error = UserError("no such file")
        assert str(error) == "no such file"
        warn(str(error))
        show("nothing was sent")
    out, err = capsys.readouterr()
    assert (out, err) == ("보낸 것이 없습니다\n", "overcast: 그런 파일 없음\n")


def test_nothing_is_printed_past_the_one_place() -> None:
    printing = set()
    for path in FILES:
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))) if isinstance(node, ast.Call)]
        if any(isinstance(call.func, ast.Name) and call.func.id == "print" for call in calls):
            printing.add(str(path.relative_to(ROOT)))
    assert printing - PRINTED.keys() == set()
