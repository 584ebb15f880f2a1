"""DNN: several fully connected layers of rectified linear units.

Expected: better than one sigmoid layer, well below a convolutional network of a tenth of its weights on
photographs. Seconds a run.

    python pipelines/train.py data=digits model=dnn
"""

from __future__ import annotations

from overcast.model._feedforward import Feedforward


class DNN(Feedforward):
    """Flatten, ``len(hidden)`` hidden layers, one output per class (ReLU: Glorot, Bordes & Bengio 2011)."""
