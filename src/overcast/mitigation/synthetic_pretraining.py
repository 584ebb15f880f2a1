"""Synthetic pretraining: the network first learns from pictures or voices that this program makes up itself.

The lecture's pre-training, with labels that cost nothing: all layers but the last start from the weights of a run on
synthetic data (transfer learning: Yosinski et al. 2014, "How transferable are features in deep neural networks?"):
pictures from one on the weather of synthetic skies, recordings from one on digits that synthetic voices say, for which
the extra `voices` must be installed. Nothing is downloaded. The weights are made once and kept in the data folder, for
every run, fold and study that asks for the same; making them takes minutes, which are told apart from a run's own.

Measured on the weather photographs at 128 pixels, with the recipe in docs/results.md: 95 % of the test pictures right.
Weights drawn at 64 pixels serve larger pictures too (``model.stem_stride=4`` keeps their scale). On spoken digits from
voices never heard: 90 % right, 86 % without. A lower lr suits weights that are good already.

    python pipelines/train.py data=weather "mitigation=[synthetic_pretraining,augmentation,batch_norm]" lr=0.001
    python pipelines/train.py data=speech "mitigation=[synthetic_pretraining,spectrogram_augmentation]" lr=0.001
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, PositiveInt

from overcast.config.options import Option
from overcast.core.spec import Kind
from overcast.mitigation import Acts, FirstRun, Mitigation
from overcast.readers.speech_bands import BANDS

FEATURES = ("rate", "n_mels", "window", "hop", "subtract_mean", "top_db", "trim_db", "standardize", "front_end")
"""The options by which data sets say how a recording becomes a spectrogram."""
WORDS = 10
"""How many each voice says."""


class SyntheticPretraining(Mitigation):
    """n_samples: pictures or recordings to make. epochs, batch_size, lr: of the run on them.

    Of pictures alone: size, in pixels; difficulty: of the skies, see ``data=skies``; cast: how much their colours are
    tinted, see ``augmentation``. Recordings become spectrograms in the way that the run's own do.
    """

    kinds: ClassVar[tuple[Kind, ...]] = ("image", "spectrogram")
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

    def first_weights(self, data: Option) -> FirstRun:
        on = self._on_voices if data.target_class("data").kind == "spectrogram" else self._on_skies
        return FirstRun(*on(data), self.epochs, self.batch_size, self.lr)

    def _on_skies(self, _: Option) -> tuple[Option, tuple[int, ...], Option]:
        drawn = {"n_samples": self.n_samples, "size": self.size, "difficulty": self.difficulty, "seed": 0}
        return (
            Option("skies", "overcast.data.skies.Skies", drawn),
            (3, self.size, self.size),
            Option("augmentation", "overcast.mitigation.augmentation.Augmentation", {"cast": self.cast}),
        )

    def _on_voices(self, data: Option) -> tuple[Option, tuple[int, ...], Option]:
        said = {"n_voices": max(WORDS, self.n_samples // WORDS), "seed": 0, "n_mels": 40}
        said |= {name: data.values[name] for name in FEATURES if name in data.values}
        return (
            Option("voices", "overcast.data.voices.Voices", said),
            (1, BANDS if said.get("front_end", "log_mel") != "log_mel" else said["n_mels"]),
            Option(name := "spectrogram_augmentation", f"overcast.mitigation.{name}.SpectrogramAugmentation", {}),
        )
