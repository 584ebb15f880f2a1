"""What users type: options on the command line and lines of params.yaml."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from hypothesis import strategies as st
from omegaconf.errors import OmegaConfBaseException

from in_process import Ended, check_end, fresh_home, run_script
from overcast.config.compose import resolved, with_defaults
from overcast.config.messages import error_message
from overcast.config.schema import register_schema
from overcast.core.errors import UserError
from overcast.core.paths import ROOT
from overcast.core.visible import visible
from texts import NASTY

OPTIONS = [
    "data", "model", "mitigation", "trainer", "seed", "epochs", "batch_size", "lr", "split.seed", "split.fold",
    "split.folds", "split.file", "split.ignore_groups", "split.calibration",
    "train_fraction", "shuffle_pixels", "debug", "recipe",
    "study",
    "model.hidden", "model.activation", "mitigation.dropout.p", "trainer.threads", "trainer.precision",
    "trainer.devices", "tracking", "tracking.uri", "study.folds", "data.size", "data.n_samples", "lrr", "modle.width",
]  # fmt: skip
VALUES = [
    "", "0", "1", "-1", "1.5", "nan", "inf", "-inf", "1e400", "true", "null", "none", "[]", "{}", "[1,2]", "{a:1}",
    "[none,none]", "ann", "ANN", "skies", "dropout", "[dropout,noise]", "???", "${seed}", "${oc.env:HOME}", "a=b", "'",
    "'a b'", "구름", "1e12", "9223372036854775808",
    "[", "}", "a,b", "range(3)", "choice(1,2)", "glob(*)", "\\", "~", "$x", '"',
]  # fmt: skip
values = st.one_of(st.sampled_from(VALUES), st.sampled_from(NASTY), st.text(max_size=6))
words = st.one_of(
    st.tuples(st.sampled_from(OPTIONS), values).map("=".join),
    st.tuples(st.sampled_from(["+", "++", "~"]), st.sampled_from(OPTIONS), values).map(
        lambda w: f"{w[0]}{w[1]}={w[2]}"
    ),
    st.sampled_from(["-m", "--multirun", "--cfg", "job", "-x", "--help", "--version", "--resolve", "=", "a"]),
)
BOUNDED = ("epochs=1", "debug=true", "batch_size=64", "tracking=off", "trainer=cpu", "trainer.threads=1", "model=ann")
TINY = ("data=skies", "data.n_samples=60", "data.size=16", "mitigation=none")
HYDRA_ITSELF = ("--cfg", "job", "--help", "--version", "--resolve", "-x", "--hydra-help")
"""What Hydra answers by itself, or argparse with a usage message."""


def test_command_lines(fuzz: Any) -> None:
    with fresh_home() as home:
        for script in ("download", "pack", "split"):
            assert run_script(script, *TINY).code == 0

        def check(typed: list[str]) -> None:
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(home)
                ended = run_script("train", *TINY, *BOUNDED, *(word.replace("\0", "") for word in typed))
            if set(typed) & set(HYDRA_ITSELF):
                assert "Traceback" not in ended.said
            else:
                check_end(ended)

        fuzz(st.lists(words, min_size=1, max_size=3), check)


@st.composite
def params(draw: Any) -> str:
    """params.yaml as it is shipped, with some values changed, lines removed or text put in."""
    shipped = (ROOT / "params.yaml").read_text(encoding="utf8")
    match draw(st.sampled_from(["values", "values", "lines", "text", "noise"])):
        case "values":
            tree = yaml.safe_load(shipped)
            for name in draw(st.lists(st.sampled_from([*tree, *OPTIONS]), max_size=3)):
                tree[name] = draw(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), values, st.just([])))
            return yaml.safe_dump(tree, allow_unicode=True)
        case "lines":
            lines = shipped.splitlines()
            return "\n".join(line for line in lines if draw(st.integers(0, 5)))
        case "text":
            place = draw(st.integers(0, len(shipped)))
            return shipped[:place] + draw(
                st.one_of(values, st.sampled_from(["\t", "[", ": ", "!!python/name:os.system "]))
            )
    return draw(st.text(max_size=50))


def test_params(fuzz: Any) -> None:
    register_schema()

    def check(text: str) -> None:
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            (root / "conf").symlink_to(ROOT / "conf")
            (root / "params.yaml").write_bytes(text.encode("utf8", "surrogatepass"))
            try:
                with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
                    resolved(compose("config", with_defaults([], root)))
            except (UserError, HydraException, OmegaConfBaseException) as error:
                message = visible(error_message(error, ROOT / "conf"), "\n\t")  # as it is shown
                check_end(Ended(2, f"overcast: {message}\n"))

    fuzz(params(), check)
