"""Packing and batches, beside files that are opened one by one."""

from __future__ import annotations

import time
from pathlib import Path

from _timing import Work, config, in_turns, quiet


def batches(folder: Path, rounds: int) -> list[float]:
    """Samples a second: augmented batches by index from the pack, over photographs opened and augmented one by one.

    The photographs are the pack's pictures as JPEG files of 640×480 pixels, scaled to 64 when they are opened.
    """
    import numpy as np
    import torch
    from PIL import Image

    from overcast.core.seeding import generator
    from overcast.mitigation import Batch
    from overcast.prediction.build import build_mitigations
    from overcast.prediction.preprocessor import build_preprocessor
    from overcast.prediction.trained_network import open_config_pack
    from overcast.prepare.missing_steps import prepare_missing
    from overcast.training.batch_loader import BatchLoader

    asked = config(folder, "data.n_samples=300", "mitigation=augmentation")
    with quiet():
        prepare_missing([asked])
    pack = open_config_pack(asked)
    rows = np.arange(len(pack.labels))
    preprocessor = build_preprocessor(pack.spec).fit(pack, rows)
    augmentation = build_mitigations(asked.mitigation, "image")["augmentation"]
    paths = [folder / f"{row}.jpg" for row in rows]
    for path, picture in zip(paths, pack.values, strict=True):
        Image.fromarray(picture.transpose(1, 2, 0)).resize((640, 480)).save(path, quality=90)

    def changed(x: torch.Tensor, y: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
        return augmentation.batch(Batch(preprocessor(x, length), y, length, 5), generator(0, "augmentation")).x

    def ours() -> None:
        for x, y, length in BatchLoader(pack, rows, 64):
            changed(x, y, length)

    def one_by_one() -> None:
        for start in range(0, len(paths), 64):
            pictures = []
            for path in paths[start : start + 64]:
                picture = Image.open(path).convert("RGB").resize((64, 64))
                x = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]
                pictures.append(changed(x, torch.zeros(1, dtype=torch.long), torch.full((1,), 64)))
            torch.cat(pictures)

    return [1 / ratio for ratio in in_turns(ours, one_by_one, rounds)]


def packing(folder: Path, rounds: int) -> list[float]:
    """Seconds: opening and scaling 1,500 photographs of 640×480 with PIL, over packing them on all cores."""
    import numpy as np
    from PIL import Image

    from overcast.data import build_dataset
    from overcast.data._sky_painter import CLASSES, label_of, render
    from overcast.prepare.download import download
    from overcast.prepare.pack import pack

    for name in CLASSES:
        (folder / "photographs" / name).mkdir(parents=True)
    for index, picture in enumerate(render(range(1500), seed=0, size=64, difficulty=0.5)):
        path = folder / "photographs" / CLASSES[label_of(index)] / f"{index}.jpg"
        Image.fromarray(picture).resize((640, 480)).save(path, quality=90)
    asked = config(folder, "data=folder", f"data.path={folder / 'photographs'}")
    dataset = build_dataset(asked.data)
    with quiet():
        raw = download("folder", dataset, folder / "data", None)

    def plain() -> None:
        np.stack([np.array(Image.open(path).convert("RGB").resize((64, 64))) for path in sorted(raw.glob("*/*.jpg"))])

    def ours() -> None:
        pack("folder", dataset, asked.data.values, folder / "data")

    def seconds(work: Work) -> float:
        began = time.perf_counter()
        with quiet():
            work()
        return time.perf_counter() - began

    return [seconds(plain) / seconds(ours) for _ in range(rounds)]
