"""params.yaml says what to run: all of it, nothing else, and a slip in it is one message."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from overcast.config.defaults import read_defaults
from overcast.config.messages import error_message
from overcast.config.schema import SETTINGS, ConfigSchema
from overcast.core.errors import UserError
from overcast.core.paths import ROOT

SHIPPED = (ROOT / "params.yaml").read_text(encoding="utf8")


def read(folder: Path, text: str) -> dict[str, object]:
    (folder / "params.yaml").write_text(text, encoding="utf8")
    return read_defaults(folder / "params.yaml", ConfigSchema, SETTINGS)


def test_the_shipped_ones(tmp_path: Path) -> None:
    found = read(tmp_path, SHIPPED)
    assert found["model"] == yaml.safe_load(SHIPPED)["model"]
    assert {key for key in found if key.startswith("split")} == {
        "split.seed", "split.fold", "split.folds", "split.ignore_groups", "split.file",
        "split.calibration",
    }  # fmt: skip
    assert found["split.folds"] is None
    more = read(tmp_path, SHIPPED + "train_fraction: 0.1\nshuffle_pixels: true\ndebug: true\n")
    assert more == {**found, "train_fraction": 0.1, "shuffle_pixels": True, "debug": True}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (SHIPPED, "", "params.yaml lacks trainer, split, seed, epochs, batch_size, lr, data, model, mitigation"),
        (SHIPPED, "cnn", "params.yaml: cannot be read: it has to consist of lines like `model: cnn`"),
        ("mitigation: [augmentation, batch_norm]", "mitigation:", "params.yaml: mitigation has no value"),
        ("mitigation: [augmentation, batch_norm]", "mitigation: [augmentation, batch_norm", "params.yaml, line "),
        ("mitigation: [augmentation, batch_norm]", "mitigation: no", "mitigation=False: name a choice of conf/mit"),
        ("model: cnn", "model: {width: 3}", "name a choice of conf/model"),
        ("model: cnn", "model: [cnn, 3]", "name a choice of conf/model"),
        ("model: cnn", "model: []", "name a choice of conf/model"),
        ("seed: 0\nepochs", "seed:\nepochs", "params.yaml: seed has no value: give it one"),
        ("  folds: null # the data set's own number\n", "", "params.yaml lacks split.folds: add it"),
        ("  fold: 0\n", "  fold:\n", "params.yaml: split.fold has no value"),
        ("  fold: 0\n", "  flod: 0\n", "there is no option 'split.flod'. Did you mean split.fold? Choices: split.seed"),
        (
            "lr: 0.004",
            "lr: 0.004\ntrain_fracton: 0.1",
            "params.yaml: there is no option 'train_fracton'. Did you mean train_fraction?",
        ),
        ("lr: 0.004", "lr: 0.004\nmodel.width: 3", "there is no option 'model.width'"),
        ("lr: 0.004", "lr: 0.004\ndata_dir: /there", "there is no option 'data_dir'"),
        ("lr: 0.004", "lr: 0.004\nlr: 0.1", "params.yaml, line 12: cannot be read: lr stands twice"),
    ],
)
def test_a_slip_is_one_message(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in SHIPPED
    with pytest.raises(UserError) as raised:
        read(tmp_path, SHIPPED.replace(old, new))
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["/조개/a,b [1].csv", "null"])
def test_a_text_of_any_kind_is_composed_as_it_stands(tmp_path: Path, name: str, compose_as_script: Any) -> None:
    tree = yaml.safe_load(SHIPPED)
    tree["split"]["file"] = name
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf8")
    (tmp_path / "conf").symlink_to(ROOT / "conf")
    assert compose_as_script([], tmp_path).split.file == name


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (SHIPPED.replace("model:", "\tmodel:").encode(), r"params\.yaml, line \d+: cannot be read: found"),
        (SHIPPED.encode("utf-16"), r"params\.yaml: cannot be read"),
        (b"\0", r"params\.yaml: cannot be read"),
        (b"- model: cnn\n", "it has to consist of lines like `model: cnn`"),
        (b"model: !!python/object:os.system x\n", r"params\.yaml, line 1: cannot be read"),
        (b"a: &a [*a]\n", r"there is no option 'a'"),
        (SHIPPED.replace("seed: 0\nepochs", "seed: [1, 2]\nepochs").encode(), "seed"),
        (SHIPPED.replace("split:", "other:").encode(), "there is no option 'other'"),
        (b"split: 3\n" + SHIPPED.partition("split:")[0].encode(), r"lacks split\.seed"),
    ],
)
def test_a_broken_file_is_one_message(tmp_path: Path, content: bytes, said: str, compose_as_script: Any) -> None:
    (tmp_path / "params.yaml").write_bytes(content)
    (tmp_path / "conf").symlink_to(ROOT / "conf")
    with pytest.raises((UserError, HydraException, OmegaConfBaseException)) as raised:
        compose_as_script([], tmp_path)
    text = error_message(raised.value, ROOT / "conf")
    assert re.search(said, text)
    assert "\n" not in text


def test_a_folder_in_its_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").mkdir()
    with pytest.raises(UserError, match=r"params\.yaml: cannot be read \(Is a directory\)"):
        read_defaults(tmp_path / "params.yaml", ConfigSchema)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"params\.yaml is missing in"):
        read_defaults(tmp_path / "params.yaml", ConfigSchema)
    (tmp_path / "params.yaml").write_bytes(b"model: \xff\n")
    with pytest.raises(UserError, match=r"params\.yaml: cannot be read"):
        read_defaults(tmp_path / "params.yaml", ConfigSchema)
