"""The pages of options: every option file and every key in one has its place, with a word on what it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from option_reference import write_option_reference
from overcast.core.paths import ROOT

FILES = sorted((ROOT / "conf").rglob("*/*.yaml"))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("reference")
    names = write_option_reference(folder)
    assert sorted(names) == sorted(path.stem for path in folder.glob("*.md"))
    return {name: (folder / f"{name}.md").read_text(encoding="utf8") for name in names}


def section(pages: dict[str, str], path: Path) -> str:
    """What the page of its group says of one option file."""
    page = pages["-".join(path.parent.relative_to(ROOT / "conf").parts)]
    (found,) = re.findall(rf"^## {path.stem}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT / "conf").as_posix())
def test_every_option_file_and_its_keys_are_in_a_page(pages: dict[str, str], path: Path) -> None:
    text = section(pages, path)
    for key in yaml.safe_load(path.read_text(encoding="utf8")) or {}:
        assert key == "_target_" or re.search(rf"\b{key}(`|:)", text), key


def test_an_option_has_its_default_its_bounds_and_what_it_is(pages: dict[str, str]) -> None:
    dropout = section(pages, ROOT / "conf/mitigation/dropout.yaml")
    bounds = "number, at least 0, below 1"
    assert f"| `mitigation.dropout.p` | `0.3` | {bounds} | chance that a hidden unit is left out of a step |" in dropout
    assert "Srivastava et al." in dropout
    assert "| `data.path` | must be given | text |" in section(pages, ROOT / "conf/data/folder.yaml")


def test_every_option_says_what_it_is(pages: dict[str, str]) -> None:
    rows = {line for page in pages.values() for line in page.splitlines() if re.match(r"\| `[\w.]+` \|", line)}
    assert len(rows) > 100
    assert not [row for row in rows if re.search(r"\| *\|$", row)]


def test_what_params_yaml_holds_is_on_the_page_of_a_run(pages: dict[str, str]) -> None:
    for name in yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf8"))["split"]:
        assert f"| `split.{name}` |" in pages["run"]
    for name in ("seed", "epochs", "train_fraction", "resume"):
        assert f"| `{name}` |" in pages["run"]
