"""Classes of unequal sizes: made on purpose, and what mitigations do about them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from overcast.config.run_config import RunConfig
from overcast.core.errors import IncompatibleError, UserError
from overcast.core.seeding import generator
from overcast.core.spec import Spec
from overcast.mitigation import Mitigation
from overcast.prepare.folds import TRAIN, UNUSED, VALIDATION


def thin_classes(parts: np.ndarray, labels: np.ndarray, spec: Spec, ratio: float, seed: int) -> np.ndarray:
    """The parts (N,) of an imbalanced version of the data: rows left out of train and validation become "unused".

    The sizes of the classes fall geometrically from the commonest to the rarest, which has 1/``ratio`` of its samples
    (a long tail: Cui et al. 2019, "Class-Balanced Loss Based on Effective Number of Samples"). ``seed`` alone draws
    which class is how rare, the same in each fold, and the rows; a smaller ratio keeps all that a larger one keeps. The
    test part stays whole. A class that the validation part lacks, as one cut by time may, is left out of account there.

    Raises: UserError if a class would have no train row, or has none.
    """
    if ratio == 1:
        return parts
    classes = len(spec.classes)
    place = torch.randperm(classes, generator=generator(seed, "imbalance")).numpy()  # 0: the commonest
    share = ratio ** -(place / (classes - 1))  # (K,)
    kept = parts.copy()
    for part in (TRAIN, VALIDATION):
        counts = np.bincount(labels[parts == part], minlength=classes)
        if not counts.any():
            continue
        wanted = np.round(share * (counts / share)[counts > 0].min()).astype(int)
        for k, name in enumerate(spec.classes):
            if part == TRAIN and not counts[k]:
                raise UserError(
                    f"imbalance_ratio={ratio:g}: class {name} has no train sample in this fold as it is, so that no "
                    "ratio can be made: choose another split.fold, or leave it out"
                )
            if part == TRAIN and not wanted[k]:
                raise UserError(
                    f"imbalance_ratio={ratio:g} leaves class {name} none of its {counts[k]} train samples: lower it"
                )
            rows = np.flatnonzero((parts == part) & (labels == k))
            order = torch.randperm(len(rows), generator=generator(seed, "imbalance", part, k)).numpy()
            kept[rows[order[max(1, wanted[k]) :]]] = UNUSED
    return kept


def check_balance(config: RunConfig, labels: np.ndarray, mitigations: Mapping[str, Mitigation]) -> None:
    """Raises: IncompatibleError where two mitigations make up for the same imbalance, or one for none.

    labels: of the whole pack, so that the answer is the same in each fold.
    """
    given = torch.from_numpy(labels)
    classes = len(np.unique(labels))
    found = {
        name: weights
        for name, each in mitigations.items()
        for weights in (each.loss_weights(given, classes), each.sampling_weights(given, classes))
        if weights is not None
    }
    if len(found) > 1:
        raise IncompatibleError(
            f"mitigation={'+'.join(found)}: each makes up for unequal classes, and together they would turn the "
            "imbalance round. Choose one"
        )
    plain = config.imbalance_ratio == 1 and config.train_fraction == 1
    for name, weights in found.items():
        if plain and weights.min() == weights.max():
            raise IncompatibleError(
                f"mitigation={name} changes nothing: each class of {config.data.name} has as many samples. Set "
                "imbalance_ratio=10, or leave it out"
            )


def loss_weights(mitigations: Mapping[str, Mitigation], labels: Tensor, classes: int) -> Tensor | None:
    """How much the loss of each class counts (K,), where a mitigation says so. labels: (N,) of the used train rows."""
    given = (each.loss_weights(labels, classes) for each in mitigations.values())
    return next((weights for weights in given if weights is not None), None)


def sampling_weights(mitigations: Mapping[str, Mitigation], labels: Tensor, classes: int) -> Tensor | None:
    """How often each train row is drawn (N,), where a mitigation says so."""
    given = (each.sampling_weights(labels, classes) for each in mitigations.values())
    return next((weights for weights in given if weights is not None), None)
