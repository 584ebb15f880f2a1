"""A folder of anyone's pictures, and each way in which it can be the wrong one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overcast.config.options import Option
from overcast.core.csv_rows import read_csv
from overcast.core.errors import UserError
from overcast.data import build_dataset
from overcast.data.folder import Folder
from overcast.prepare.download import download
from overcast.prepare.pack import open_pack, pack


def filled(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), "red").save(folder / name, "PNG")
    return folder


def test_classes_in_depth_without_what_is_hidden(tmp_path: Path) -> None:
    source = filled(
        tmp_path / "in",
        "b/2.png",
        "b/deep/1.jpg",
        "a/1.png",
        "a/.hidden",
        "a/.git/x",
        ".cache/1.png",
        "top.png",
    )
    raw = tmp_path / "raw"
    raw.mkdir()
    dataset = Folder(str(source), size=8, channels=1)
    dataset.fetch(raw, None)
    assert [(s.file, s.label) for s in dataset.samples(raw)] == [
        ("a/1.png", "a"),
        ("b/2.png", "b"),
        ("b/deep/1.jpg", "b"),
    ]
    assert dataset.load(raw, dataset.samples(raw)[0]).shape == (1, 8, 8)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "there is no folder"),
        (("1.png",), r"0 sub-folder\(s\)"),
        (("a/1.png", "2.png"), r"1 sub-folder\(s\)"),
        (("a/1.png", "b/.hidden"), "b is empty"),
    ],
)
def test_wrong_folders(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError, match=f"data.path: .*{message}"):
        Folder(str(filled(tmp_path / "in", *names))).fetch(tmp_path, None)


def test_a_folder_around_our_own_data(tmp_path: Path) -> None:
    filled(tmp_path, "a/1.png", "b/1.png")
    with pytest.raises(UserError, match="overcast's own data"):
        Folder(str(tmp_path)).fetch(tmp_path / "data/x/raw", None)


@pytest.mark.parametrize(("option", "value"), [("size", 0), ("size", 1025), ("channels", 2), ("channels", 4)])
def test_impossible_options(option: str, value: float) -> None:
    with pytest.raises(UserError, match=rf"data\.{option}={value}: must be"):
        build_dataset(Option.from_dict({"_target_": "overcast.data.folder.Folder", "path": "/shells", option: value}))


def test_pictures_of_12_bits_with_their_range_and_without(tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / "in" / label).mkdir(parents=True)
        for i in range(3):
            values = np.random.default_rng([ord(label), i]).integers(0, 4096, (16, 16)).astype(np.uint16)
            Image.fromarray(values).save(tmp_path / "in" / label / f"{i}.png")
    path = str(tmp_path / "in")
    download("x", Folder(path), tmp_path, None)
    with pytest.raises(
        UserError, match=r"Left out: 6 × values up to \d+ where .* data\.range=\[0,4095\], such as a/0\.png"
    ):
        pack("x", Folder(path), {}, tmp_path)
    pack("x", Folder(path, size=16, channels=1, range=(0, 2047)), {}, tmp_path)
    assert len(np.unique(open_pack(tmp_path, "x").values)) > 200
    audit = read_csv(tmp_path / "x/pack/audit.csv")
    assert audit["problem"].tolist() == ["clipped"] * 6
    with pytest.raises(UserError, match=r"data\.range=\[1, 1\]: the first, which is black, has to be below the second"):
        Folder(path, range=(1, 1))
