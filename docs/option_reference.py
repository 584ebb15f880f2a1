"""The pages of every option, written from conf/, params.yaml and docstrings: part of `make docs`.

Nothing is listed here: a group is a folder of conf/, a choice a file in it, an option a key of the file or a field of
the schema. Its type and bounds come from the annotations that check it, what it means from the comment or docstring
beside it.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, get_type_hints

import yaml
from omegaconf import OmegaConf
from pydantic import TypeAdapter

from overcast.config.options import ENDS
from overcast.config.schema import RunSettings
from overcast.core.paths import ROOT

CONF = ROOT / "conf"
TOP = "run"
"""The page of what stands in params.yaml, or on a command line, and is of no group."""
TYPES = {
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "string": "text",
    "array": "list",
    "object": "name: value",
}
HEAD = "| option | default | takes | what it is |\n|---|---|---|---|\n"
Row = tuple[str, str, str, str]


def write_option_reference(folder: Path) -> list[str]:
    """A page a group of conf/ into ``folder``, and one of a run's other options; their names, as in the menu."""
    folder.mkdir(parents=True, exist_ok=True)
    groups = sorted({path.parent.relative_to(CONF).as_posix() for path in CONF.rglob("*/*.yaml")})
    pages = {TOP: run_page()} | {group.replace("/", "-"): group_page(group) for group in groups}
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text, encoding="utf8")
    return list(pages)


def run_page() -> str:
    """What params.yaml holds, and every other option that is of no group."""
    defaults, comments = read_option_file(ROOT / "params.yaml")
    hints = get_type_hints(RunSettings)
    groups = {path.name for path in CONF.iterdir() if path.is_dir()}
    own = [field.name for field in fields(RunSettings) if not is_dataclass(hints[field.name])]
    known = described_fields(RunSettings)
    rows: list[Row] = []
    for name in own:
        default = defaults.get(name, getattr(RunSettings, name, None))
        rows.append((name, shown(default), takes(hints[name]), comments.get(name) or known.get(name, "")))
    text = "# Options of a run\n\nEach is a word of the command line, as in `epochs=30`. "
    text += f"`params.yaml` holds the defaults:\n\n```yaml\n{(ROOT / 'params.yaml').read_text(encoding='utf8')}```\n\n"
    text += HEAD + "".join(map(line, rows))
    for name, hint in hints.items():
        if is_dataclass(hint) and name not in groups:
            text += f"\n## {name}\n\n" + schema_table(name, hint, defaults.get(name, {}))
    return text


def group_page(group: str) -> str:
    """Every choice of one group: how it is chosen, what it is, and its options."""
    text = f"# Options: {group}\n\n"
    schema = get_type_hints(RunSettings).get(group)
    if is_dataclass(schema):
        text += schema_table(group, schema, {})
    for path in sorted((CONF / group).glob("*.yaml")):
        text += f"\n## {path.stem}\n\n`{chosen(group, path.stem)}`\n\n{choice(group, path)}\n"
    return text


def chosen(group: str, name: str) -> str:
    """The words that choose it."""
    if group == "metric":
        return f"study.outcomes=[nll,{name}]" if name != "nll" else "study.outcomes=[nll]"
    return f"{'+' if group == 'study' else ''}{group}={name}"


def choice(group: str, path: Path) -> str:
    """What one choice is, then a table of its options; of a file that builds nothing itself, what stands in it."""
    values, comments = read_option_file(path)
    target = values.pop("_target_", "")
    built = loaded(target) if target else None
    said = comments.get("") or (docstring(built) if built else "")
    if not built or group == "metric":
        content = re.sub(r"\A(#.*\n)+", "", path.read_text(encoding="utf8")).strip()
        return f"{markdown(said)}\n\n```yaml\n{content}\n```\n"
    prefix = f"{group}.{path.stem}" if group == "mitigation" else group.replace("/", ".")
    hints = get_type_hints(built.__init__, include_extras=True)
    rows = [
        (f"{prefix}.{key}", shown(value), takes(hints.get(key, Any)), comments.get(key, ""))
        for key, value in values.items()
    ]
    return markdown(said) + "\n\n" + (HEAD + "".join(map(line, rows)) if rows else "It has no options.\n")


