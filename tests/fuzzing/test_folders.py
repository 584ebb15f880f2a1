"""Folders of pictures, sounds and texts: of any name, format, size and damage, with files among them that are none."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from in_process import check_end, fresh_home, pack_rows, run_script
from texts import file_names

MODES = ["RGB", "L", "1", "P", "RGBA", "LA", "CMYK", "I", "F", "I;16", "HSV"]
JUNK = [".db", ".heic", ".md", ".mp3", ".svg", "", ".ini"]


@dataclass(frozen=True)
class File:
    """A file by what makes it. kind: its ending, and for a picture its mode. seed: of its content. size: of a picture
    in pixels, of a sound in steps, of a text in characters.
    """

    name: str
    kind: tuple[str, str]
    size: tuple[int, int]
    seed: int
    damage: str

    @property
    def full_name(self) -> str:
        """With its ending."""
        return self.name + self.kind[0]

    def content(self) -> bytes:
        """Its bytes, damaged."""
        random = np.random.default_rng(self.seed)
        whole = self._whole(random)
        match self.damage:
            case "cut":
                return whole[: int(random.integers(len(whole) + 1))]
            case "changed" if whole:
                place = int(random.integers(len(whole)))
                return whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
            case "noise":
                return random.bytes(100)
        return whole

    def _whole(self, random: np.random.Generator) -> bytes:
        ending, mode = self.kind
        if ending == ".wav":
            return _wav(random, int(mode), *self.size)
        if ending == ".txt":
            return "".join(map(chr, random.integers(32, 0x9FFF, self.size[0]))).encode("utf8")
        return _picture(random, ending[1:], mode, self.size) if mode else random.bytes(30)


def _picture(random: np.random.Generator, kind: str, mode: str, size: tuple[int, int]) -> bytes:
    image = Image.fromarray(random.integers(0, 256, (*size, 3), np.uint8).repeat(2, 0)).convert("RGB")
    content = io.BytesIO()
    try:
        (Image.new(mode, size) if mode in ("I;16", "F", "I") else image.convert(mode)).save(content, kind)
    except (OSError, KeyError, ValueError):  # not every format takes every mode
        content = io.BytesIO()
        image.save(content, kind)
    return content.getvalue()


def _wav(random: np.random.Generator, width: int, channels: int, steps: int) -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1 + channels % 3)
        file.setsampwidth(width)
        file.setframerate(int(random.choice([1, 8000, 16000, 44100, 192000])))
        file.writeframes(random.bytes(100 * steps * (1 + channels % 3) * width))
    return content.getvalue()


PICTURES = [(f".{kind}", mode) for kind in ("png", "jpeg", "bmp", "gif", "tiff", "webp") for mode in MODES]
SOUNDS = [(".wav", str(width)) for width in (1, 2, 3, 4)]
TEXTS = [(".txt", "")]


def folders(kinds: list[tuple[str, str]]) -> st.SearchStrategy[dict[str, list[File]]]:
    """Classes, each with its files; some are none of the kind."""
    files = st.builds(
        File,
        name=file_names,
        kind=st.one_of(*[st.sampled_from(kinds)] * 4, st.sampled_from([(ending, "") for ending in JUNK])),
        size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
        seed=st.integers(0, 1 << 30),
        damage=st.sampled_from(["", "", "", "cut", "changed", "noise"]),
    )
    usable = file_names.filter(lambda name: name not in ("", ".", ".."))
    of_a_class = st.lists(files, min_size=8, max_size=12, unique_by=lambda file: file.full_name)
    return st.dictionaries(usable, of_a_class, min_size=1, max_size=3)


def check_folder(classes: dict[str, list[File]], *words: str) -> None:
    """It is packed, or a message says why not; each file stands in the pack, or in its audit."""
    with fresh_home() as home:
        written = set()
        for label, files in classes.items():
            for file in files:
                path = Path("files", label, file.full_name)
                path.parent.mkdir(parents=True, exist_ok=True)
                if file.full_name not in ("", ".", ".."):
                    path.write_bytes(file.content())
                    written.add(f"{label}/{file.full_name}")
        for script in ("download", "pack"):
            ended = run_script(script, *words, "data.path=files")
            check_end(ended)
            if ended.code:
                return
        name = words[0].removeprefix("data=")
        told = {row["file"] for table in ("index.csv", "audit.csv") for row in pack_rows(home, name, table)}
        untold = {file for file in written if not {file, file.partition("/")[0]} & told}  # a folder is told as a whole
        assert not untold


def test_pictures(fuzz: Any) -> None:
    fuzz(folders(PICTURES), lambda classes: check_folder(classes, "data=folder", "data.size=8"))


def test_sounds(fuzz: Any) -> None:
    fuzz(folders(SOUNDS), lambda classes: check_folder(classes, "data=recordings"))


def test_texts(fuzz: Any) -> None:
    fuzz(folders(TEXTS), lambda classes: check_folder(classes, "data=texts"))
