"""A pack holds what the files hold, says what was odd, and is never taken for whole when it is not."""

from __future__ import annotations

import csv
import errno
import json
import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from overcast.core.csv_rows import read_csv
from overcast.core.errors import DamagedError, UserError
from overcast.data import DataSet, Sample
from overcast.data.folder import Folder
from overcast.fetch.left_out import LEFT_OUT
from overcast.fetch.manifest import VERIFIED
from overcast.prepare import decode
from overcast.prepare.download import FETCHED, download
from overcast.prepare.pack import FORMAT, Pack, open_pack, pack, read_info, read_table

OPTIONS = {"path": "?", "size": 16, "channels": 1}


def pictures(folder: Path, each: int = 4) -> Folder:
    """Two classes of noise, all different."""
    for label in ("a", "b"):
        (folder / label).mkdir(parents=True)
        for i in range(each):
            noise = np.random.default_rng([ord(label), i]).integers(0, 255, (16, 16), dtype=np.uint8)
            Image.fromarray(noise).save(folder / label / f"{i}.png")
    return Folder(str(folder), 16, 1)


def made(tmp_path: Path, dataset: DataSet, options: dict[str, object] = OPTIONS) -> Pack:
    download("x", dataset, tmp_path / "data", None)
    pack("x", dataset, options, tmp_path / "data")
    return open_pack(tmp_path / "data", "x", options)


def audit(tmp_path: Path) -> list[tuple[str, ...]]:
    with (tmp_path / "data/x/pack/audit.csv").open() as file:
        return [tuple(line) for line in list(csv.reader(file))[1:]]


class Ragged(DataSet):
    kind = "sequence"

    def fetch(self, raw: Path, mirror: Path | None) -> None:
        pass

    def samples(self, raw: Path) -> list[Sample]:
        return [Sample(str(i), "ab"[i % 2], group=f"g{i // 2}", part="test" if i > 3 else "train") for i in range(6)]

    def read(self, path: Path) -> np.ndarray:
        i = int(path.name)
        return np.full((i + 1, 2), i + 1, np.float32)


class Dated(Ragged):
    by_time, gap, known = True, 3, 2


class Tokens(Ragged):
    kind = "tokens"

    def read(self, path: Path) -> np.ndarray:
        return np.array(["to", "be", "or", "not", "to", "be"][: 1 + int(path.name)])


HARM = {
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "a bit": lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
}


def test_images(tmp_path: Path) -> None:
    pack = made(tmp_path, pictures(tmp_path / "in"))
    assert pack.spec.shape == (1, 16, 16)
    assert pack.spec.classes == ("a", "b")
    assert pack.labels.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    x, length = pack.gather(np.array([5, 0]))
    assert x.dtype == np.uint8
    assert length.tolist() == [16, 16]
    assert (x[0, 0] == np.asarray(Image.open(tmp_path / "in/b/1.png"))).all()
    assert (x[1, 0] == np.asarray(Image.open(tmp_path / "in/a/0.png"))).all()


def test_ragged_sequences_are_padded_to_the_longest_of_the_batch(tmp_path: Path) -> None:
    pack = made(tmp_path, Ragged(), {})
    assert pack.spec.shape == (6, 2)
    x, length = pack.gather(np.array([3, 0, 1]))
    assert x.shape == (3, 4, 2)
    assert x.dtype == np.float32
    assert length.tolist() == [4, 1, 2]
    assert x[:, :, 0].tolist() == [[4, 4, 4, 4], [1, 0, 0, 0], [2, 2, 0, 0]]
    assert pack.index["group"].tolist() == ["g0", "g0", "g1", "g1", "g2", "g2"]
    assert pack.index["part"].tolist() == ["train"] * 4 + ["test"] * 2


def test_the_order_and_how_to_cut_it_by_time_are_kept(tmp_path: Path) -> None:
    assert "time" not in made(tmp_path / "a", Ragged(), {}).info
    pack = made(tmp_path / "b", Dated(), {})
    assert pack.info["time"] == {"gap": 3, "known": 2}
    assert pack.index["file"].tolist() == list("012345")


def test_tokens(tmp_path: Path) -> None:
    pack = made(tmp_path, Tokens(), {})
    assert (pack.spec.shape, pack.spec.vocabulary) == ((6,), ("to", "be", "or", "not"))  # by how frequent they are
    x, _ = pack.gather(np.array([0, 2]))
    assert x.tolist() == [[2, 0, 0], [2, 3, 4]]
    assert x.dtype == np.int32


