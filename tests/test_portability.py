"""What only Linux has is asked for before it is used, so that the same code runs on macOS."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from overcast.core.paths import ROOT

FILES = [*sorted(ROOT.glob("src/**/*.py")), *sorted(ROOT.glob("pipelines/*.py"))]
LINUX_CALLS = re.compile(
    r"sched_[gs]etaffinity|posix_f\w+|memfd_create|sendfile|splice|pidfd_open|prctl|copy_file_range|getrandom|pipe2|"
    r"O_DIRECT|O_TMPFILE|MADV_\w+|PR_SET_\w+|inotify\w*|epoll|SIGRTMIN|RLIMIT_\w+|setresuid|unshare"
)
LINUX_FILES = re.compile(r"^/(proc|sys|dev/shm|etc/machine-id)\b")
GUARDS = ("hasattr", "exists", "suppress", "_text")
"""What asks first, or goes on without; `try` does, too. `_text` reads a file, "" where there is none."""
BSD_LACKS = re.compile(
    r"sed -i\b|sed -[a-z]*r\b|grep -[a-zA-Z]*P|readlink -f|date -d|stat -c|cp -t|mktemp --|"
    r"xargs -r|\bnproc\b"
)


def uses(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """What of Linux alone stands in it, and the function around, or the file."""

    def visit(node: ast.AST, scope: ast.AST) -> Iterator[tuple[ast.AST, str]]:
        if isinstance(node, ast.FunctionDef):
            scope = node
        if isinstance(node, ast.Attribute) and LINUX_CALLS.fullmatch(node.attr):
            yield scope, node.attr
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and LINUX_FILES.match(node.value):
            yield scope, node.value
        for child in ast.iter_child_nodes(node):
            yield from visit(child, scope)

    yield from visit(tree, tree)


def is_guarded(scope: ast.AST) -> bool:
    """Whether the function asks before it uses what may not be there."""
    functions = [node.func for node in ast.walk(scope) if isinstance(node, ast.Call)]
    calls = {getattr(function, "attr", getattr(function, "id", "")) for function in functions}
    return bool(calls & {*GUARDS}) or any(isinstance(node, ast.Try) for node in ast.walk(scope))


def unguarded(source: str) -> list[str]:
    return [name for scope, name in uses(ast.parse(source)) if not is_guarded(scope)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_only_linux_has_is_asked_for_first(path: Path) -> None:
    assert unguarded(path.read_text(encoding="utf8")) == []


def test_the_search_finds_what_is_not_guarded() -> None:
    assert unguarded("def f():\n    return os.sched_getaffinity(0)") == ["sched_getaffinity"]
    assert unguarded("def f():\n    return open('/proc/self/stat')") == ["/proc/self/stat"]
    assert unguarded("def f():\n    if hasattr(os, 'posix_fallocate'):\n        os.posix_fallocate(1, 0, 2)") == []


def test_processes_are_started_in_a_way_that_all_systems_have() -> None:
    """Not by fork, which macOS's own libraries do not survive; forkserver and spawn are on both."""
    asked = re.compile(r"(?:get_context|set_start_method)\(\s*\"(\w+)\"")
    found = {way for path in FILES for way in asked.findall(path.read_text(encoding="utf8"))}
    assert found == {"spawn", "forkserver"}


def test_the_makefile_asks_nothing_of_its_tools_that_only_gnu_s_have() -> None:
    assert BSD_LACKS.findall((ROOT / "Makefile").read_text(encoding="utf8")) == []


def test_no_two_files_differ_in_case_alone() -> None:
    """On macOS one would stand for both."""
    folders = [ROOT / name for name in ("src", "conf", "pipelines", "tests")]
    names = [str(path.relative_to(ROOT)) for folder in folders for path in folder.rglob("*")]
    lower = [name.lower() for name in names]
    assert sorted(name for name in names if lower.count(name.lower()) > 1) == []
