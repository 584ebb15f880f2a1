"""Finds what a script may say in the source: whatever reaches a UserError, `show` or `warn`, with its places named."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ERRORS = re.compile(r"\w*Error|TooSmall")
SHOWN = ("show", "warn", "in_language")
BARS = ("open_bar", "progress_bar")
WORDS = (*BARS, "in_language")
"""What is given single words, too."""
TRANSLATED = ("translate", "translatable", *SHOWN)
"""What gives a text in the language that is used, or marks one that has another place in the catalogue."""
PAGES = ("explain", "audit", "html")
"""Rooms whose texts stand in a page of their own."""
FOREIGN = ("KeyError", "ValueError", "TypeError", "RuntimeError", "OSError", "SystemError", "ImportError", "EOFError")
METHODS_OF_TEXT = ("join", "strip", "rstrip", "lstrip", "replace", "capitalize", "removeprefix", "removesuffix")


class Place(NamedTuple):
    """An expression, and where it stands."""

    node: ast.expr
    scope: ast.AST
    path: Path


class Sources:
    """The trees of some files, and what is called by which name in them."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.functions = defaultdict[str, list[tuple[ast.FunctionDef, Path]]](list)
        self.calls = defaultdict[str, list[tuple[ast.Call, ast.AST, Path]]](list)
        self.assigned = dict[ast.AST, list[tuple[str, ast.expr]]]()
        self.classes = dict[str, list[str]]()
        self.constants = defaultdict[str, list[Place]](list)
        for path in files:
            self._index(ast.parse(path.read_text(encoding="utf8")), path)

    def _index(self, tree: ast.Module, path: Path) -> None:
        for statement in tree.body:
            for name, value in _assigned(statement):
                self.constants[name].append(Place(value, tree, path))

        def visit(node: ast.AST, scope: ast.AST) -> None:
            if isinstance(node, ast.FunctionDef):
                self.functions[node.name].append((node, path))
                scope = node
            elif isinstance(node, ast.ClassDef):
                fields = [_name(each.target) for each in node.body if isinstance(each, ast.AnnAssign)]
                self.classes.setdefault(node.name, fields)
            elif isinstance(node, ast.Call):
                self.calls[_name(node.func)].append((node, scope, path))
            for child in ast.iter_child_nodes(node):
                visit(child, scope)

        visit(tree, tree)

    def messages(self) -> dict[str, str]:
        """Each message with its places, and where the first of its kind stands."""
        found, seen = dict[str, str](), set[int]()
        for name, calls in self.calls.items():
            for call, scope, path in calls:
                for argument in _shown(name, call):
                    if name in WORDS and isinstance(argument, ast.Constant) and re.search("[a-z]", argument.value):
                        found.setdefault(argument.value, f"{path.name}:{argument.lineno}")
                    for text, node, where in self.texts(Place(argument, scope, path), seen, path):
                        if says_something(text):
                            found.setdefault(text, f"{where.name}:{node.lineno}")
        return found

    def texts(self, place: Place, seen: set[int], shown_in: Path) -> Iterator[tuple[str, ast.expr, Path]]:
        """The text of an expression, or texts: of its branches, of what it is set to, returned or given as."""
        node, _, path = place
        if id(node) in seen or (path.parent.name in PAGES and path != shown_in):
            return
        seen.add(id(node))
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value.replace("{", "{{").replace("}", "}}"), node, path
        elif isinstance(node, ast.JoinedStr):
            yield template(node), node, path
        for other in self._parts(place):
            yield from self.texts(other, seen, shown_in)

    def _parts(self, place: Place) -> Iterator[Place]:
        node, scope, path = place
        inner: Sequence[ast.expr] = ()
        match node:
            case ast.JoinedStr(values):
                inner = [each.value for each in values if isinstance(each, ast.FormattedValue)]
            case ast.IfExp(_, body, orelse):
                inner = [body, orelse]
            case ast.BoolOp(_, values):
                inner = values
            case ast.BinOp(left, _, right):
                inner = [left, right]
            case ast.List(elements) | ast.Tuple(elements):
                inner = elements
            case ast.ListComp(element) | ast.GeneratorExp(element):
                inner = [element]
            case ast.Starred(value) | ast.Subscript(value) | ast.NamedExpr(_, value):
                inner = [value]
            case ast.Dict(_, values):
                inner = values
            case ast.Name(name):
                yield from self._named(name, scope, path)
            case ast.Attribute(_, name):
                yield from self._returned(name, path)
                yield from self._fields(name)
            case ast.Call(function, arguments):
                if _name(function) in TRANSLATED:
                    return
                yield from self._returned(_name(function), path)
                if isinstance(function, ast.Attribute) and function.attr in METHODS_OF_TEXT:
                    inner = arguments if function.attr == "join" else [function.value]
                elif _name(function) in ("next", "str", "dict", "sorted", "list"):
                    inner = arguments
        yield from (Place(each, scope, path) for each in inner)

    def _named(self, name: str, scope: ast.AST, path: Path) -> Iterator[Place]:
        if scope not in self.assigned:
            self.assigned[scope] = [each for node in ast.walk(scope) for each in _assigned(node)]
        values = [value for given, value in self.assigned[scope] if given == name]
        yield from (Place(value, scope, path) for value in values)
        if values:
            return
        if isinstance(scope, ast.FunctionDef):
            names = [argument.arg for argument in [*scope.args.posonlyargs, *scope.args.args]]
            if name in [*names, *(argument.arg for argument in scope.args.kwonlyargs)]:
                yield from self._given(scope, name, names)
                return
        places = [place for place in self.constants.get(name, ()) if place.path == path] or self.constants.get(name, ())
        yield from places

    def _given(self, function: ast.FunctionDef, name: str, names: list[str]) -> Iterator[Place]:
        """What calls give for a parameter."""
        names = [each for each in names if each not in ("self", "cls")]
        for call, scope, path in self.calls.get(function.name, ()):
            if name in names and len(call.args) > names.index(name):
                yield Place(call.args[names.index(name)], scope, path)
            yield from (Place(word.value, scope, path) for word in call.keywords if word.arg == name)

    def _fields(self, name: str) -> Iterator[Place]:
        """What a field of this name is given where its class is called, or is set to."""
        for kind, fields in self.classes.items():
            for call, scope, path in self.calls.get(kind, ()) if name in fields else ():
                if path.parent.name in PAGES:
                    continue
                if len(call.args) > fields.index(name) and not isinstance(call.args[0], ast.Starred):
                    yield Place(call.args[fields.index(name)], scope, path)
                yield from (Place(word.value, scope, path) for word in call.keywords if word.arg == name)

    def _returned(self, name: str, path: Path) -> Iterator[Place]:
        functions = [each for each in self.functions.get(name, ()) if each[1] == path] or self.functions.get(name, ())
        for function, where in functions:
            for node in ast.walk(function):
                if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
                    yield Place(node.value, function, where)


