"""Imports and plans without a search for garbage, which goes on afterwards."""

from __future__ import annotations

import gc

import pytest

from overcast.core.collection import collection_paused


def test_garbage_is_looked_for_after_the_block_however_it_ends() -> None:
    with collection_paused():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(KeyError), collection_paused():
        raise KeyError
    assert gc.isenabled()
    gc.unfreeze()
