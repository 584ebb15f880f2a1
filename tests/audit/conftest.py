"""A packed folder of pictures with something odd of every kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from overcast.data.folder import Folder
from overcast.prepare.download import download
from overcast.prepare.pack import pack

OPTIONS: dict[str, Any] = {"path": "?", "size": 16, "channels": 1}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A packed folder of two classes: a copy within one, a copy across, an unreadable and a tiny file."""
    place = tmp_path / "in"
    for label, side in (("a", 16), ("b", 24)):
        (place / label).mkdir(parents=True)
        for i in range(6):
            noise = np.random.default_rng([side, i]).integers(0, 255, (side, 2 * side), dtype=np.uint8)
            Image.fromarray(noise).save(place / label / f"{i}.png")
    (place / "a" / "again.png").write_bytes((place / "a" / "0.png").read_bytes())
    (place / "b" / "other.png").write_bytes((place / "a" / "1.png").read_bytes())
    (place / "a" / "empty <b>.jpg").touch()
    Image.new("L", (3, 3)).save(place / "b" / "dot.png")
    dataset = Folder(str(place), 16, 1)
    download("folder", dataset, tmp_path / "data", None)
    pack("folder", dataset, OPTIONS, tmp_path / "data")
    return tmp_path / "data"
