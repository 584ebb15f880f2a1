"""A folder of anyone's recordings, who speaks in them, and each way in which an option can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from overcast.config.options import Option
from overcast.core.errors import UserError
from overcast.data import build_dataset
from overcast.data.recordings import Recordings

TARGET = "overcast.data.recordings.Recordings"


def filled(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file := folder / name, np.sin(np.arange(4410) / 5), 44_100, format=file.suffix[1:] or "wav")
    return folder


def test_copied_listed_and_read(tmp_path: Path) -> None:
    source = filled(tmp_path / "in", "no/ann_1.wav", "yes/bob_1.flac", "yes/deep/ann_2.mp3", "yes/.hidden.wav")
    raw = tmp_path / "raw"
    raw.mkdir()
    dataset = Recordings(str(source), group=r"^([a-z]+)_\d+\.")
    dataset.fetch(raw, None)
    samples = dataset.samples(raw)
    assert [(s.file, s.label, s.group) for s in samples] == [
        ("no/ann_1.wav", "no", "ann"),
        ("yes/bob_1.flac", "yes", "bob"),
        ("yes/deep/ann_2.mp3", "yes", "ann"),
    ]
    assert {s.group for s in Recordings(str(source)).samples(raw)} == {""}
    first, second, third = (dataset.load(raw, sample) for sample in samples)
    assert first.shape == (9, 40)  # 100 ms: the first 25, and 7.5 times 10
    assert second == pytest.approx(first, abs=0.1)  # 16 bits
    assert third[:6].argmax(1).tolist() == first[:6].argmax(1).tolist()


def test_a_name_without_a_source(tmp_path: Path) -> None:
    filled(tmp_path, "no/ann_1.wav", "yes/7.wav")
    with pytest.raises(UserError, match=r"finds no source in the name 7\.wav"):
        Recordings(str(tmp_path), group="([a-z]*)_").samples(tmp_path)
    with pytest.raises(UserError, match=r"finds no source in the name ann_1\.wav"):
        Recordings(str(tmp_path), group="(x*)").samples(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("group", "(", r"data\.group=\(: not a regular expression"),
        ("group", "[a-z]+_", "put what is the source in parentheses"),
        ("rate", 10, r"data\.rate=10"),
        ("n_mels", 0, r"data\.n_mels=0"),
        ("n_mels", 300, "data.n_mels=300 is too many for a window of 25 ms"),
        ("window", 0.001, "one is too short"),
        ("hop", 0, r"data\.hop=0"),
        ("seconds", -1, r"data\.seconds=-1"),
    ],
)
def test_impossible_options(name: str, value: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        build_dataset(Option.from_dict({"_target_": TARGET, "path": "/recordings", name: value}))


@pytest.mark.parametrize(
    ("names", "message"),
    [((), "there is no folder"), (("a/1.wav",), "put the recordings of each class"), (("a/1", "b/.1"), "b is empty")],
)
def test_wrong_folders(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError, match=f"data.path: .*{message}"):
        Recordings(str(filled(tmp_path / "in", *names))).fetch(tmp_path / "raw", None)


def test_the_bands_of_a_pretrained_network_are_read_at_its_rate_and_named_in_the_spec(tmp_path: Path) -> None:
    source = filled(tmp_path / "in", "no/1.wav", "yes/2.wav")
    option = Option("recordings", TARGET, {"path": str(source), "front_end": "speech_embedding", "rate": 8000})
    dataset = build_dataset(option)
    assert dataset.front_end == "speech_embedding"
    assert dataset.read(source / "no/1.wav").shape == (9, 32)  # 100 ms at 16 kHz, whatever the rate of other bands
    assert Recordings(str(source)).front_end == ""
