"""What a part of a network that never learns makes of each row of a pack: found once and shared by all runs.

``<root>/<name>/features/<network>-<fingerprint of the pack>.npy``: (N, F) float32. Each row depends on its own
sample, on weights that never learn, and where inputs are standardised by the train rows on those, which the name
tells: no run, fold or part learns anything of another by sharing it.
"""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from overcast.core.atomic import writing
from overcast.core.locks import lock
from overcast.core.progress import open_bar
from overcast.core.spec import Spec
from overcast.mitigation import Mitigation
from overcast.model import Frozen, Network, example_input
from overcast.prediction.preprocessor import Preprocessor, Standardizer
from overcast.prediction.trained_network import TrainedNetwork, data_folder, restore
from overcast.prepare.derived import derived_path, digest, is_kept, keep
from overcast.prepare.pack import Pack
from overcast.tracking.run_folder import Run

BLOCK = 64
"""Samples between two steps of the progress bar."""

MAX_BYTES = 32 * 2**20
"""Of a file of features that other train rows have others of: a study of ten folds has ten of them."""


class Identity(Preprocessor):
    """Features need no more of an input layer."""

    kind = "image"

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        return x


def cached_features(
    pack: Pack, preprocessor: Preprocessor, net: Network, place: Path, device: str = "cpu", shown: bool = True
) -> tuple[Pack, Preprocessor, Network]:
    """For a network that `learns_from_features`: a pack of those, and the part that reads them; else what came in.

    place: the data set's folder. Raises: UserError if the features cannot be written there.
    """
    parts = net.backbone_and_head()
    if parts is None or not learns_from_features(pack, net):
        return pack, preprocessor, net
    backbone, head = parts
    path = derived_path(place, "features", "-".join([backbone.key, *_seen_through(preprocessor)]), pack, ".npy")
    if not is_kept(path):
        with writing(path.parent):
            path.parent.mkdir(exist_ok=True)
            with lock(path.parent):  # of several runs at once the first finds them
                if not is_kept(path):
                    buffer = io.BytesIO()
                    np.save(buffer, _compute_features(pack, preprocessor, backbone, device, shown))
                    keep(path, buffer.getvalue())
    values = np.load(path, mmap_mode="r")
    spec = Spec("image", (values.shape[1], 1, 1), pack.spec.classes)  # as the channels of one pixel, for the length
    return replace(pack, spec=spec, values=values, offsets=None), Identity(), head


def learns_from_features(pack: Pack, net: Network) -> bool:
    """Whether all that learns reads the features of a part that does not, and those are worth a file.

    Features that depend on the train rows, by what inputs are standardised with, have a file for each choice of rows:
    up to `MAX_BYTES` each.
    """
    parts = net.backbone_and_head()
    if parts is None or net.input_stats:
        return parts is not None
    features = parts[0](*example_input(pack.spec)).shape[1]
    return len(pack.labels) * features * np.dtype(np.float32).itemsize <= MAX_BYTES


def _seen_through(preprocessor: Preprocessor) -> list[str]:
    """What the features depend on beside the pack: the order of the pixels, and what was learned of the train rows."""
    shuffled = ["shuffled"] if isinstance(preprocessor, Standardizer) and preprocessor.shuffle else []
    state = preprocessor.state_dict()
    learned = [state[name].cpu().numpy() for name in preprocessor.learned]
    return [*shuffled, *([digest(*learned)] if learned else [])]


def leave_batches_unchanged(mitigations: dict[str, Mitigation]) -> bool:
    """Whether the network sees every sample as it is, each time: none of these changes the train batches."""
    return all(type(mitigation).batch is Mitigation.batch for mitigation in mitigations.values())


def _compute_features(pack: Pack, preprocessor: Preprocessor, backbone: Frozen, device: str, shown: bool) -> np.ndarray:
    """The features (N, F) of all rows."""
    rows = np.arange(len(pack.labels))
    blocks = []
    preprocessor.to(device)
    with (
        torch.inference_mode(),
        open_bar(total=len(rows), desc="features", unit="sample", disable=not shown) as bar,
    ):
        for block in np.array_split(rows, max(1, len(rows) // BLOCK)):
            x, length = (torch.from_numpy(array).to(device) for array in pack.gather(block))
            blocks.append(backbone(preprocessor(x, length), length).cpu().numpy())
            bar.update(len(block))
    return np.concatenate(blocks)


def restore_for_measuring(run: Run, pack: Pack) -> tuple[TrainedNetwork, Pack]:
    """The restored network as fast as it measures rows of ``pack``, and the pack to give it."""
    trained = restore(run)
    seen, trained.preprocessor, trained.net = cached_features(
        pack, trained.preprocessor, trained.net, data_folder(run.config)
    )
    return trained, seen
