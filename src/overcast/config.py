"""One source of truth: params.yaml's picks, explained by conf/, overridden by the command line.

`pipeline` turns a function of the composed config into a script's main: it puts the picks of params.yaml
in front of the user's overrides and turns a user's mistake into one message and exit code 2.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING as DATACLASS_MISSING
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

import hydra
import yaml
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from overcast.complaint import complaint
from overcast.errors import UserError

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Split:
    """seed: of the split alone. folds: how many; null: the data set's own number. fold: which is the test part.

    random: ignore source groups (but keep duplicates whole), to show what it is worth to know the source.
    """

    seed: int = MISSING
    fold: int = MISSING
    folds: int | None = None
    random: bool = False


@dataclass
class Trainer:
    """accelerator and devices as Lightning names them; precision "auto" asks this machine what it is fast at."""

    accelerator: str = "auto"
    devices: int = 0
    """0: every GPU there is, or one process on a CPU."""
    precision: str = "auto"
    threads: int = 0
    """CPU threads a process; 0: the machine's cores shared out."""
    profiler: str | None = None


@dataclass
class Tracking:
    """Where MLflow records; MLflow's own environment variables win over these. enabled=false: nowhere."""

    enabled: bool = True
    uri: str = "sqlite:///mlflow.db"
    artifacts: str = "mlartifacts"
    experiment: str = "overcast"


@dataclass
class Config:
    """Everything a run depends on. Groups whose options have their own numbers are free-form."""

    data: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    mitigation: dict[str, Any] = field(default_factory=dict)
    trainer: Trainer = field(default_factory=Trainer)
    tracking: Tracking = field(default_factory=Tracking)
    split: Split = field(default_factory=Split)
    seed: int = MISSING
    epochs: int = MISSING
    batch_size: int = MISSING
    lr: float = MISSING
    share: float = 1.0
    """How much of the train part to use, from just above 0 to 1."""
    shuffle: bool = False
    """One fixed shuffle of all pixels of every picture: no neighbour is a neighbour any more."""
    debug: bool = False
    """Two batches of everything, one epoch: does it run at all?"""
    tags: list[str] = field(default_factory=list)
    mirror: str | None = None
    run: str | None = None
    study: str | None = None
    claim: str | None = None
    """Which of `overcast.claims` a study measures."""
    prepare: bool = False
    """Whether what data is lacking is downloaded, packed and split before the run, or before a study's first one."""
    role: str = "trial"
    """"tuning" for the runs by which a study chooses strengths, which are not compared."""
    data_dir: str = "data"
    runs_dir: str = "runs"


def name_of(option: Any) -> str:
    """The name of an option: the module its ``_target_`` lives in (one name, three files)."""
    return str(option["_target_"]).rsplit(".", 2)[-2]


def picks(params: Path, taken: Iterable[str]) -> list[str]:
    """params.yaml as overrides, without the keys already ``taken`` by the user or a study."""
    if not params.is_file():
        raise UserError(f"{params.name} is missing: run this from the project's own folder, {params.parent}")
    tree = yaml.safe_load(params.read_text(encoding="utf8"))
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= {f"{key}.{k}": v for k, v in value.items()} if isinstance(value, dict) else {key: value}
    taken = set(taken)
    return [f"{key}={_override(value)}" for key, value in flat.items() if key not in taken]