def test_bad_files_are_listed_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = pictures(tmp_path / "in")
    (tmp_path / "in/a/empty.jpg").touch()
    Image.new("L", (3, 3)).save(tmp_path / "in/b/dot.png")
    (tmp_path / "in/b/copy, of a 0.png").write_bytes((tmp_path / "in/a/0.png").read_bytes())
    pack = made(tmp_path, dataset)
    assert len(pack.labels) == 9
    assert audit(tmp_path) == [
        ("a/empty.jpg", "unreadable", "an empty file (0 bytes)"),
        ("b/dot.png", "tiny", "only 3×3 pixels"),
        ("b/copy, of a 0.png", "duplicate", "of a/0.png"),
        ("b/copy, of a 0.png", "across classes", "b, but a/0.png is a"),
    ]
    stderr = capsys.readouterr().err
    assert "Packed 9 of 11" in stderr
    assert "1 unreadable" in stderr
    assert "audit.csv" in stderr


def test_near_duplicates_share_a_group(tmp_path: Path) -> None:
    dataset = pictures(tmp_path / "in")
    with Image.open(tmp_path / "in/a/0.png") as image:
        image.resize((64, 64), Image.Resampling.BICUBIC).save(tmp_path / "in/a/saved again.jpg", quality=90)
    pack = made(tmp_path, dataset)
    group = dict(zip(pack.index["file"], pack.index["duplicate"], strict=True))
    assert group["a/0.png"] == group["a/saved again.jpg"]
    assert len(set(group.values())) == 8


def test_what_the_manifest_did_not_vouch_for_is_in_the_audit(tmp_path: Path) -> None:
    dataset = pictures(tmp_path / "in")
    raw = download("x", dataset, tmp_path / "data", None)
    (raw / VERIFIED).write_text('{"unlisted": ["a/0.png"], "missing": ["a/9.png"]}')
    pack("x", dataset, OPTIONS, tmp_path / "data")
    assert [line[:2] for line in audit(tmp_path)] == [("a/0.png", "unlisted"), ("a/9.png", "missing")]


def test_processes_give_what_one_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = pictures(tmp_path / "in")
    alone = made(tmp_path, dataset).info
    monkeypatch.setattr(decode, "FEW", 1)
    monkeypatch.setattr(decode, "cores", lambda: 2)
    assert made(tmp_path, dataset).info == alone


def test_the_fingerprint_follows_the_content(tmp_path: Path) -> None:
    dataset = pictures(tmp_path / "in")
    first = made(tmp_path, dataset).info["fingerprint"]
    assert made(tmp_path, dataset).info["fingerprint"] == first
    Image.new("L", (16, 16)).save(tmp_path / "in/a/0.png")
    assert made(tmp_path, dataset).info["fingerprint"] != first


def test_missing_or_other_raw_files(tmp_path: Path) -> None:
    dataset = pictures(tmp_path / "in")
    with pytest.raises(UserError, match=r"run `python pipelines/download\.py data=x` first \(or `dvc repro`\)"):
        pack("x", dataset, OPTIONS, tmp_path / "data")
    download("x", dataset, tmp_path / "data", None)
    with pytest.raises(UserError, match=r"path=.*/in, but the config asks for path=elsewhere"):
        pack("x", Folder("elsewhere"), OPTIONS, tmp_path / "data")
    (tmp_path / "data/x/raw" / FETCHED).write_text("{")
    with pytest.raises(UserError, match="damaged"):
        pack("x", dataset, OPTIONS, tmp_path / "data")


def test_a_class_needs_two_samples(tmp_path: Path) -> None:
    dataset = pictures(tmp_path / "in", each=2)
    (tmp_path / "in/b/0.png").write_text("damaged")
    (tmp_path / "in/notes.txt").write_text("x")
    for _ in range(2):
        with pytest.raises(
            UserError, match=r"in class b \(1\);.* Left out: 1 × not a picture.*, such as b/0\.png"
        ) as no:
            made(tmp_path, dataset)
    assert not (tmp_path / "data/x/pack").exists()
    assert str(no.value).endswith(f" Each with its reason: {tmp_path / 'data/x/audit.csv'}")
    told = read_csv(tmp_path / "data/x/audit.csv")
    assert list(zip(told["file"], told["problem"], strict=True)) == [
        ("b/0.png", "unreadable"),
        ("notes.txt", "left out"),
    ]
    shutil.copy(tmp_path / "in/a/0.png", tmp_path / "in/b/0.png")
    made(tmp_path, dataset)
    assert sorted(path.name for path in (tmp_path / "data/x").iterdir()) == ["pack", "raw"]  # which has its own


