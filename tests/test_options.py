"""What an option file says is built, or refused with one message that names it and lists the choices."""

from __future__ import annotations

from typing import Any

import pytest

from overcast import options
from overcast.errors import UserError
from overcast.mitigation import Mitigation
from overcast.model.dnn import DNN
from overcast.spec import Spec

SPEC = Spec("image", (1, 8, 8), ("a", "b"))
CNN = {"_target_": "overcast.model.cnn.CNN", "width": 4}
DEEP = {"_target_": "overcast.model.dnn.DNN"}
AUGMENTATION = {"_target_": "overcast.mitigation.augmentation.Augmentation"}
NONE = {"_target_": "overcast.mitigation.Mitigation"}
NORM = {"_target_": "overcast.mitigation.batch_norm.BatchNorm"}


def test_numbers_reach_the_constructor() -> None:
    net = options.network({**DEEP, "hidden": [5, 4]}, SPEC, {})
    assert isinstance(net, DNN)
    assert [p.shape[0] for p in net.parameters()] == [5, 5, 4, 4, 2, 2]
    assert options.numbers(CNN) == {"width": 4}


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({**CNN, "width": "abc"}, "model.width=abc: "),
        ({**CNN, "width": 2.5}, "model.width=2.5: "),
        ({**CNN, "width": None}, "model.width=None: "),
        ({**CNN, "width": "24"}, "model.width=24: "),  # quoted: text, not a number
        ({**CNN, "width": [4]}, "model.width=.*: "),
        ({**CNN, "width": 0}, "model.width=0: .*greater than 0"),
        ({**CNN, "stages": -1}, "model.stages=-1: .*greater than or equal to 1"),
        ({**DEEP, "hidden": [8, 0]}, "model.hidden=.*greater than 0"),
        ({**DEEP, "hidden": ["a"]}, "model.hidden=.*: "),
        ({**DEEP, "hidden": []}, "model.hidden=.*at least 1 item"),
        ({**CNN, "stages": 101}, "model.stages=101: .*less than or equal to 100"),
        ({**CNN, "dropout": 1.0}, "model.dropout=1.0: .*less than 1"),
        ({**CNN, "dropout": float("nan")}, "model.dropout=nan: .*finite number"),
        ({**CNN, "scale": float("inf")}, "model.scale=inf: .*finite number"),
        ({**CNN, "scale": -1.0}, "model.scale=-1.0: .*greater than 0"),
        ({**DEEP, "activation": "sin"}, "model.activation=sin: .*sigmoid.*relu.*tanh"),
        ({**CNN, "norm": "layer"}, "model.norm=layer: .*none.*batch"),
        ({**CNN, "widht": 4}, "model has no option 'widht'. Did you mean width.* Choices: .*width, .*stages"),
    ],
)
def test_a_wrong_number_names_the_option(option: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        options.network(option, SPEC, {})


def test_a_network_that_cannot_read_the_data_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("overcast.model.cnn.CNN.kinds", ("image",))
    with pytest.raises(UserError, match="model=cnn works on image data; this data set is of kind sequence"):
        options.network(CNN, Spec("sequence", (9, 2), ("a", "b")), {})


def test_a_mitigation_for_other_data_is_refused() -> None:
    with pytest.raises(UserError, match=r"mitigation=augmentation works on image data.* of kind tokens"):
        options.mitigations({"augmentation": AUGMENTATION}, "tokens")


def test_none_stands_alone() -> None:
    assert type(options.mitigations({"none": NONE}, "image")["none"]) is Mitigation
    with pytest.raises(UserError, match="mitigation=none stands for no mitigation at all"):
        options.mitigations({"batch_norm": NORM, "none": NONE}, "image")


def test_mitigations_keep_the_order_picked_and_reach_the_network() -> None:
    picked = options.mitigations({"batch_norm": NORM, "augmentation": AUGMENTATION}, "image")
    assert list(picked) == ["batch_norm", "augmentation"]
    plain, normed = (options.network(DEEP, SPEC, chosen) for chosen in ({}, picked))
    assert len(list(normed.parameters())) > len(list(plain.parameters()))


def test_a_data_sets_options_are_checked() -> None:
    skies = {"_target_": "overcast.data.skies.Skies"}
    assert options.dataset({**skies, "size": 32}).kind == "image"
    with pytest.raises(UserError, match=r"data.size=big"):
        options.dataset({**skies, "size": "big"})
    with pytest.raises(UserError, match=r"data has no option 'sice'. Did you mean size"):
        options.dataset({**skies, "sice": 32})
