"""LSTM: reads a sequence step by step with a memory that gates guard, and a picture row by row.

The default options read from both ends and take the mean of all states, which is best where what matters may be
anywhere. For the plain network that must remember to the end: model.bidirectional=false model.pool=last.

Expected: the network to choose for sequences; on a picture it sees one row at a time and falls behind the
convolutional one. About the CNN's time a run.

    python pipelines/train.py data=digits model=lstm
"""

from __future__ import annotations

from torch import nn

from overcast.model._recurrent import Recurrent


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter & Schmidhuber 1997), with forget gates (Gers et al. 2000)."""

    cell = nn.LSTM
