"""RNN: the plain recurrent network, whose state is made anew at each step from the input and the state before.

Expected: much like the LSTM, for a third of its time, where what matters lies a few steps back; far behind it
where something must be kept for long, since gradients shrink or grow with every step (Bengio, Simard & Frasconi
1994).

    python pipelines/train.py data=digits model=rnn
"""

from __future__ import annotations

from torch import nn

from overcast.model._recurrent import Recurrent


class RNN(Recurrent):
    """Layers of tanh units, each fed with the input and all last outputs of its layer (Elman 1990)."""

    cell = nn.RNN