def read_option_file(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Its values, and the comment beside each key; as "" what is said before the first key."""
    lines = path.read_text(encoding="utf8").splitlines()
    first = next((number for number, text in enumerate(lines) if text and text[0] != "#"), len(lines))
    comments = {"": "\n".join(text[2:] for text in lines[:first] if not text.startswith("# @package"))}
    for text in lines[first:]:
        if found := re.match(r"(\w+):.*?\s# ?(.+)$", text):
            comments[found[1]] = found[2]
    return yaml.safe_load("\n".join(lines)) or {}, comments


def loaded(target: str) -> Any:
    module, _, name = target.rpartition(".")
    return getattr(importlib.import_module(module), name)


def docstring(built: Any) -> str:
    """A choice's module, then its class, in their own words; a shared module says nothing of one choice."""
    module = importlib.import_module(built.__module__)
    own = "" if Path(str(module.__file__)).stem == "__init__" else inspect.getdoc(module) or ""
    return f"{own}\n\n{inspect.getdoc(built) or ''}"


def schema_table(group: str, schema: Any, defaults: Mapping[str, Any]) -> str:
    """The fields of one part of the typed config."""
    known, hints = described_fields(schema), get_type_hints(schema)
    rows: Iterator[Row] = (
        (f"{group}.{name}", shown(defaults.get(name, value)), takes(hints[name]), known.get(name, ""))
        for name, value in OmegaConf.to_container(OmegaConf.structured(schema)).items()
    )
    return markdown(known[""]) + "\n\n" + HEAD + "".join(map(line, rows))


def described_fields(schema: Any) -> dict[str, str]:
    """What a dataclass says of each field, below it or in its own docstring; as "" what it says before these."""
    names = [field.name for field in fields(schema)]
    said = re.split(rf"(?:^|(?<=\s))({'|'.join(names)}): ", (inspect.getdoc(schema) or "").split("Raises:")[0])
    known = {"": said[0].strip()} | dict(zip(said[1::2], said[2::2], strict=True))
    body = ast.parse(inspect.getsource(schema)).body[0].body  # type: ignore[attr-defined]
    for field, below in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            known[ast.unparse(field.target)] = str(below.value.value)
    return known


def takes(hint: Any) -> str:
    """Which values an annotation allows, in words: "whole number, at least 1, or null"."""
    try:
        schema = TypeAdapter(hint).json_schema()
    except Exception:  # what has no JSON schema is still a choice of its class
        return ""
    kinds = [kind(each) for each in schema.get("anyOf", [schema])]
    return ", or ".join(dict.fromkeys(each for each in kinds if each))


def kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    ends = [f"{word} {schema[key]:,.15g}" for key, word in ENDS.items() if key in schema]
    return ", ".join([TYPES.get(schema.get("type", ""), schema.get("type", "")), *ends])


def shown(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return f"`{str(value).lower().replace('none', 'null')}`"
    if value == "???":
        return "must be given"
    if isinstance(value, list | tuple | dict):
        return (
            f"`{yaml.safe_dump(list(value) if isinstance(value, tuple) else value, default_flow_style=True).strip()}`"
        )
    return f"`{value}`" if value != "" else "nothing"


def line(row: Row) -> str:
    """A row of a table. What is said may have several paragraphs."""
    name, *cells = row
    words = [" ".join(cell.replace("``", "`").replace("|", "\\|").split()) for cell in cells]
    return f"| `{name}` | {' | '.join(words)} |\n"


def markdown(text: str) -> str:
    """A docstring as Markdown: double backticks are code, and so are lines that are moved in."""
    text = re.sub(r"``(.+?)``", r"`\1`", text.replace("::\n", ":\n")).strip()
    text = text[:1].upper() + text[1:]
    made: list[str] = []
    for code, lines in grouped(text.splitlines()):
        shell = "sh" if lines[0].strip().startswith("python pipelines") else "text"
        made += ["", f"```{shell}", *(inspect.cleandoc("\n".join(lines)).splitlines()), "```", ""] if code else lines
    return "\n".join(made).strip()


def grouped(lines: list[str]) -> Iterator[tuple[bool, list[str]]]:
    """Lines that follow each other, and whether they are moved in."""
    block: list[str] = []
    for text in lines:
        if block and text.strip() and text.startswith("    ") != block[0].startswith("    "):
            yield block[0].startswith("    "), block
            block = []
        if text.strip() or block:
            block.append(text)
    if block:
        yield block[0].startswith("    "), block