def _shown(name: str, call: ast.Call) -> Sequence[ast.expr]:
    """The arguments of a call that somebody reads."""
    if name in BARS:
        return [*call.args[1:3], *(word.value for word in call.keywords if word.arg in ("desc", "unit"))]
    if name in SHOWN or (ERRORS.fullmatch(name) and name not in FOREIGN):
        return call.args[:1]
    return ()


def _assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Names that a statement sets, or adds to, and to what."""
    match node:
        case ast.Assign(targets, value):
            for target in targets:
                if isinstance(target, ast.Name):
                    yield target.id, value
                elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple | ast.IfExp):
                    branches = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
                    for branch in branches:
                        if isinstance(branch, ast.Tuple):
                            yield from ((_name(one), each) for one, each in zip(target.elts, branch.elts, strict=False))
        case ast.AugAssign(target, _, value) | ast.AnnAssign(target, _, value) | ast.NamedExpr(target, value):
            if value is not None:
                yield _name(target), value
        case ast.For(target, iterated) | ast.comprehension(target, iterated):
            yield _name(target), iterated
        case ast.Call(ast.Attribute(ast.Name(name), "append" | "extend"), [value]):
            yield name, value


def _name(node: ast.AST) -> str:
    """The last name in what is called or set."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def template(text: ast.JoinedStr) -> str:
    """An f-string with a name for each of its values, the same for the same one, numbered where two have one."""
    names, shown = dict[str, str](), ""
    for part in text.values:
        if isinstance(part, ast.FormattedValue):
            source = ast.unparse(part)
            if source not in names:
                name = _value_name(part.value).strip("_").lower()
                taken = [each for each in names.values() if re.sub(r"\d+$", "", each) == name]
                names[source] = f"{name}{len(taken) + 1}" if taken else name
            shown += "{" + names[source] + "}"
        else:
            assert isinstance(part, ast.Constant)
            shown += str(part.value).replace("{", "{{").replace("}", "}}")
    return shown


def _value_name(node: ast.expr) -> str:
    """The last name in it that says what it is; ``s`` for the ending of a plural."""
    match node:
        case ast.IfExp(_, ast.Constant(body), ast.Constant(orelse)) if {body, orelse} & {"s", "es"}:
            return "s"
        case ast.BinOp(ast.Constant("s" | "es"), ast.Mult()):
            return "s"
        case ast.Call(ast.Name("getattr" | "min" | "max")):
            return "value"
        case ast.Call(ast.Attribute(ast.Name("shlex" | "math" | "json")), [argument, *_]):
            return _value_name(argument)
        case ast.Call(ast.Attribute(ast.Name("self"), name)):
            return name.strip("_")
        case ast.Name(name):
            return name
        case ast.Attribute(value, name):
            return name
        case ast.Subscript(_, ast.Constant(str() as key)):
            return re.sub(r"\W+", "_", key)
        case ast.Subscript(value, _):
            return _value_name(value)
        case ast.Call(ast.Attribute(_, "join"), [argument]) | ast.Call(ast.Name(), [argument]):
            return _value_name(argument)
        case ast.Call(function, _):
            return _value_name(function.value) if isinstance(function, ast.Attribute) else _name(function)
        case ast.GeneratorExp(element) | ast.ListComp(element):
            return _value_name(element)
        case ast.IfExp(_, body, _) if not isinstance(body, ast.Constant):
            return _value_name(body)
    inner = [_value_name(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
    return next((name for name in inner if name != "value"), "value")


def says_something(text: str) -> bool:
    """Whether there is an English word in it: not only options, file names, figures and signs."""
    plain = re.sub(r"`[^`]*`|\{\{|\}\}", " ", text)
    words = re.sub(r"\{\w+\}", "\0", plain).split()
    english = [word for word in words if re.fullmatch(r"[\0\W]*[A-Za-z][a-z']+[\0\W]*", word) and "=" not in word]
    command = text.startswith(("pip install", "\nimport"))  # and a program of its own
    return bool(english) and not command and (len(words) > 1 or "\0" in text or " " in text)
