"""Do the maps depend on what was learned? With random weights they must change (Adebayo et al. 2018)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import nn

from overcast.core.seeding import generator
from overcast.core.words import translatable, translate
from overcast.explain.layer_captions import capitalised

OTHER, SAME = 0.5, 0.8
"""Rank correlation with the maps of random weights below which maps are others, and from which on they are the same."""


def shuffle_weights(net: nn.Module, seed: int) -> nn.Module:
    """A copy whose every tensor of weights has its own values in a random order: as large, but nothing learned."""
    other = copy.deepcopy(net)
    with torch.no_grad():
        for number, weights in enumerate(other.parameters()):
            order = torch.randperm(weights.numel(), generator=generator(seed, "shuffled", number))
            weights.copy_(weights.flatten()[order].view_as(weights))
    return other


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation of two maps; 0 where one of them is the same everywhere."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(spearmanr(a.ravel(), b.ravel()).statistic)


@dataclass(frozen=True)
class Check:
    """Of one method, how the maps (M,) of a few samples agree with those of random weights: rank correlations.

    sizes: the same without the signs. Samples whose map is the same everywhere are not among them.
    """

    method: str
    signed: Sequence[float]
    sizes: Sequence[float]

    @property
    def answer(self) -> str:
        """Whether the maps depend on what was learned, in a word, in English."""
        if not self.signed:
            return translatable("cannot be told")
        if (mean := float(np.mean(self.signed))) < OTHER:
            return translatable("yes")
        return translatable("partly") if mean < SAME else translatable("no")

    def sentence(self) -> str:
        """That as a sentence, and what was measured."""
        if not self.signed:
            measured = translate("the maps that were looked at are the same everywhere")
        else:
            measured = translate(
                "with random weights in their place the maps of {number} samples correlate by {signed}, their sizes "
                "alone by {sizes}",
                number=len(self.signed), signed=_two_digits(self.signed), sizes=_two_digits(self.sizes),
            )  # fmt: skip
        method = capitalised(self.method)
        return translate(
            "{method}: {answer} ({measured})", method=method, answer=translate(self.answer), measured=measured
        )


def verdict(checks: Sequence[Check]) -> str:
    """One sentence on all methods: "These maps depend on what was learned: yes"."""
    answers = {check.answer for check in checks}
    if len(answers) == 1:
        return translate("These maps depend on what was learned: {answer}", answer=translate(answers.pop()))
    others = ", ".join(f"{check.method}: {translate(check.answer)}" for check in checks if check.answer != "yes")
    if "yes" not in answers:
        return translate("These maps depend on what was learned: {answer}", answer=others)
    return translate("These maps depend on what was learned: yes, but for some ({others})", others=others)


def _two_digits(correlations: Sequence[float]) -> str:
    return f"{np.mean(correlations):.2f}".replace("-0.00", "0.00").replace("-", "−")
