"""Balanced sampling: train samples are drawn so that each class comes equally often.

Oversampling of rare classes and undersampling of common ones at once (Buda et al. 2018, "A systematic study of the
class imbalance problem in convolutional neural networks"; Kang et al. 2020, "Decoupling Representation and Classifier
for Long-Tailed Recognition"). An epoch has as many samples as before, drawn with replacement. Expected where classes
are of unequal sizes: a better balanced accuracy and macro-F1; samples of rare classes are seen many times over, and
overfitted sooner. Costs nothing.

    python pipelines/train.py data=weather imbalance_ratio=10 mitigation=balanced_sampling
"""

from __future__ import annotations

from torch import Tensor

from overcast.config.options import Share
from overcast.mitigation import Mitigation
from overcast.mitigation._class_frequency import inverse_frequency


class BalancedSampling(Mitigation):
    """strength: 1 makes all classes equally frequent, 0.5 evens out the square root of it."""

    def __init__(self, strength: Share = 1.0) -> None:
        self.strength = strength

    def sampling_weights(self, labels: Tensor, classes: int) -> Tensor | None:
        return inverse_frequency(labels, classes, self.strength)[labels] if self.strength else None