@pytest.mark.parametrize("name", [VERIFIED, LEFT_OUT, FETCHED])
@pytest.mark.parametrize("harm", HARM)
def test_what_download_noted_is_read_as_it_was_or_refused(
    tmp_path: Path, name: str, harm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = pictures(tmp_path / "in")
    (tmp_path / "in/notes.txt").write_text("x")

    def fetch(raw: Path, mirror: Path | None, fetch: Any = dataset.fetch) -> None:
        fetch(raw, mirror)
        (raw / VERIFIED).write_text('{"unlisted": ["a/0.png"], "missing": ["a/9.png"]}')

    monkeypatch.setattr(dataset, "fetch", fetch)
    path = download("x", dataset, tmp_path / "data", None) / name
    path.write_bytes(HARM[harm](path.read_bytes()))
    with pytest.raises(
        DamagedError, match=r"The raw files in .* are damaged: run `python pipelines/download\.py data=x`"
    ):
        pack("x", dataset, OPTIONS, tmp_path / "data")


def test_a_full_disk_leaves_the_old_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = pictures(tmp_path / "in")
    before = made(tmp_path, dataset).info

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("overcast.core.spec.Spec.save", full)
    with pytest.raises(UserError, match="No space left"):
        pack("x", dataset, OPTIONS, tmp_path / "data")
    assert open_pack(tmp_path / "data", "x").info == before
    assert sorted(path.name for path in (tmp_path / "data/x").iterdir()) == ["pack", "raw"]


def test_no_pack_and_other_options(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no pack in .* run `python pipelines/pack\.py data=x`"):
        open_pack(tmp_path / "data", "x")
    made(tmp_path, pictures(tmp_path / "in"))
    with pytest.raises(UserError, match="made with size=16, but the config asks for size=32"):
        open_pack(tmp_path / "data", "x", OPTIONS | {"size": 32})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, r"an older version of overcast: pack again with `python pipelines/pack\.py data=x` \(or `dvc repro`\)"),
        ({"format": FORMAT + 1}, r"a newer version of overcast: upgrade overcast, or pack again with `python"),
    ],
)
def test_a_pack_of_another_version_is_refused(tmp_path: Path, changed: dict[str, int], said: str) -> None:
    info = made(tmp_path, pictures(tmp_path / "in")).info
    assert info.pop("format") == FORMAT
    (tmp_path / "data/x/pack/pack.json").write_text(json.dumps(info | changed))
    for read in (open_pack, read_info):
        with pytest.raises(UserError, match=said):
            read(tmp_path / "data", "x")


@pytest.mark.parametrize("name", ["pack.json", "spec.json", "index.csv", "values.npy", "offsets.npy"])
@pytest.mark.parametrize("harm", [*HARM, "gone"])
def test_a_damaged_pack_says_so(tmp_path: Path, name: str, harm: str) -> None:
    made(tmp_path, Ragged(), {})
    path = tmp_path / "data/x/pack" / name
    path.unlink() if harm == "gone" else path.write_bytes(HARM[harm](path.read_bytes()))
    with pytest.raises(UserError, match=r"(is damaged|no pack).*run `python pipelines/pack\.py data=x`"):
        open_pack(tmp_path / "data", "x")


@pytest.mark.parametrize("table", ["index.csv", "audit.csv", "pairs.csv"])
def test_a_damaged_table_says_so(tmp_path: Path, table: str) -> None:
    made(tmp_path, pictures(tmp_path / "in"))
    read = partial(read_table, tmp_path / "data", "x", table)
    assert "file" in read() or "file_a" in read()
    path = tmp_path / "data/x/pack" / table
    path.write_bytes(HARM["a bit"](path.read_bytes()))
    with pytest.raises(DamagedError, match=r"The pack in .* is damaged: run `python pipelines/pack\.py data=x`"):
        read()


def test_a_pack_of_before_there_were_hashes_is_read(tmp_path: Path) -> None:
    info = made(tmp_path, pictures(tmp_path / "in")).info
    older = {name: value for name, value in info.items() if name not in ("files", "checksum")}
    (tmp_path / "data/x/pack/pack.json").write_text(json.dumps(older))
    assert open_pack(tmp_path / "data", "x").info == older


def test_classes_that_differ_by_capitals_or_blanks_are_told_of(tmp_path: Path) -> None:
    source = pictures(tmp_path / "in")
    for number, label in enumerate(("A", " a b", "ab", "ａ")):
        (tmp_path / "in" / label).mkdir()
        for i in range(2):
            noise = np.random.default_rng([number, i]).integers(0, 255, (16, 16), dtype=np.uint8)
            Image.fromarray(noise).save(tmp_path / "in" / label / f"{i}.png")
    made(tmp_path, source)
    told = [(file, detail.partition(":")[0]) for file, problem, detail in audit(tmp_path) if problem == "classes alike"]
    assert sorted(told) == [("a/0.png", "a and A"), ("ab/0.png", "ab and a b"), ("ａ/0.png", "ａ and A")]


def test_a_full_disk_is_said_before_the_pack_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written to as memory, a file that finds no room ends the process by SIGBUS, without a word."""

    def full(file: int, start: int, length: int) -> None:
        assert (start, length) == (0, 128 + 8 * 256)  # its head, and the pictures
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(UserError, match=r"No space left on the disk of .*/data/x/pack"):
        made(tmp_path, pictures(tmp_path / "mine"), {**OPTIONS, "path": str(tmp_path / "mine")})
    assert not [path for path in (tmp_path / "data" / "x").iterdir() if "pack" in path.name]
