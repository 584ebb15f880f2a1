"""The documentation and the docstrings promise only what there is: files, scripts, options, studies, make targets."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import subprocess
from dataclasses import MISSING, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from dvc.cli import parse_args
from hydra.core.override_parser.overrides_parser import OverridesParser

from build_site import LANGUAGES
from lessons import render_lessons
from overcast.core.paths import ROOT

DOCS = ROOT / "docs"
PAGES = [path for path in sorted(DOCS.rglob("*.md")) if path.parent.name != "course"]
"""But for the course, whose pages are templates: see `lessons`."""
DOCUMENTS = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")), *PAGES]
GROUPS = ("data", "model", "mitigation", "trainer", "tracking")
BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""Other blocks are what commands print, files, and Python, which tests/test___init__.py runs."""
PLACEHOLDER = re.compile(r"[…<$]")
"""What stands for something a reader fills in: such a word is not checked, the others of its command are."""
FILLED_IN = ("data=skies", "model=ann", "mitigation=none", "seed=0", "epochs=1", "lr=0.1", "split.fold=0")
"""What a study's cells and repeats give each run, and a study by itself lacks."""


def name_of(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


def lessons() -> dict[str, str]:
    """The course's pages with their figures, each by its name."""
    with TemporaryDirectory() as scratch:
        found = {}
        for language, pages in LANGUAGES.items():
            target = Path(scratch) / language
            shutil.copytree(pages / "course", target / "course")
            render_lessons(target, language)
            found |= {f"{language}-{path.stem}": path.read_text(encoding="utf8") for path in target.glob("course/*.md")}
    return found


LESSONS = lessons()
TEXTS = {name_of(path): path.read_text(encoding="utf8") for path in DOCUMENTS} | LESSONS


def blocks(text: str) -> list[str]:
    """The commands between fences."""
    return SHELL.findall(text)


def spans(text: str) -> list[str]:
    """What stands between backticks, on one line each."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", BLOCK.sub("", text))]


def in_code() -> list[str]:
    """The commands in docstrings and in comments of option files."""
    files = [*ROOT.glob("src/**/*.py"), *ROOT.glob("pipelines/*.py"), *ROOT.glob("conf/**/*.yaml")]
    found = re.compile(r"(?:^[ #]*|``)(python pipelines/[^\n`]+)", re.MULTILINE)
    texts = [line for path in sorted(files) for line in found.findall(path.read_text(encoding="utf8"))]
    return [command for line in texts for command in line.split(" && ")]


def commands() -> list[tuple[str, ...]]:
    """The words of all commands, and of all options by themselves, less those a reader fills in; each once."""
    texts = TEXTS.values()
    lines = [line for each in texts for block in blocks(each) for line in block.replace("\\\n", "").splitlines()]
    spanned = [span for each in texts for span in spans(each)]
    option = re.compile(r"""["']?\+?[\w./]+=\S+(\s|$)""")
    lines += [span for span in spanned if span.startswith(("python ", "make ")) or option.match(span)]
    split = [shlex.split(line, comments=True) for line in [*lines, *in_code()]]
    kept = [tuple(word for word in words if not PLACEHOLDER.search(word)) for words in split]
    return list(dict.fromkeys(words for words in kept if words not in ((), ("python",))))


def slugs(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", document.read_text(encoding="utf8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_and_pictures_exist(document: Path) -> None:
    found = re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", document.read_text(encoding="utf8"))
    inside = [link for link in found if not link.startswith(("http:", "https:"))]
    assert inside
    for link in inside:
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        assert target.exists(), link
        assert not anchor or anchor in slugs(target), link


@pytest.mark.parametrize("document", TEXTS)
def test_blocks_are_what_a_shell_understands(document: str) -> None:
    for block in blocks(TEXTS[document]):
        done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
        assert done.returncode == 0, block + done.stderr


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_is_one(compose_as_script: Any, words: tuple[str, ...]) -> None:
    match words:
        case ["make", *targets]:
            known = re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(encoding="utf8"), re.MULTILINE)
            assert {target for target in targets if "=" not in target} <= set(known)
        case ["python", path, *arguments]:
            assert (ROOT / path).is_file()
            if path.startswith("pipelines/"):
                check_arguments(compose_as_script, ROOT / path, arguments)
        case ["dvc", "exp", "run", *arguments]:
            check_composes(compose_as_script, [word for word in arguments if word != "-S"])
        case ["torchrun", *arguments] | ["srun", "--nodes=2", "--ntasks-per-node=1", "torchrun", *arguments]:
            tested = (ROOT / "tests" / "training" / "test_torchrun.py").read_text(encoding="utf8")
            script = arguments.index("pipelines/train.py")
            assert all(word.partition("=")[0] in tested for word in arguments[:script])
            check_arguments(compose_as_script, ROOT / "pipelines/train.py", arguments[script + 1 :])
        case ["ray", "start", *arguments]:  # as the test of two nodes starts them
            tested = (ROOT / "tests" / "pipelines" / "test_study.py").read_text(encoding="utf8")
            assert all(word.partition("=")[0] in tested for word in arguments)
        case ["initdb" | "pg_ctl" | "createdb" | "weed" | "mlflow" | "pg_dump" | "pg_restore", *arguments]:
            tested = (ROOT / "tests" / "faults" / "shared_server.py").read_text(encoding="utf8")
            assert [word for word in arguments if word[0] == "-" and word.partition("=")[0] not in tested] == []
        case ["docker", "compose", "-f", file, *_]:
            assert (ROOT / file).is_file()
        case ["dvc", *arguments]:
            parse_args(arguments)
        case ["export" | "mkdir" | "cp" | "kill" | ".", *_]:  # `test_blocks_are_what_a_shell_understands`
            pass
        case [first, *_] if "=" in first:
            check_composes(compose_as_script, [*words])
        case _:
            raise AssertionError("neither python, make, dvc, a server's part nor options: nothing would check it")


def check_arguments(compose: Any, script: Path, arguments: list[str]) -> None:
    """The options of a script with a few of its own are all of that script's; those of the others compose."""
    arguments = [word for word in arguments if not word.startswith("language=")]  # every script's
    own = runpy.run_path(str(script)).get("Arguments")
    if own is None:
        page = [word for word in arguments if script.stem == "audit" and word.startswith(("out=", "language="))]
        check_composes(compose, [word for word in arguments if word not in page])
        return
    names = {field.name for field in fields(own)} - {"overrides"}
    if len(names) < len(fields(own)):
        further = [word for word in arguments if word.partition("=")[0] not in names]
        arguments = [word for word in arguments if word not in further]
        check_composes(compose, further)
    given = {word.partition("=")[0].partition(".")[0] for word in arguments}
    assert given <= {field.name for field in fields(own)}
    assert {field.name for field in fields(own) if field.default is MISSING} - {"overrides"} <= given


def check_composes(compose: Any, words: list[str]) -> None:
    """Each value of a sweep in one run at least. Another launcher may be one of an extra."""
    overrides = [word for word in words if word != "-m" and not re.match(r"\+?hydra[/.]launcher|language=", word)]
    if any(word.startswith("+study=") for word in words):
        given = {word.partition("=")[0] for word in words}
        overrides = [*(word for word in FILLED_IN if word.partition("=")[0] not in given), *overrides]
    parsed = OverridesParser.create().parse_overrides(overrides)
    values = [
        [f"{each.get_key_element()}={value}" for value in each.sweep_string_iterator()]
        if "-m" in words and each.is_sweep_override()
        else [word]
        for each, word in zip(parsed, overrides, strict=True)
    ]
    for number in range(max(map(len, values), default=0)):
        compose([own[number % len(own)] for own in values])


def test_options_named_exist() -> None:
    named = {span for text in TEXTS.values() for span in spans(text)}
    known = {f"{group}.{key}" for group in GROUPS for option in options(group).values() for key in option}
    known |= {f"split.{key}" for key in yaml.safe_load((ROOT / "params.yaml").read_text())["split"]}
    asked = {name for name in named if re.fullmatch(rf"({'|'.join(GROUPS)}|split)\.\w+", name)}
    assert asked
    assert asked <= known


@pytest.mark.parametrize("group", GROUPS)
def test_the_page_of_options_lists_all_choices_and_no_others(group: str) -> None:
    text = (DOCS / "guide" / "running.md").read_text(encoding="utf8")
    rows = re.findall(rf"^\| `{group}`[^|]*\|(.*)\|$", text, re.MULTILINE)
    listed = {span for row in rows for span in spans(row) if re.fullmatch(r"[a-z][a-z0-9_]*", span)}
    assert listed == set(options(group))


def test_the_page_of_studies_lists_all() -> None:
    text = (DOCS / "guide" / "studies.md").read_text(encoding="utf8")
    listed = re.findall(r"^\| `\+study=(\w+)` \|", text, re.MULTILINE)
    assert sorted(listed) == sorted(path.stem for path in (ROOT / "conf/study").glob("*.yaml"))


def options(group: str) -> dict[str, dict[str, Any]]:
    """Each option file of a group, by its name."""
    return {path.stem: yaml.safe_load(path.read_text()) or {} for path in (ROOT / "conf" / group).glob("*.yaml")}
