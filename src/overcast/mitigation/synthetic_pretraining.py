"""Synthetic pretraining: the network first learns to tell the weather from pictures that this program draws itself.

The lecture's pre-training, with labels that cost nothing: all layers but the last start from the weights of a run on
synthetic skies (transfer learning: Yosinski et al. 2014, "How transferable are features in deep neural networks?").
Nothing is downloaded. The weights are made once and kept in the data folder, for every run, fold and study that asks
for the same; making them takes minutes, which are told apart from a run's own.

Measured on the weather photographs at 128 pixels, with the recipe in docs/results.md: 95 % of the test pictures right.
Weights drawn at 64 pixels serve larger pictures too (``model.stem_stride=4`` keeps their scale). A lower lr suits
weights that are good already.

    python pipelines/train.py data=weather "mitigation=[synthetic_pretraining,augmentation,batch_norm]" lr=0.001
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, PositiveInt

from overcast.config.options import Option
from overcast.core.spec import Kind
from overcast.mitigation import Acts, FirstRun, Mitigation


class SyntheticPretraining(Mitigation):
    """n_samples: pictures to draw. size: of each, in pixels. epochs, batch_size, lr: of the run on them.

    difficulty: of the skies, see ``data=skies``. cast: how much their colours are tinted, see ``augmentation``.
    """

    kinds: ClassVar[tuple[Kind, ...]] = ("image",)
    acts: ClassVar[Acts] = "before the start"

    def __init__(
        self,
        n_samples: Annotated[int, Field(ge=50, le=1_000_000)] = 12_000,
        size: Annotated[int, Field(ge=16, le=256)] = 64,
        epochs: PositiveInt = 8,
        batch_size: Annotated[int, Field(ge=2)] = 64,
        lr: Annotated[float, Field(gt=0)] = 0.003,
        difficulty: Annotated[float, Field(ge=0, le=1)] = 0.5,
        cast: Annotated[float, Field(ge=0, le=1)] = 0.3,
    ) -> None:
        self.n_samples, self.size, self.difficulty, self.cast = n_samples, size, difficulty, cast
        self.epochs, self.batch_size, self.lr = epochs, batch_size, lr

    def first_weights(self) -> FirstRun:
        drawn = {"n_samples": self.n_samples, "size": self.size, "difficulty": self.difficulty, "seed": 0}
        return FirstRun(
            data=Option("skies", "overcast.data.skies.Skies", drawn),
            shape=(3, self.size, self.size),
            mitigation=Option("augmentation", "overcast.mitigation.augmentation.Augmentation", {"cast": self.cast}),
            epochs=self.epochs,
            batch_size=self.batch_size,
            lr=self.lr,
        )
