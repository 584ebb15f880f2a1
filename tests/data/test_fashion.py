"""Fashion-MNIST from tiny archives of the same layout: its parts, its limit, and each way to be another file."""

from __future__ import annotations

import gzip
import hashlib
import os
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overcast.config.options import Option
from overcast.core.errors import UserError
from overcast.data import build_dataset, fashion
from overcast.data.fashion import CLASSES, Fashion, read_idx
from overcast.fetch.manifest import VERIFIED, read_manifest
from overcast.prepare import decode
from overcast.prepare.download import download
from overcast.prepare.pack import open_pack, pack
from overcast.prepare.split import read_parts, split

MIRROR = Path(os.environ.get("OVERCAST_MIRROR", "no mirror"))
EACH = {"train": 8, "t10k": 2}
"""Made-up pictures of each class."""


def idx(values: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">i4").tobytes()
    return header + values.astype(np.uint8).tobytes()


def made() -> dict[str, np.ndarray]:
    """The content of each file; the row's number is written into its picture, the second row is as the first."""
    content = {}
    for start, each in EACH.items():
        images = np.random.default_rng(each).integers(0, 255, (10 * each, 28, 28), dtype=np.uint8)
        images[:, 0, 0] = np.arange(10 * each)
        images[10] = images[0]
        content[f"{start}-images-idx3-ubyte"] = images
        content[f"{start}-labels-idx1-ubyte"] = np.arange(10 * each) % 10
    return content


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the four archives; the manifest is theirs."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    lines = []
    for name, values in made().items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(idx(values), 1))
        lines.append(f"{hashlib.sha256(idx(values)).hexdigest()}  {name}\n")
    (tmp_path / "manifest").write_text("".join(lines))
    monkeypatch.setattr(fashion, "MANIFEST", tmp_path / "manifest")
    monkeypatch.setattr(decode, "cores", lambda: 1)
    return folder


def test_from_archives_to_parts(mirror: Path, tmp_path: Path) -> None:
    download("fashion", Fashion(), tmp_path, mirror)
    assert not list((tmp_path / "fashion/raw").glob("*.gz"))
    pack("fashion", Fashion(), {"max_per_class": 0}, tmp_path)
    split("fashion", tmp_path, seed=0, folds=3)
    packed, parts = open_pack(tmp_path, "fashion"), read_parts(tmp_path, "fashion", 0, 0, 3)
    assert packed.spec.classes == tuple(sorted(CLASSES))
    assert (parts[80:] == "test").all()
    assert not (parts[:80] == "test").any()
    assert Counter(packed.index["part"]) == {"train": 80, "test": 20}
    content = made()
    images = np.concatenate([content[f"{start}-images-idx3-ubyte"] for start in EACH])
    assert (packed.values[:, 0] == images).all()
    assert [CLASSES.index(label) for label in packed.index["label"]] == [row % 10 for row in range(100)]
    assert packed.index["duplicate"][0] == packed.index["duplicate"][10]
    assert parts[0] == parts[10]


def test_limit_is_of_each_class_in_each_part(mirror: Path, tmp_path: Path) -> None:
    raw = download("fashion", Fashion(), tmp_path, mirror)
    count = Counter((s.part, s.label) for s in Fashion(max_per_class=3).samples(raw))
    assert {count["train", label] for label in CLASSES} == {3}
    assert {count["test", label] for label in CLASSES} == {2}


def test_loaded_the_same_in_a_worker(mirror: Path, tmp_path: Path) -> None:
    raw, dataset = download("fashion", Fashion(), tmp_path, mirror), Fashion()
    sample = dataset.samples(raw)[37]
    assert dataset.load(raw, sample).shape == (1, 28, 28)
    assert (pickle.loads(pickle.dumps(dataset)).load(raw, sample) == dataset.load(raw, sample)).all()
    assert dataset.load(raw, sample)[0, 0, 0] == 37


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t10k-labels-idx1-ubyte", None, r"has no file t10k-labels-idx1-ubyte\.gz: put it there"),
        ("t10k-labels-idx1-ubyte", b"no gz", "t10k-labels-idx1-ubyte.gz is damaged"),
        ("train-images-idx3-ubyte", gzip.compress(idx(np.zeros((80, 28, 28)))), "should be: train-images"),
    ],
)  # fmt: skip
def test_other_archives(mirror: Path, tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    (mirror / f"{name}.gz").unlink()
    if content:
        (mirror / f"{name}.gz").write_bytes(content)
    with pytest.raises(UserError, match=message):
        download("fashion", Fashion(), tmp_path, mirror)
    assert not (tmp_path / "fashion/raw").exists()


@pytest.mark.parametrize("content", [None, b"", b"\0\0", b"PNG of an image", idx(np.zeros((9, 3)))[:-1]])
def test_damaged_since_the_download(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "x").write_bytes(content)
    with pytest.raises(UserError, match=r"x is missing or damaged: run `python pipelines/download\.py data=fashion`"):
        read_idx(tmp_path / "x")


def test_anyones_picture_becomes_a_small_grey_one(tmp_path: Path) -> None:
    Image.new("RGB", (90, 60), "white").save(tmp_path / "a.jpg")
    assert Fashion().read(tmp_path / "a.jpg").shape == (1, 28, 28)


@pytest.mark.skipif(not (MIRROR / "t10k-labels-idx1-ubyte.gz").exists(), reason="needs OVERCAST_MIRROR")
def test_the_published_content(tmp_path: Path) -> None:
    Fashion().fetch(tmp_path, MIRROR)
    assert (tmp_path / VERIFIED).read_text().split() == ["{", '"unlisted":', "[],", '"missing":', "[]", "}"]
    assert len(read_manifest(fashion.MANIFEST)) == 4
    count = Counter((s.part, s.label) for s in Fashion().samples(tmp_path))
    assert count == {(p, c): n for p, n in (("train", 6000), ("test", 1000)) for c in CLASSES}


@pytest.mark.parametrize(("option", "value"), [("max_per_class", -1), ("max_per_class", 0.5)])
def test_impossible_options(option: str, value: float) -> None:
    with pytest.raises(UserError, match=rf"data\.{option}={value}: must be"):
        build_dataset(Option.from_dict({"_target_": "overcast.data.fashion.Fashion", option: value}))
