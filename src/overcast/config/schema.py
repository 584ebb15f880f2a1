"""The typed schema of the config: what Hydra checks while composing, and what every run's settings are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, OmegaConf

from overcast.core.devices import TrainerConfig
from overcast.core.durations import seconds
from overcast.core.errors import UserError
from overcast.core.secrets import keep_password


@dataclass(frozen=True)
class SplitConfig:
    """Which samples train, validate and test.

    seed: of the split alone. folds: how many; null: the data set's own number. fold: which is the test part.

    ignore_groups: ignore source groups (but keep duplicates whole), to show what it is worth to know the source.
    file: a csv file with a published split, which is taken instead of drawing one (`prepare.published_split`); folds is
    then how many it has, one where null.
    calibration: how much of each train part to hold out of it, for calibrating probabilities; 0: nothing.
    """

    seed: int = MISSING
    fold: int = MISSING
    folds: int | None = None
    ignore_groups: bool = False
    file: str | None = None
    calibration: float = 0.0


@dataclass(frozen=True)
class TrackingConfig:
    """Where MLflow records; MLflow's own environment variables win over these.

    enabled: whether it records at all. uri: of its server or database, as in ``MLFLOW_TRACKING_URI``. artifacts: the
    folder for files, where a database is new. experiment: MLflow's name of what runs belong to.
    tensorboard: whether each epoch's figures go into event files in the run's folder, too.

    A password in ``uri`` goes into the environment of this process, and is no part of the config from then on.
    """

    enabled: bool = True
    uri: str = "sqlite:///mlflow.db"
    artifacts: str = "mlartifacts"
    experiment: str = "overcast"
    tensorboard: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "uri", keep_password(self.uri))


@dataclass(frozen=True)
class StudyConfig:
    """What a run is a trial of.

    name: as people say it; None for a sweep without one.
    folds: how many of the data's folds a study uses, paired over all its cells; None where its repeats are named one by
    one. seeds: how many each of these folds is trained with, the same over all cells.
    outcomes: of the test part, whether the model is better, by their names in metrics.json. margins: of an outcome (or
    of gap_nll, gap_accuracy), inside which a difference is none. Both are recorded before the first trial.

    design: which cells are made of the ``mitigations``: each one alone (``one_at_a_time``), all without each one
    (``leave_one_out``), or a fraction of all ways to combine them (``factorial``).

    mitigations: those that a design makes cells of, by their names. Without any a study names its cells itself.

    epochs: a shorter and a longer training, which a factorial design combines with the mitigations as one more factor.

    equal: what all cells have alike: ``epochs``, or ``compute``: each as many epochs as take the baseline's time.

    budget: how long a sequential study may take, such as ``30min``: after every few folds it is looked at, and what is
    decided, or cannot be decided any more, gets no more runs. None: every run that is planned.

    Raises: UserError for what is no such value.
    """

    name: str | None = None
    folds: int | None = None
    seeds: int = 1
    outcomes: tuple[str, ...] = ("nll", "accuracy")
    margins: dict[str, float] = field(default_factory=dict)
    design: str = "one_at_a_time"
    mitigations: tuple[str, ...] = ()
    epochs: tuple[int, ...] = ()
    equal: str = "epochs"
    budget: str | None = None

    def __post_init__(self) -> None:
        for name in ("folds", "seeds"):
            value = getattr(self, name)
            if not isinstance(value, int) and (value is not None or name == "seeds"):
                raise UserError(f"study.{name}={value}: give a whole number")
        if self.budget is not None:
            seconds("study.budget", str(self.budget))
        for name, choices in (("design", DESIGNS), ("equal", EQUAL)):
            if getattr(self, name) not in choices:
                raise UserError(f"study.{name}={getattr(self, name)}: the choices are {', '.join(choices)}")
        for name, example in (("mitigations", "dropout,augmentation"), ("outcomes", "nll,accuracy")):
            value = getattr(self, name)
            if not isinstance(value, list | tuple):
                raise UserError(f"study.{name}={value}: give a list, such as study.{name}=[{example}]")
            object.__setattr__(self, name, tuple(map(str, value)))
        if self.budget is not None and self.design == "factorial":
            raise UserError(
                f"study.budget={self.budget} stops single cells between folds, and study.design=factorial needs all of "
                "them in each fold: leave one of the two out"
            )
        self._check_epochs()

    def _check_epochs(self) -> None:
        if not self.epochs:
            return
        given = list(self.epochs) if isinstance(self.epochs, list | tuple) else [self.epochs]
        if not (len(given) == 2 and all(isinstance(many, int) for many in given) and 1 <= given[0] < given[1]):
            told = ",".join(map(str, given))
            raise UserError(f"study.epochs=[{told}]: give a shorter and a longer training, such as study.epochs=[8,16]")
        short, long = given
        if self.design != "factorial":
            raise UserError(
                f"study.epochs=[{short},{long}] is a factor of study.design=factorial. In any other design "
                f"epochs={short},{long} compares the cells at each length by itself"
            )
        if self.equal == "compute":
            raise UserError("study.epochs and study.equal=compute both choose the epochs of each cell: leave one out")
        object.__setattr__(self, "epochs", (short, long))

    @property
    def budget_seconds(self) -> float | None:
        """``budget`` in seconds."""
        return None if self.budget is None else seconds("study.budget", str(self.budget))


DESIGNS = ("one_at_a_time", "leave_one_out", "factorial")
EQUAL = ("epochs", "compute")


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What a run depends on besides the options of its data, network and mitigations."""

    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    split: SplitConfig = field(default_factory=SplitConfig)
    seed: int = MISSING
    """Of the first weights, the order of the batches and every other draw of a training."""
    epochs: int = MISSING
    """How many times a run goes through its train part; every run of a comparison as often."""
    batch_size: int = MISSING
    """Samples a step, of all processes together."""
    lr: float = MISSING
    """The greatest learning rate: it rises to this in the first steps and comes down to nearly 0 in the last."""
    train_fraction: float = 1.0
    """How much of the train part to use, from just above 0 to 1."""
    imbalance_ratio: float = 1.0
    """How many times as many train samples the commonest class has as the rarest: others are left out of the train and
    the validation part, and the test part stays whole. 1: all that there are."""
    measure_every: int = 1
    """Epochs from one look at the train and validation part to the next. The last one is always looked at: what counts
    is the greatest common divisor with ``epochs``. It changes a run's cost and, but for early stopping, no weight."""
    shuffle_pixels: bool = False
    """One fixed shuffle of all pixels of every picture: no neighbour is a neighbour any more."""
    debug: bool = False
    """Two batches of everything, one epoch: does it run at all?"""
    init_from: str | None = None
    """A run whose weights to start from: its folder, MLflow id, or ``latest``. None: the seed draws them."""
    tags: tuple[str, ...] = ()
    """Words to find a run by in MLflow, such as ``[first,second]``."""
    mirror: str | None = None
    """A folder with the data sets' archives, instead of their public addresses, or the variable ``OVERCAST_MIRROR``."""
    run: str | None = None
    """The run's folder; None: a new one below ``runs_dir``."""
    resume: bool = False
    """Whether to go on with an interrupted run of the same config, from its last checkpoint, where there is one."""
    study: StudyConfig = field(default_factory=StudyConfig)
    claim: str | None = None
    """Which of `overcast.claims` a study measures."""
    prepare: bool = False
    """Whether what data is lacking is downloaded, packed and split before the run, or before a study's first one."""
    role: str = "trial"
    """"tuning" for the candidates of a study that chooses strengths: those that are not chosen are not compared."""
    data_dir: str = "data"
    """Where data sets lie, in the project's folder or ``OVERCAST_HOME``: another name keeps a second one apart."""
    runs_dir: str = "runs"
    """Where runs get their folders."""


@dataclass(frozen=True, kw_only=True)
class ConfigSchema(RunSettings):
    """The same for Hydra, whose options are free-form: their numbers are checked against what they build."""

    data: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    mitigation: dict[str, Any] = field(default_factory=dict)


SETTINGS = ("tracking", "tags", "mirror", "run", "resume", "study", "claim", "prepare", "role", "data_dir", "runs_dir")
"""What is no part of an experiment: where files lie, where it is recorded, and what for. params.yaml has none of it."""


def register_schema() -> None:
    """Make the typed schema known to Hydra: a wrong type or an unknown key fails when composing."""
    node = OmegaConf.structured(ConfigSchema)
    for part in (node, node.trainer, node.tracking, node.split, node.study):
        OmegaConf.set_readonly(part, None)  # frozen classes make it so, and a config is composed by changing it
    OmegaConf.set_struct(node.study.margins, False)  # its keys are outcomes, which Hydra does not know
    ConfigStore.instance().store(name="schema", node=node)
