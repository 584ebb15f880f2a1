"""A mistake in the options is one message that names the option and lists the choices."""

from __future__ import annotations

from typing import Any

import pytest
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from overcast.config.messages import error_message, option_names
from overcast.core.errors import UserError
from overcast.core.paths import ROOT

CONF = ROOT / "conf"


def message(compose_as_script: Any, *words: str) -> str:
    with pytest.raises((HydraException, OmegaConfBaseException, UserError)) as raised:
        compose_as_script(list(words))
    text = error_message(raised.value, CONF)
    assert "\n" not in text
    return text


def test_a_misspelt_choice_lists_them(compose_as_script: Any) -> None:
    text = message(compose_as_script, "model=lstn")
    assert "model=lstn" in text
    assert "Did you mean lstm?" in text
    assert all(name in text for name in option_names(CONF, "model"))


@pytest.mark.parametrize("value", ["batchnorm", "[augmentation,batchnorm]"])
def test_a_misspelt_mitigation_alone_or_in_a_list(compose_as_script: Any, value: str) -> None:
    text = message(compose_as_script, f"mitigation={value}")
    assert "mitigation=batchnorm" in text
    assert "Did you mean batch_norm?" in text
    assert all(name in text for name in option_names(CONF, "mitigation"))


def test_an_option_of_a_mitigation_that_is_not_chosen(compose_as_script: Any) -> None:
    text = message(compose_as_script, "mitigation=[augmentation]", "mitigation.dropout.p=0.5")
    assert text.startswith("mitigation.dropout: dropout is not chosen, so it has no options to set: choose it too")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("+epoch=1", "there is no option 'epoch'. Did you mean epochs?"),
        ("++colour=red", "there is no option 'colour'. Choices: batch_size, "),
        ("+split.fol=1", "there is no option 'split.fol'. Did you mean split.fold?"),
        ("+study.cells=1", "there is no option 'study.cells'. Choices: study.budget, study.design, study.epochs, "),
    ],
)
def test_an_option_that_is_added_must_be_one(compose_as_script: Any, word: str, said: str) -> None:
    assert message(compose_as_script, word).startswith(said)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("epochs=many", "epochs"),
        ("lr=fast", "lr"),
        ("split.fold=first", "split.fold"),
        ("trainer.devices=two", "trainer.devices"),
        ("debug=perhaps", "debug"),
    ],
)
def test_a_wrong_type_names_the_option_and_the_value(compose_as_script: Any, word: str, said: str) -> None:
    text = message(compose_as_script, word)
    assert said in text
    assert word.split("=")[1] in text


@pytest.mark.parametrize(
    ("word", "hint"), [("epoch=3", "epochs"), ("trainer.device=1", "trainer.devices"), ("split.folde=1", "split.fold")]
)
def test_a_misspelt_option_suggests_the_right_one(compose_as_script: Any, word: str, hint: str) -> None:
    text = message(compose_as_script, word)
    assert word.split("=")[0] in text
    assert f"Did you mean {hint}?" in text


@pytest.mark.parametrize("word", ["model.hiden=3", "data.number_of=3", "mitigation.batch_norm.strength=1"])
def test_a_misspelt_number_of_an_option(compose_as_script: Any, word: str) -> None:
    words = ["model=ann", "data=skies", "mitigation=batch_norm", word]
    assert word.split("=")[0] in message(compose_as_script, *words)


def test_a_misspelt_group(compose_as_script: Any) -> None:
    assert "modle" in message(compose_as_script, "modle=lstm")


def test_our_own_mistakes_are_said_as_they_are() -> None:
    assert error_message(UserError("no run yet"), CONF) == "no run yet"
