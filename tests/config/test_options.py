"""What an option file says is built, or refused with one message that names it and lists the choices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from overcast.config import options
from overcast.config.options import Option
from overcast.core.errors import UserError
from overcast.core.spec import Spec
from overcast.data import build_dataset
from overcast.mitigation import Mitigation
from overcast.model.dnn import DNN
from overcast.prediction.build import build_mitigations, build_network

SPEC = Spec("image", (1, 8, 8), ("a", "b"))
AUGMENTATION = Option("augmentation", "overcast.mitigation.augmentation.Augmentation", {})
NONE = Option("none", "overcast.mitigation.Mitigation", {})
NORM = Option("batch_norm", "overcast.mitigation.batch_norm.BatchNorm", {})


def cnn(**values: Any) -> Option:
    return Option("cnn", "overcast.model.cnn.CNN", {"width": 4, **values})


def dnn(**values: Any) -> Option:
    return Option("dnn", "overcast.model.dnn.DNN", values)


@pytest.mark.parametrize("group", ["data", "model", "mitigation", "metric"])
@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "pathlib.Path",
        "beside.Own",
        "overcastle.data.Own",
        "overcast.core.atomic.whole_file",
        "builtins.eval",
    ],
)
def test_what_is_no_option_is_not_even_imported(
    group: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run's stored config may come from anyone, with a module beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "beside.py").write_text("from pathlib import Path\nPath('imported').touch()\n")
    with pytest.raises(UserError, match=rf"^{group}=own: {target} is not imported: it is no class of "):
        Option("own", target, {}).target_class(group)
    assert not (tmp_path / "imported").exists()


def test_a_class_that_an_option_file_of_the_project_names_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(options, "ROOT", tmp_path)
    (tmp_path / "beside_conf.py").write_text("class Own: pass\n")
    (tmp_path / "conf" / "data").mkdir(parents=True)
    (tmp_path / "conf" / "data" / "own.yaml").write_text("_target_: beside_conf.Own\n")
    assert Option("own", "beside_conf.Own", {}).target_class("data").__name__ == "Own"
    with pytest.raises(UserError, match="not imported"):  # an option of one group is none of another
        Option("own", "beside_conf.Own", {}).target_class("model")


def test_numbers_reach_the_constructor() -> None:
    net = build_network(dnn(hidden=[5, 4]), SPEC, {})
    assert isinstance(net, DNN)
    assert [p.shape[0] for p in net.parameters()] == [5, 5, 4, 4, 2, 2]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (cnn(width="abc"), "model.width=abc: "),
        (cnn(width=2.5), "model.width=2.5: "),
        (cnn(width=None), "model.width=None: "),
        (cnn(width="24"), "model.width=24: "),  # quoted: text, not a number
        (cnn(width=[4]), "model.width=.*: "),
        (cnn(width=0), "model.width=0: must be above 0$"),
        (cnn(stages=-1), "model.stages=-1: must be at least 1 and at most 100$"),
        (dnn(hidden=[8, 0]), r"model.hidden=\[8, 0\]: must be above 0$"),
        (dnn(hidden=["a"]), "model.hidden=.*: "),
        (dnn(hidden=[]), "model.hidden=.*at least 1 item"),
        (cnn(stages=101), "model.stages=101: must be at least 1 and at most 100$"),
        (cnn(dropout=1.0), "model.dropout=1.0: must be at least 0 and below 1$"),
        (cnn(dropout=float("nan")), "model.dropout=nan: .*finite number"),
        (cnn(scale=float("inf")), "model.scale=inf: .*finite number"),
        (cnn(scale=-1.0), "model.scale=-1.0: must be above 0$"),
        (dnn(activation="sin"), "model.activation=sin: .*sigmoid.*relu.*tanh"),
        (cnn(norm="layer"), "model.norm=layer: .*none.*batch"),
        (cnn(widht=4), "model has no option 'widht'. Did you mean width.* Choices: .*width, .*stages"),
    ],
)
def test_a_wrong_number_names_the_option(option: Option, said: str) -> None:
    with pytest.raises(UserError, match=said):
        build_network(option, SPEC, {})


def test_a_network_that_cannot_read_the_data_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("overcast.model.cnn.CNN.kinds", ("image",))
    with pytest.raises(UserError, match="model=cnn works on image data; this data set is of kind sequence"):
        build_network(cnn(), Spec("sequence", (9, 2), ("a", "b")), {})


def test_a_mitigation_for_other_data_is_refused() -> None:
    with pytest.raises(UserError, match=r"mitigation=augmentation works on image data.* of kind tokens"):
        build_mitigations([AUGMENTATION], "tokens")


def test_none_stands_alone() -> None:
    assert type(build_mitigations([NONE], "image")["none"]) is Mitigation
    with pytest.raises(UserError, match="mitigation=none stands for no mitigation at all"):
        build_mitigations([NORM, NONE], "image")


def test_mitigations_keep_the_order_chosen_and_reach_the_network() -> None:
    both = build_mitigations([NORM, AUGMENTATION], "image")
    assert list(both) == ["batch_norm", "augmentation"]
    plain, normed = (build_network(dnn(), SPEC, chosen) for chosen in ({}, both))
    assert len(list(normed.parameters())) > len(list(plain.parameters()))


def test_a_data_sets_options_are_checked() -> None:
    skies = Option("skies", "overcast.data.skies.Skies", {"size": 32})
    assert build_dataset(skies).kind == "image"
    with pytest.raises(UserError, match=r"data.size=big"):
        build_dataset(replace(skies, values={"size": "big"}))
    with pytest.raises(UserError, match=r"data has no option 'sice'. Did you mean size"):
        build_dataset(replace(skies, values={"sice": 32}))
