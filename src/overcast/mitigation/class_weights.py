"""Class weights: errors on rare classes count more, as if each class had as many samples.

King & Zeng (2001), "Logistic Regression in Rare Events Data"; for networks Buda et al. (2018), "A systematic study of
the class imbalance problem in convolutional neural networks". Expected where classes are of unequal sizes: a better
balanced accuracy and macro-F1, at the price of more false alarms for the rare classes; probabilities are then those of
equally frequent classes. A rare class has few samples still, and these are overfitted faster. Costs nothing.
Reported losses stay unweighted.

    python pipelines/train.py data=weather imbalance_ratio=10 mitigation=class_weights
"""

from __future__ import annotations

from torch import Tensor

from overcast.config.options import Share
from overcast.mitigation import Mitigation
from overcast.mitigation._class_frequency import inverse_frequency


class ClassWeights(Mitigation):
    """strength: 1 makes up for all of a class's rarity, 0.5 for the square root of it."""

    def __init__(self, strength: Share = 1.0) -> None:
        self.strength = strength

    def loss_weights(self, labels: Tensor, classes: int) -> Tensor | None:
        return inverse_frequency(labels, classes, self.strength) if self.strength else None
