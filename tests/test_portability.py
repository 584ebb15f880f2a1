"""What only Linux has is asked for before it is used, so that the same code runs on macOS."""

from __future__ import annotations

import ast
import re
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
ASKING = (ast.If, ast.IfExp, ast.BoolOp, ast.Call, ast.GeneratorExp)
BSD_LACKS = re.compile(
    r"sed -i\b|sed -[a-z]*r\b|grep -[a-zA-Z]*P|readlink -f|date -d|stat -c|cp -t|mktemp --|"
    r"xargs -r|\bnproc\b"
)


def unguarded(source: str) -> list[str]:
    """What of Linux alone is used without being asked for."""
    found = []

    def visit(node: ast.AST, guarded: bool) -> None:
        if isinstance(node, ast.Attribute) and LINUX_CALLS.fullmatch(node.attr) and not guarded:
            found.append(node.attr)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and LINUX_FILES.match(node.value):
            found.extend([node.value] * (not guarded))
        if isinstance(node, ast.FunctionDef):
            guarded = any(isinstance(each, ast.If) and asks(each.test) and leaves(each.body) for each in node.body)
        for child in ast.iter_child_nodes(node):
            visit(child, guarded or is_guard(node))

    visit(ast.parse(source), guarded=False)
    return found


def is_guard(node: ast.AST) -> bool:
    """Whether what stands in it is used only where it is, or may fail."""
    if isinstance(node, ast.With):
        return any(asks(item) for item in node.items)
    return isinstance(node, ast.Try) or (isinstance(node, ASKING) and asks(node))


def asks(node: ast.AST) -> bool:
    """Whether one of the guards is called in it."""
    functions = [each.func for each in ast.walk(node) if isinstance(each, ast.Call)]
    return bool({getattr(function, "attr", getattr(function, "id", "")) for function in functions} & {*GUARDS})


def leaves(body: list[ast.stmt]) -> bool:
    return isinstance(body[-1], ast.Return | ast.Raise)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_only_linux_has_is_asked_for_first(path: Path) -> None:
    assert unguarded(path.read_text(encoding="utf8")) == []


def test_the_search_finds_what_is_not_guarded() -> None:
    assert unguarded("def f():\n    return os.sched_getaffinity(0)") == ["sched_getaffinity"]
    assert unguarded("def f():\n    return open('/proc/self/stat')") == ["/proc/self/stat"]
    assert unguarded("def f():\n    if hasattr(os, 'posix_fallocate'):\n        os.posix_fallocate(1, 0, 2)") == []
    assert unguarded("def f():\n    if not hasattr(os, 'pipe2'):\n        return\n    os.pipe2(0)") == []
    assert unguarded("def f():\n    try:\n        g()\n    except E:\n        h()\n    os.pipe2(0)") == ["pipe2"]


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
