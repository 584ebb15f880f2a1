"""Several trained networks as one, and one with its answer to the mirror image: what they give is averaged.

Averaged are probabilities (Lakshminarayanan, Pritzel & Blundell, "Simple and Scalable Predictive Uncertainty Estimation
using Deep Ensembles", 2017). The logits are then their logarithms, so that all else stays as with one network.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from overcast.core.errors import IncompatibleError, UserError
from overcast.core.spec import Spec
from overcast.prediction.preprocessor import Preprocessor
from overcast.prediction.trained_network import TrainedNetwork, restore
from overcast.tracking.run_folder import Run


class Ensemble(nn.Module):
    """Networks for samples of the same spec; ``forward`` gives the logarithm of their mean probabilities (B, K)."""

    def __init__(self, members: Sequence[TrainedNetwork]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    @property
    def preprocessor(self) -> Preprocessor:
        """That of the first: all are of the same kind."""
        member = self.members[0]
        assert isinstance(member, TrainedNetwork)
        return member.preprocessor

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        return mean_log_probabilities([member(x, length) for member in self.members])


class Flipped(nn.Module):
    """A network for pictures (B, C, H, W): the mean of its answers to each and to its mirror image."""

    def __init__(self, network: TrainedNetwork | Ensemble) -> None:
        super().__init__()
        self.network = network

    @property
    def preprocessor(self) -> Preprocessor:
        return self.network.preprocessor

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        return mean_log_probabilities([self.network(x, length), self.network(x.flip(-1), length)])


def mean_log_probabilities(logits: Sequence[Tensor]) -> Tensor:
    """The logarithm of the mean probabilities (B, K), in double precision, of logits (B, K) of several."""
    each = torch.stack([one.double().log_softmax(-1) for one in logits])
    return each.logsumexp(0) - torch.tensor(len(logits), dtype=torch.float64).log()


AnyNetwork = TrainedNetwork | Ensemble | Flipped


def restore_together(runs: Sequence[Run], flip: bool = False) -> AnyNetwork:
    """The network of a run, or of several as one, in eval mode; flip: with its answer to the mirror image.

    Raises: UserError if they were trained on other data than the first; IncompatibleError if no pictures are to be
    flipped; and as `restore` does.
    """
    first = runs[0]
    for run in runs[1:]:
        if (run.spec, run.config.data) != (first.spec, first.config.data):
            raise UserError(f"{run.folder} was trained on other data than {first.folder}: they cannot answer as one")
    if flip:
        refuse_unflippable(first.config.data.name, first.spec)
    networks = [restore(run) for run in runs]
    network = networks[0] if len(networks) == 1 else Ensemble(networks).eval()
    return Flipped(network).eval() if flip else network


def refuse_unflippable(data: str, spec: Spec) -> None:
    """Raises: IncompatibleError for what has no mirror image."""
    if spec.kind != "image":
        raise IncompatibleError(f"flip=true mirrors pictures, and data={data} is of kind {spec.kind}: leave it out")
