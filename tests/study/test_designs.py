"""Which cells a design has, and which designs there are not."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from overcast.config.messages import option_names
from overcast.config.schema import StudyConfig
from overcast.core.errors import IncompatibleError, UserError
from overcast.core.paths import ROOT
from overcast.study.designs import refuse_incomplete, study_cells

THREE = ("dropout", "noise", "cutout")
TWELVE = [name for name in option_names(ROOT / "conf", "mitigation") if name not in ("none", "cocktail")][:12]


def test_a_study_without_mitigations_names_its_cells_itself() -> None:
    assert study_cells(StudyConfig(), ["mitigation=none", "mitigation=dropout"]) == []
    for design in ("leave_one_out", "factorial"):
        with pytest.raises(UserError, match=rf"study.design={design} needs study.mitigations=\[…\].*\+study={design}"):
            study_cells(StudyConfig(design=design), ["mitigation=none"])


def test_cells_and_a_design_are_one_too_many() -> None:
    with pytest.raises(UserError, match="both say what is compared"):
        study_cells(StudyConfig(mitigations=THREE), ["mitigation=none"])


def test_one_at_a_time_is_none_and_each() -> None:
    assert study_cells(StudyConfig(mitigations=("dropout", "noise+cutout", "cocktail")), []) == [
        "mitigation=none",
        "mitigation=dropout",
        "mitigation=[noise,cutout]",
        "mitigation=cocktail",
    ]


def test_leave_one_out_is_none_all_and_all_without_each() -> None:
    assert study_cells(StudyConfig(design="leave_one_out", mitigations=THREE), []) == [
        "mitigation=none",
        "mitigation=[dropout,noise,cutout]",
        "mitigation=[noise,cutout]",
        "mitigation=[dropout,cutout]",
        "mitigation=[dropout,noise]",
    ]


def test_factorial_is_every_way_to_combine_a_few() -> None:
    assert study_cells(StudyConfig(design="factorial", mitigations=("noise", "dropout")), []) == [
        "mitigation=none",
        "mitigation=noise",
        "mitigation=dropout",
        "mitigation=[noise,dropout]",
    ]


def test_two_lengths_are_one_factor_more_of_a_factorial() -> None:
    study = StudyConfig(design="factorial", mitigations=("noise", "dropout"), epochs=(8, 16))
    cells = study_cells(study, [])
    assert cells[:2] == ["mitigation=none epochs=8", "mitigation=noise epochs=8"]
    assert cells[-1] == "mitigation=[noise,dropout] epochs=16"
    assert len(set(cells)) == 8
    fraction = study_cells(StudyConfig(design="factorial", mitigations=("noise", *THREE, "l1")[1:], epochs=(8, 16)), [])
    assert (len(fraction), sum("epochs=16" in cell for cell in fraction)) == (16, 8)
    assert len(study_cells(StudyConfig(design="factorial", mitigations=("noise",), epochs=(8, 16)), [])) == 4
    with pytest.raises(UserError, match=r"over from 1 to 10 mitigations beside study\.epochs, not 11"):
        study_cells(StudyConfig(design="factorial", mitigations=tuple(TWELVE[:11]), epochs=(8, 16)), [])


def test_the_shipped_factorial_is_a_quarter_of_eight_and_begins_with_none() -> None:
    shipped = yaml.safe_load((ROOT / "conf/study/factorial.yaml").read_text())["study"]
    cells = study_cells(StudyConfig(**shipped), [])
    assert cells[0] == "mitigation=none"
    assert (len(cells), len(set(cells))) == (64, 64)
    assert not any(" " in cell for cell in cells)
    for name in shipped["mitigations"]:
        assert sum(name in cell for cell in cells) == 32


@pytest.mark.parametrize(
    ("design", "mitigations", "said"),
    [
        ("one_at_a_time", ["none", "dropout"], "so leave none out"),
        ("one_at_a_time", ["dropot"], "there is no option 'dropot'. Did you mean dropout"),
        ("one_at_a_time", ["noise+dropot"], "Did you mean dropout"),
        ("one_at_a_time", ["dropout", "dropout"], "names dropout twice"),
        ("leave_one_out", ["dropout", "cocktail"], "cocktail is several mitigations at once"),
        ("factorial", ["dropout", "noise+cutout"], r"noise\+cutout is several mitigations at once"),
        ("leave_one_out", ["dropout"], "over 2 or more mitigations, not 1"),
        ("factorial", ["dropout"], "over from 2 to 11 mitigations, not 1"),
        (
            "factorial",
            [
                "augmentation",
                "averaging",
                "batch_norm",
                "cutmix",
                "cutout",
                "dropout",
                "early_stopping",
                "l1",
                "label_smoothing",
                "max_norm",
                "mixup",
                "noise",
            ],
            "over from 2 to 11 mitigations, not 12",
        ),
    ],
)
def test_a_design_that_is_none_is_refused(design: str, mitigations: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        study_cells(StudyConfig(design=design, mitigations=tuple(mitigations)), [])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"design": "half"}, "study.design=half: the choices are one_at_a_time, leave_one_out, factorial"),
        ({"equal": "time"}, "study.equal=time: the choices are epochs, compute"),
        ({"design": "factorial", "epochs": [16]}, r"study.epochs=\[16\]: give a shorter and a longer training"),
        ({"design": "factorial", "epochs": [16, 8]}, "give a shorter and a longer training"),
        ({"epochs": [8, 16]}, r"is a factor of study.design=factorial. In any other design epochs=8,16 compares"),
        ({"design": "factorial", "epochs": [8, 16], "equal": "compute"}, "both choose the epochs of each cell"),
        ({"mitigations": "dropout"}, r"study.mitigations=dropout: give a list, such as study.mitigations=\["),
        ({"folds": "2,3"}, "study.folds=2,3: give a whole number"),
    ],
)
def test_a_setting_of_a_study_is_checked(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        StudyConfig(**settings)


def test_a_design_with_a_cell_that_cannot_be_run_is_refused() -> None:
    apart = IncompatibleError("mitigation=shrink makes no sense for model=perceptron")
    refuse_incomplete("one_at_a_time", ["a", apart])
    refuse_incomplete("factorial", ["a", "b"])
    with pytest.raises(UserError, match=r"1 of 2 cannot be run\. mitigation=shrink makes no sense"):
        refuse_incomplete("factorial", ["a", apart])
