"""Whether a new model may take the champion's place: not worse on the same validation samples, and within its gates.

*Not worse* is non-inferiority within the margin of conf/metric/nll.yaml, and no evidence of harm: the 95 % interval of
the paired difference in validation negative log-likelihood, new less old, ends below the margin, and does not lie above
zero as a whole. So a model that is only undecided because there were few samples does not pass by luck, and one that is
a little but surely worse does not pass either. Test figures have no say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from overcast.core.errors import UserError
from overcast.serving.evidence import Evidence
from overcast.statistics.estimates import ALPHA, by_group, one_sample_t
from overcast.statistics.fold_covariance import common_ratio
from overcast.statistics.simultaneous import compare_with_control

ENOUGH_FOLDS = 5
"""From so many common folds on, folds are the repeats, as in a study; of fewer, the samples in them."""


@dataclass(frozen=True)
class Comparison:
    """New less old, in nats: the mean and the ends of its 95 % interval. over: what was repeated."""

    difference: float
    low: float
    high: float
    margin: float
    over: str

    @property
    def not_worse(self) -> bool:
        return bool(self.high < self.margin and self.low <= 0)

    @property
    def text(self) -> str:
        return (
            f"validation negative log-likelihood, new less champion: {self.difference:+.4f} nats "
            f"[{self.low:+.4f}, {self.high:+.4f}] over {self.over}; not worse is below {self.margin:g}, "
            "and not above zero as a whole"
        )


def compare_evidence(new: Evidence, old: Evidence, networks: tuple[str, str], margin: float) -> Comparison:
    """Paired, on the folds that both have. networks: of either, by which the covariance of folds is known.

    Raises: UserError if they have no fold in common, or not the same samples in one.
    """
    ours, theirs = new.of_folds(), old.of_folds()
    folds = sorted(ours.keys() & theirs.keys())
    if not folds:
        raise UserError(
            "the new model and the champion have no fold in common, so they cannot be compared: train both on the same "
            "split.seed and split.fold, or register both from one study"
        )
    if any(ours[fold].keys() != theirs[fold].keys() for fold in folds):
        raise UserError(
            "the new model and the champion have other validation samples in the same fold: train both anew"
        )
    differences = [np.array([ours[fold][row][0] - theirs[fold][row][0] for row in ours[fold]]) for fold in folds]
    if len(folds) >= ENOUGH_FOLDS:
        means = np.array([difference.mean() for difference in differences])
        ratio = max(common_ratio(network, "test/nll") for network in networks)
        estimate = compare_with_control(means[None, :, None], ratio).interval(ALPHA)
        over = f"{len(folds)} folds"
    else:
        every = np.concatenate(differences)
        groups = np.array([ours[fold][row][1] for fold in folds for row in ours[fold]])
        estimate = one_sample_t(by_group(every, groups))
        over = f"{len(every):,} samples of {len(folds)} fold{'s' * (len(folds) > 1)}: it knows nothing of other seeds"
    mean, low, high = (float(np.ravel(each)[0]) for each in (estimate.mean, estimate.low, estimate.high))
    return Comparison(mean, low, high, margin, over)