def _override(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ",".join(map(_override, value)) + "]"
    return value if isinstance(value, str) else json.dumps(value)


def with_picks(arguments: list[str], root: Path = ROOT) -> list[str]:
    """The command line with params.yaml's picks put in front of the user's overrides."""
    # Hydra's parser wants all overrides in one run of arguments: flags first, picks before the overrides
    flags = [a for a in arguments if a in ("-m", "--multirun")]
    arguments = [a for a in arguments if a not in flags]
    overrides = [a for a in arguments if "=" in a and not a.startswith("-")]
    keys = {a.split("=", 1)[0].lstrip("+~").split("@")[0] for a in overrides}
    chosen = [a.split("=", 1)[1] for a in overrides if a.lstrip("+").startswith("study=")]
    for study in chosen:
        keys |= study_keys(root / "conf" / "study" / f"{study}.yaml")
    at = arguments.index(overrides[0]) if overrides else len(arguments)
    # a study is a multirun; saying so here makes Hydra report a mistake in it as what it is
    other = any(a.startswith(("--cfg", "-c", "--info", "-i", "--help", "-h", "--run", "-r")) for a in arguments)
    flags = flags or ["--multirun"] * (bool(chosen) and not other)
    return [*flags, *arguments[:at], *picks(root / "params.yaml", keys), *arguments[at:]]


def study_keys(path: Path) -> set[str]:
    """What a study file sets itself, so that params.yaml's pick of it must stand back."""
    if not path.is_file():
        return set()
    study = yaml.safe_load(path.read_text(encoding="utf8")) or {}
    sweeper = (study.get("hydra") or {}).get("sweeper") or {}
    lists = [sweeper.get(name) or [] for name in ("cells", "repeats", "tuning")] + (sweeper.get("tuned") or [])
    words = " ".join(line for lines in lists for line in lines).split()
    swept = [*(sweeper.get("params") or {}), *(word.partition("=")[0] for word in words)]
    groups = [key for d in study.get("defaults", []) if isinstance(d, dict) for key in d]
    keys = {key.removeprefix("override ").lstrip("/") for key in groups} | set(swept) | set(study)
    return keys | {f"{k}.{inner}" for k, v in study.items() if isinstance(v, dict) for inner in v}


def register() -> None:
    """Make the typed schema known to Hydra: a wrong type or an unknown key fails when composing."""
    ConfigStore.instance().store(name="schema", node=Config)


mistakes: list[UserError] = []
"""What went wrong in the jobs of this process: Hydra would add lines of its own to what is raised."""

_typed: list[str] = []


def typed() -> list[str]:
    """What the user typed after the script's name, before the picks were put in front."""
    return _typed


def pipeline(task: Callable[[DictConfig], Any]) -> Callable[[], None]:
    """A script's ``main`` from a function of the composed config."""

    @functools.wraps(task)
    def main() -> None:
        os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises, and the message is ours
        register()
        _typed[:] = sys.argv[1:]
        mistakes.clear()
        try:
            sys.argv[1:] = with_picks(sys.argv[1:])
            hydra.main(config_path=str(ROOT / "conf"), config_name="config", version_base="1.3")(guarded(task))()
            if mistakes:
                fail(str(mistakes[0]))
        except (UserError, HydraException, OmegaConfBaseException) as error:
            fail(complaint(error, ROOT / "conf"))
        except KeyboardInterrupt:
            sys.exit(130)

    return main


def guarded(task: Callable[[DictConfig], Any]) -> Callable[[DictConfig], Any]:
    """``task`` that gives a mistake back instead of raising it; in a multirun, any error.

    A raised one would end the other jobs of a worker if it does not unpickle, and be shown twice.
    """

    @functools.wraps(task)
    def job(cfg: DictConfig) -> Any:
        try:
            return task(cfg)
        except (UserError, OmegaConfBaseException) as error:
            kind = type(error) if isinstance(error, UserError) else UserError
            mistake = kind(complaint(error, ROOT / "conf"))  # without the frames that led to it, and all they hold
            mistakes.append(mistake)
            if HydraConfig.get().mode is RunMode.MULTIRUN:
                print(f"overcast: {mistake}", file=sys.stderr)  # into the job's log
            return mistake
        except Exception as error:
            if HydraConfig.get().mode is not RunMode.MULTIRUN:
                raise
            traceback.print_exc()
            return UserError(f"{type(error).__name__}: {error}")

    return job


def tracking_settings(overrides: Sequence[str] = ()) -> dict[str, Any]:
    """What a training with these overrides (``tracking=…``, ``tracking.…=…``) has as ``tracking``: where it records.

    Raises: UserError for an override, or a pick in params.yaml, that is wrong.
    """
    register()
    try:
        with hydra.initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            composed = hydra.compose("config", with_picks(list(overrides)))
        settings = OmegaConf.to_container(composed.tracking, resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(complaint(error, ROOT / "conf")) from None
    assert isinstance(settings, dict)
    return {str(key): value for key, value in settings.items()}


def command(task: Callable[[Any], Any]) -> Callable[[], None]:
    """A script's ``main`` for one that takes a few ``name=value`` words and no picks: a dataclass says which.

    If the dataclass has a ``tracking``, that is a list of what was given of ``tracking=…`` and ``tracking.…=…``.
    """

    @functools.wraps(task)
    def main() -> None:
        kind = get_type_hints(task)["arguments"]
        if {"-h", "--help"} & set(sys.argv[1:]):
            print(f"{sys.modules[task.__module__].__doc__}\n{inspect.cleandoc(kind.__doc__)}")
            return
        try:
            task(_arguments(kind, sys.argv[1:]))
        except BrokenPipeError:  # the reader, such as `head`, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(141)
        except UserError as error:
            fail(str(error))
        except KeyboardInterrupt:
            sys.exit(130)

    return main


def _arguments(kind: Any, words: list[str]) -> Any:
    """``name=value`` words as the dataclass ``kind``, whose fields are all text but for ``tracking``."""
    names = [f.name for f in fields(kind)]
    needed = [f.name for f in fields(kind) if f.default is DATACLASS_MISSING]
    tracking = [word for word in words if word.partition("=")[0].partition(".")[0] == "tracking"]
    given: dict[str, Any] = dict(word.partition("=")[::2] for word in words if word not in tracking)
    given |= {"tracking": tracking} if tracking else {}
    for name in given:
        if name not in names:
            raise UserError(f"there is no option '{name}'. Choices: {', '.join(f'{n}=…' for n in names)}")
    for name in needed:
        if not given.get(name):
            raise UserError(f"{name}=… is missing. Options: {', '.join(f'{n}=…' for n in names)}")
    return kind(**given)


def fail(message: str) -> None:
    """Show one message and end with exit code 2, as for any mistake of usage."""
    print(f"overcast: {message}", file=sys.stderr)
    sys.exit(2)


def plain(cfg: DictConfig) -> dict[str, Any]:
    """The config as plain, resolved containers, without Hydra's own part; its number of folds a number."""
    own = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
    resolved = OmegaConf.to_container(own, resolve=True, enum_to_str=True, throw_on_missing=True)
    assert isinstance(resolved, dict)
    if "split" in resolved and resolved["split"]["folds"] is None:
        from overcast.options import dataset  # which needs this module

        resolved["split"]["folds"] = dataset(resolved["data"]).folds
    return {str(key): value for key, value in resolved.items()}
