"""What makes a spectrogram of a recording: bands to taste, or those that a pretrained network was trained with."""

from __future__ import annotations

from typing import Literal

from overcast.readers.audio import LogMel
from overcast.readers.speech_bands import SpeechBands

FrontEnd = Literal["log_mel", "speech_embedding"]


def front_end(name: FrontEnd, log_mel: LogMel) -> LogMel | SpeechBands:
    """``log_mel`` itself, or what is made for a pretrained network, which has no options."""
    return log_mel if name == "log_mel" else SpeechBands()


def needed_by_network(features: LogMel | SpeechBands) -> str:
    """The front end's name where a network needs to know it: `Spec.front_end`."""
    return "" if isinstance(features, LogMel) else features.name
