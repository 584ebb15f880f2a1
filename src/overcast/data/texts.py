"""Anyone's texts: a folder with one sub-folder of .txt files a class, or a csv with a text and a label column.

``python pipelines/download.py data=texts data.path=/letters``
``python pipelines/download.py data=texts data.path=/letters.csv data.text=body data.label=sender``
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import PositiveInt

from overcast.core.errors import UserError
from overcast.data import Column, DataSet, Name, Sample, _folders, _tokenizers
from overcast.data._tokenizers import Tokenizer
from overcast.fetch.walk import as_on_disk
from overcast.readers.tables import read_table
from overcast.readers.text import read_text

SUFFIX = ".txt"
TABLES = (".csv", ".tsv")


class Texts(DataSet):
    """Options: path of the folder or csv; text and label, the csv's columns; max_length, the tokens kept of a text;
    tokenizer, what a text is cut into: see `overcast.data._tokenizers`.
    """

    kind = "tokens"
    raw_options: ClassVar[tuple[str, ...]] = ("path",)

    def __init__(
        self,
        path: Name,
        text: Column = "text",
        label: Column = "label",
        max_length: PositiveInt = 256,
        tokenizer: Tokenizer = "words",
    ) -> None:
        self.path, self.text, self.label, self.max_length = path, text, label, max_length
        self.split, self.vocabulary = _tokenizers.split_and_vocabulary(tokenizer)
        self._rows: dict[Path, dict[str, str]] = {}

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        source = as_on_disk(Path(self.path).expanduser()).resolve()
        if source.is_dir():
            _folders.copy_classes(self.path, raw, "texts", SUFFIX)
        elif source.is_file():
            shutil.copyfile(source, raw / self._table)
        else:
            raise UserError(f"data.path: there is no {source}: give a folder with a sub-folder a class, or a csv.")
        if len(classes := {sample.label for sample in self.samples(raw)}) < 2:
            raise UserError(f"data.path: {source} has {len(classes)} class(es), but needs two: add texts of another.")

    def samples(self, raw: Path) -> list[Sample]:
        if not (raw / self._table).is_file():
            return _folders.class_samples(raw, SUFFIX)
        table = read_table(raw / self._table)
        names, labels = [f"{self._table}:{line}" for line in table.frame.index], table.column("data.label", self.label)
        self._rows[raw] = dict(zip(names, table.cells("data.text", self.text), strict=True))
        return [Sample(name, label) for name, label in zip(names, labels, strict=True)]

    def load(self, raw: Path, sample: Sample) -> np.ndarray:
        if not (raw / self._table).is_file():
            return self.read(raw / sample.file)
        if raw not in self._rows:
            self.samples(raw)
        return self.split(self._rows[raw][sample.file], self.max_length)

    def read(self, path: Path) -> np.ndarray:
        if self._is_table(path):
            raise UserError("a table, whose lines are texts: give one of them as a .txt file")
        return self.split(read_text(path), self.max_length)

    def read_all(self, path: Path) -> Sequence[tuple[str, np.ndarray | Exception]]:
        if not self._is_table(path):
            return super().read_all(path)
        texts = read_table(path).cells("data.text", self.text)
        return [(f":{line}", self._words_or_reason(text)) for line, text in texts.items()]

    def _is_table(self, path: Path) -> bool:
        """Whether a file is one by its name, or is called as the table that the options name."""
        return path.suffix.lower() in TABLES or (bool(path.suffix) and path.suffix == Path(self.path).suffix)

    def _words_or_reason(self, text: str) -> np.ndarray | UserError:
        try:
            return self.split(text, self.max_length)
        except UserError as reason:
            return reason

    @property
    def _table(self) -> str:
        """The csv's name below the raw folder, as its user knows it."""
        return Path(self.path).name
