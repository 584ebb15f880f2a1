"""One file a data set, and the contract they share.

A data set knows how to fetch its raw files and how to list its samples. Nothing else knows it: from the
pack onwards there are only arrays, labels, groups and parts.

One to copy, as ``data/stripes.py``; ``conf/data/stripes.yaml`` holds ``_target_: overcast.data.stripes.Stripes`` and
its numbers, ``size: 16``, and ``tests/data/test_stripes.py`` is its test:

    >>> class Stripes(DataSet):
    ...     "Pictures of stripes that lie or stand."
    ...
    ...     synthetic = True
    ...     near_duplicates = False  # every picture is drawn afresh
    ...     raw_options = ("size",)
    ...
    ...     def __init__(self, size: int = 16) -> None:
    ...         self.size = size
    ...
    ...     def fetch(self, raw: Path, mirror: Path | None) -> None:
    ...         for i in range(40):
    ...             picture = np.random.default_rng(i).integers(0, 99, (1, self.size, self.size), np.uint8)  # (C, H, W)
    ...             picture[:, i % 4 :: 4, :] += 99
    ...             np.save(raw / f"{i:02}.npy", picture if i % 2 else picture.transpose(0, 2, 1))
    ...
    ...     def samples(self, raw: Path) -> list[Sample]:
    ...         return [Sample(f"{i:02}.npy", "lying" if i % 2 else "standing") for i in range(40)]
    ...
    ...     def read(self, path: Path) -> np.ndarray:
    ...         return np.load(path)
    >>> from tempfile import TemporaryDirectory
    >>> stripes = Stripes()
    >>> with TemporaryDirectory() as folder:
    ...     stripes.fetch(Path(folder), None)
    ...     stripes.load(Path(folder), stripes.samples(Path(folder))[0]).shape
    (1, 16, 16)
"""

from __future__ import annotations

import os
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from pydantic import AfterValidator, Field

from overcast.config.options import Option, build_option
from overcast.core.spec import Kind
from overcast.core.visible import visible

Name = Annotated[str, Field(coerce_numbers_to_str=True)]
"""An option that names a user's file or folder: one called 0 or 2024 comes as a number."""
Column = Annotated[Name, AfterValidator(lambda name: unicodedata.normalize("NFC", name))]
"""One that names a column of a user's table."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of a data set.

    file: path below the raw folder (or any name that `DataSet.load` understands).
    label: the class name; it is kept as `class_name` writes it.
    group: the source that must not be cut by a split (a speaker, a document, a day); "" for none.
    part: "train" or "test" where the data set comes with an official test part; "" where it does not.
    """

    file: str
    label: str
    group: str = ""
    part: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", class_name(self.label))


@lru_cache  # of a million samples each has one of a few
def class_name(text: str) -> str:
    r"""``text`` as a name that can be shown everywhere: one way of writing a letter, no blanks at its ends.

    A control character, and a byte of a folder's name that is no UTF-8, are written out:

    >>> class_name(" cafe\u0301\r\udce9 ")
    'café\\r\\xe9'
    """
    text = os.fsencode(text.strip()).decode("utf8", "backslashreplace")
    return visible(unicodedata.normalize("NFC", text))


class DataSet(ABC):
    """The contract. A data set's options are its constructor's arguments, given by ``conf/data/<name>.yaml``."""

    kind: ClassVar[Kind] = "image"
    synthetic: ClassVar[bool] = False
    near_duplicates: ClassVar[bool] = True
    """Whether pack looks for near-duplicates by perceptual hash (exact ones are always found)."""
    folds: ClassVar[int] = 10
    """How many folds it is split into where ``split.folds`` does not say; source groups may allow few only."""
    vocabulary: tuple[str, ...] = ()
    """Of tokens: all that there can be, by number; () for the words that the pack has more than once."""
    front_end: str = ""
    """Of spectrograms: what makes them, where that is made for a pretrained network."""
    by_time: bool = False
    """Whether the samples, listed in the order of time, are to be cut by time: the past trains, what follows tests."""
    gap: int = 0
    """By time: how many rows between two parts are to stay unused, so that no sample of one sees days of another."""
    known: int = 1
    """By time: how many rows back the latest label is that is known when a sample is to be predicted."""
    raw_options: ClassVar[tuple[str, ...]] = ()
    """The options, kept as attributes of the same names, that change what `fetch` writes; pack refuses raw files
    that were fetched with others."""

    @abstractmethod
    def fetch(self, raw: Path, mirror: Path | None) -> None:
        """Fill the empty folder ``raw`` with verified raw files; take archives from ``mirror`` if given.

        The caller makes the folder, and renames it into place when this returns: it need not be atomic.

        Raises: UserError if a file cannot be had or does not hold what it should.
        """

    @abstractmethod
    def samples(self, raw: Path) -> list[Sample]:
        """Every sample in ``raw``, in an order that does not depend on the file system."""

    @abstractmethod
    def read(self, path: Path) -> np.ndarray:
        """One file as an array: image (C, H, W) uint8, sequence (T, F), tokens (T,) words (str).

        Of a sequence's features float32 is kept as it is; float64, as of other people's units, is scaled to fit it.

        Raises: UserError if the file holds nothing that can be read so.
        """

    def read_all(self, path: Path) -> Sequence[tuple[str, np.ndarray | Exception]]:
        """The samples in one file, each with its place there (":7" for line 7) or why there is none.

        There is one, ``path`` itself, unless a data set overrides this for tables. Raises: UserError as `read` does.
        """
        return [("", self.read(path))]

    def load(self, raw: Path, sample: Sample) -> np.ndarray:
        """One sample as an array; data sets with many samples in one file override this."""
        return self.read(raw / sample.file)

    def shifted(self, files: Sequence[str], kind: str, severity: int) -> np.ndarray | None:
        """Of synthetic pictures, the same ones (B, C, H, W) made anew under a shift of `overcast.evaluation.shift`.

        None where that cannot be: the finished pictures are corrupted then.
        """
        return None


def build_dataset(option: Option) -> DataSet:
    """The data set of a config's ``data``. Raises: UserError as `build_option` does."""
    return build_option("data", option, contract=DataSet)  # type: ignore[type-abstract]
