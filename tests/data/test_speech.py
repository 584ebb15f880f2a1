"""Spoken digits from a tiny archive of the same layout: speakers are the groups, folds are as many as they."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from overcast.core.errors import UserError
from overcast.data import speech
from overcast.data.speech import Speech
from overcast.fetch.archives import member_target
from overcast.fetch.manifest import read_manifest
from overcast.prepare import decode
from overcast.prepare.download import download
from overcast.prepare.pack import open_pack, pack
from overcast.prepare.split import read_parts, split

MIRROR = Path(os.environ.get("OVERCAST_MIRROR", "no mirror"))
SPEAKERS = ("ann", "bob", "cy", "dee", "eve")


def recording(digit: int, speaker: int, number: int) -> bytes:
    rng = np.random.default_rng((digit, speaker, number))
    times = np.arange(800 + 40 * number)
    tone = np.sin(times * (0.1 + 0.2 * digit + 0.01 * speaker)) + rng.normal(0, 0.1, len(times))
    file = io.BytesIO()
    soundfile.write(file, (tone * 9000).astype(np.int16), 8000, format="WAV")
    return file.getvalue()


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the archive: three digits, three times each by five speakers; the manifest lacks the last."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    lines = []
    with zipfile.ZipFile(folder / "spoken_digits.zip", "w") as archive:
        archive.writestr("digits-1/README.md", "read me")
        for digit in range(3):
            for speaker, name in enumerate(SPEAKERS):
                for number in range(3):
                    content, file = recording(digit, speaker, number), f"{digit}_{name}_{number}.wav"
                    archive.writestr(f"digits-1/recordings/{file}", content)
                    lines.append(f"{hashlib.sha256(content).hexdigest()}  {file}\n")
    (tmp_path / "manifest").write_text("".join(lines[:-1]))
    monkeypatch.setattr(speech, "MANIFEST", tmp_path / "manifest")
    monkeypatch.setattr(decode, "cores", lambda: 1)
    return folder


def test_no_speaker_is_cut_unless_asked(mirror: Path, tmp_path: Path) -> None:
    raw = download("speech", Speech(), tmp_path, mirror)
    (raw / "0_ann_0.wav").write_bytes(b"")
    pack("speech", Speech(), {}, tmp_path)
    split("speech", tmp_path, seed=0, folds=Speech.folds)
    packed = open_pack(tmp_path, "speech")
    assert packed.spec.kind == "spectrogram"
    assert packed.spec.shape == (10, 40)  # 110 ms: the first 25, and 8.5 times 10; none of them silent
    assert packed.values.dtype == np.float32
    assert set(packed.index["group"]) == set(SPEAKERS)
    audit = (tmp_path / "speech/pack/audit.csv").read_text()
    assert "0_ann_0.wav,unreadable,an empty file" in audit
    assert "2_eve_2.wav,unlisted" in audit
    for fold in range(5):
        parts = read_parts(tmp_path, "speech", 0, fold, 5)
        assert len(set(packed.index["group"][parts == "test"])) == 1
        mixed = read_parts(tmp_path, "speech", 0, fold, 5, ignore_groups=True)
        assert len(set(packed.index["group"][mixed == "test"])) > 1


@pytest.mark.parametrize(
    ("member", "target"),
    [
        ("repo-1/recordings/3_theo_7.wav", "3_theo_7.wav"),
        ("repo-1/recordings/3_theo_7.png", None),
        ("repo-1/recordings/../../3_theo_7.wav", None),
        ("repo-1/recordings/.3_theo_7.wav", None),
        ("repo-1/spectrograms/3_theo_7.wav", None),
    ],
)
def test_only_recordings_are_wanted(member: str, target: str | None) -> None:
    assert member_target(speech.MEMBERS, member) == target


def test_a_changed_recording_or_no_archive(mirror: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(mirror / "spoken_digits.zip", "w") as archive:
        archive.writestr("digits-1/recordings/0_ann_0.wav", recording(5, 5, 5))
    with pytest.raises(UserError, match=r"not what they should be: 0_ann_0\.wav"):
        download("speech", Speech(), tmp_path, mirror)
    (mirror / "spoken_digits.zip").unlink()
    with pytest.raises(UserError, match=r"has no file spoken_digits\.zip: put it there"):
        download("speech", Speech(), tmp_path, mirror)


def test_the_manifest_has_every_digit_of_every_speaker() -> None:
    count = Counter(tuple(name.split("_")[:2]) for name in read_manifest(Path(speech.__file__).with_suffix(".sha256")))
    assert len(count) == 10 * 5
    assert set(count.values()) == {50}


@pytest.mark.skipif(not (MIRROR / "spoken_digits.zip").exists(), reason="needs OVERCAST_MIRROR")
def test_published_recordings(tmp_path: Path) -> None:
    with zipfile.ZipFile(MIRROR / "spoken_digits.zip") as archive:
        names = [name for name in archive.namelist() if member_target(speech.MEMBERS, name)]
        path = tmp_path / str(member_target(speech.MEMBERS, names[0]))
        path.write_bytes(archive.read(names[0]))
    assert {member_target(speech.MEMBERS, name) for name in names} == set(read_manifest(speech.MANIFEST))
    assert hashlib.sha256(path.read_bytes()).hexdigest() == read_manifest(speech.MANIFEST)[path.name]
    features = Speech().read(path)
    assert features.shape[1] == 40
    assert 10 < len(features) < 230
