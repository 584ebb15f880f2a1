"""A mistake in the options is one message that names the option and lists the choices."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from overcast.config.messages import error_message, option_names, quoted
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


def test_a_launcher_that_an_extra_has_names_it() -> None:
    missing = MissingConfigException("", missing_cfg_file="hydra/launcher/submitit_slurm")
    text = error_message(missing, CONF)
    assert text.startswith("hydra/launcher=slurm needs the extra `slurm`: run pip install ")


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


PATHS = [
    "a b", "a'b", 'a"b', "a[1]", "a(1)", "a{1}", "a=b", "a#b", "a,b", "a$b", "조개", "cafe\u0301", "a\\b", "a:b",
    "a&b", "a%b", "a@b", "a+b", "~a", "a;b", "a*b", "a!b", "a`b", "[a]", "{a}", "a|b", "a<b>", "'ab'", '"ab"', "a\\'b",
    "a\\", 'a\\"', "😀", "null", "007",
]  # fmt: skip


@pytest.mark.parametrize("start", ["/x/", "x/", ""])
@pytest.mark.parametrize("name", PATHS)
def test_any_text_is_read_or_the_message_shows_the_form_that_is(name: str, start: str) -> None:
    def parse(word: str) -> Any:
        return OverridesParser.create().parse_overrides([word])[0]

    text = f"{start}{name}"
    try:
        if (found := parse(f"data.path={text}")).is_sweep_override():
            raise OverrideParseException(f"data.path={text}", "several")
    except OverrideParseException as error:
        (word,) = shlex.split(error_message(error, CONF).partition(" is quoted: ")[2])
        found = parse(word)
        assert found.key_or_group == "data.path"
    if start:  # what begins with a quote is taken for a try to quote, and 007 for a number
        assert found.value() == text
    assert parse(f"data.path={quoted(text)}").value() == text


def test_a_comma_makes_several_values(compose_as_script: Any) -> None:
    said = message(compose_as_script, "data=folder", "data.path=/x/a,b")
    assert """is quoted: 'data.path="/x/a,b"'. Several values in turn take -m as well""" in said


def test_an_interpolation_that_is_none_is_said(compose_as_script: Any) -> None:
    said = message(compose_as_script, "data=folder", "data.path=/x/${b}")
    assert said == r"data.path: Interpolation key 'b' not found. Where ${ is part of a name, it is written as \${"
    found = compose_as_script(["data=folder", r"data.path=/x/\${b}"])
    assert found.data.values["path"] == "/x/${b}"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("mitigation=[dropout", "mitigation=[dropout: cannot be read: is each bracket closed?"),
        (
            "data_dir=caf\udce9",
            r"data_dir=caf\udce9: has bytes that are no UTF-8, which no config can hold: make a link",
        ),
        ("a b", "a b: cannot be read. Options are name=value"),
        ("split.seed=1.5", "split.seed=1.5: give a whole number"),
        ("split.seed=1e20", "split.seed=1e+20: give a whole number"),
        ("split.seed=-1", "split.seed=-1: must be at least 0 and at most 4,294,967,295"),
        (f"split.seed={2**63}", "split.seed=9223372036854775808: must be at least 0 and at most 4,294,967,295"),
        ("lr=fast", "lr=fast: give a number"),
        ("debug=perhaps", "debug=perhaps: give true or false"),
    ],
)
def test_what_is_wrong_with_a_value_is_said(compose_as_script: Any, word: str, said: str) -> None:
    assert message(compose_as_script, word).startswith(said)


def test_a_misspelt_group(compose_as_script: Any) -> None:
    assert "modle" in message(compose_as_script, "modle=lstm")


def test_our_own_mistakes_are_said_as_they_are() -> None:
    assert error_message(UserError("no run yet"), CONF) == "no run yet"
