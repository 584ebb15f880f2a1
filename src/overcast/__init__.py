"""overcast: which way of fighting overfitting works, for this network on this data, and how sure are we?

The Python interface is the names below; each is imported when it is first used.

    import overcast

    run = overcast.train("model=lstm", "epochs=3")
    overcast.evaluate(run)["test"]["accuracy"]
    overcast.predict(run, "/pictures")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from overcast.interface import compare, evaluate, load_run, open_pack, predict, train

__all__ = ["compare", "evaluate", "load_run", "open_pack", "predict", "train"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module("overcast.interface"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
