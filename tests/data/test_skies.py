"""The rendered skies: the same whatever the order, and no give-away in their colours."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from overcast.config.options import Option
from overcast.core.errors import UserError
from overcast.data import build_dataset
from overcast.data._sky_painter import BLOCK, CLASSES, label_of, render
from overcast.data.skies import Skies
from overcast.prepare.download import download
from overcast.prepare.pack import pack


def draw(indices: range | list[int], seed: int = 0, size: int = 32, difficulty: float = 0.5) -> np.ndarray:
    return render(indices, seed=seed, size=size, difficulty=difficulty)


def test_a_picture_depends_on_its_index_alone() -> None:
    number = 2 * BLOCK + 5
    pictures = draw(range(number))
    order = np.random.default_rng(0).permutation(number).tolist()
    assert (draw(order) == pictures[order]).all()
    assert (draw(range(7, number)) == pictures[7:]).all()
    for index in (0, BLOCK, number - 1):
        assert (draw([index])[0] == pictures[index]).all()


def test_pixels_are_the_same_on_every_machine() -> None:
    digest = hashlib.sha256(draw(range(20), size=64).tobytes()).hexdigest()
    assert digest == "4a010405b42147b65736638fcbb83563a83d1c3a14c2bc398562571fbb776713", (
        "the pictures changed: every result on skies is to be measured anew"
    )


@pytest.mark.parametrize("size", [16, 33, 100])
def test_shape_and_range(size: int) -> None:
    pictures = draw(range(10), size=size)
    assert pictures.shape == (10, size, size, 3)
    assert pictures.dtype == np.uint8
    assert pictures.std(axis=(1, 2)).min() > 2, "a flat picture"


def test_pictures_differ_by_index_seed_and_difficulty() -> None:
    pictures = draw(range(40))
    assert len({picture.tobytes() for picture in pictures}) == 40
    assert (draw(range(40), seed=1) != pictures).any(axis=(1, 2, 3)).all()
    assert (draw(range(40), difficulty=0.0) != pictures).any(axis=(1, 2, 3)).all()


def test_no_pictures() -> None:
    assert draw([]).shape == (0, 32, 32, 3)


def test_classes_are_balanced() -> None:
    counts = np.bincount([label_of(index) for index in range(1500)])
    assert counts.tolist() == [300] * len(CLASSES)


def test_colours_do_not_give_the_class_away() -> None:
    """Chance is 20 %; measured 22 to 31 % over three seeds."""
    pictures = draw(range(500)) / 255
    labels = [label_of(index) for index in range(500)]
    means = pictures.mean(axis=(1, 2))
    linear = make_pipeline(StandardScaler(), LogisticRegression())
    tree = DecisionTreeClassifier(max_depth=4, random_state=0)
    assert cross_val_score(linear, means, labels).mean() < 0.40
    assert cross_val_score(tree, means, labels).mean() < 0.40
    pixels = pictures[:, 5::10, 5::10].reshape(500, 9, 3).transpose(1, 0, 2)
    assert max(cross_val_score(tree, pixel, labels).mean() for pixel in pixels) < 0.40


def test_fetch_and_samples(tmp_path: Path) -> None:
    skies = Skies(n_samples=53, size=16, seed=3)
    skies.fetch(tmp_path, None)
    samples = skies.samples(tmp_path)
    assert len({sample.file for sample in samples}) == 53
    drawn = draw(range(53), seed=3, size=16)
    for sample in samples:
        index = int(Path(sample.file).stem)
        assert sample.label == CLASSES[label_of(index)]
        assert (skies.load(tmp_path, sample) == drawn[index].transpose(2, 0, 1)).all()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("n_samples", 49),
        ("n_samples", "many"),
        ("n_samples", 60.5),
        ("size", 15),
        ("size", 257),
        ("difficulty", -0.1),
        ("difficulty", 1.5),
        ("difficulty", float("nan")),
        ("difficulty", None),
        ("seed", -1),
    ],
)
def test_bad_options_are_named(option: str, value: Any) -> None:
    with pytest.raises(UserError, match=rf"data\.{option}={value}: must be .+") as error:
        build_dataset(Option.from_dict({"_target_": "overcast.data.skies.Skies", option: value}))
    assert "\n" not in str(error.value)


def test_pictures_drawn_with_other_options_are_not_packed(tmp_path: Path) -> None:
    download("skies", Skies(60, 16), tmp_path, None)
    for other in (Skies(80, 16), Skies(60, 32), Skies(60, 16, 0.1), Skies(60, 16, seed=1)):
        with pytest.raises(UserError, match=r"raw files in .* were made with .*download\.py data=skies"):
            pack("skies", other, {}, tmp_path)


def test_fog_and_light_are_rendered_as_the_scene_has_them() -> None:
    skies = Skies(n_samples=50, size=32)
    files = [f"{CLASSES[index % 5]}/{index:06d}.png" for index in range(40)]
    plain = draw(range(40)).transpose(0, 3, 1, 2).astype(float)
    assert skies.shifted(files, "gaussian_noise", 3) is None  # of the camera alone
    contrast, light = [plain.std((1, 2, 3)).mean()], [plain.mean()]
    for severity in (1, 3, 5):
        fog, bright = (skies.shifted(files, kind, severity) for kind in ("fog", "brightness"))
        assert fog is not None
        assert bright is not None
        assert (fog.dtype, fog.shape) == (np.uint8, (40, 3, 32, 32))
        contrast.append(fog.std((1, 2, 3)).mean())
        light.append(bright.mean())
    assert contrast == sorted(contrast, reverse=True)
    assert light == sorted(light)
    far, near = fog[:, :, 12:20], fog[:, :, -4:]  # about the horizon, and before one's feet
    assert far.std((2, 3)).mean() / plain[:, :, 12:20].std((2, 3)).mean() < 0.8 * (
        near.std((2, 3)).mean() / plain[:, :, -4:].std((2, 3)).mean()
    )


def test_processes_draw_what_one_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    skies = Skies(n_samples=300, size=16, seed=1)
    skies.fetch(tmp_path / "one", None)
    monkeypatch.setattr("overcast.data.skies.FEW", 0)
    monkeypatch.setattr("overcast.data.skies.cores", lambda: 2)
    skies.fetch(tmp_path / "two", None)
    one, two = ({f.name: f.read_bytes() for f in (tmp_path / side).rglob("*.png")} for side in ("one", "two"))
    assert len(one) == 300
    assert one == two
