"""Accuracy on the photographs against training time: what each recipe reaches, on folds that none was chosen on.

    python benchmarks/front.py                      the table, and docs/front.png; an hour on one core
    python benchmarks/front.py folder=front         keeps data and results there: stopped, it goes on from them

One thread a run. Time is CPU time of one run, without what is made once and shared by all (first weights, told apart).
Recipes were chosen inside the train part of fold 0 of split.seed=0; here are folds 4, 5 and 6 of split.seed=1.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import fmean, median

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch

from _timing import config, quiet
from overcast.config.script import plain_script
from overcast.core.atomic import whole_file
from overcast.core.paths import ROOT

FOLDS = (4, 5, 6)

TICKS = (15, 30, 60, 120, 240)
"""Seconds."""

SMALL = "data.size=64"
LARGE = "data.size=128 model.stem_stride=4"
LONG = "epochs=40 batch_size=32 lr=0.003"
PLAIN = "mitigation=[augmentation,batch_norm]"
SMOOTHED = "mitigation=[augmentation,batch_norm,label_smoothing]"
DRAWN = (
    "mitigation=[synthetic_pretraining,augmentation,batch_norm,label_smoothing] mitigation.augmentation.cast=0.2 "
    "lr=0.0015 batch_size=32"
)
RECIPES = {
    "default run": f"{SMALL} model=cnn {PLAIN}",
    "cnn, 40 epochs": f"{SMALL} model=cnn {PLAIN} {LONG}",
    "resnet without blocks": f"{SMALL} model=resnet model.blocks=0 {PLAIN}",
    "resnet without blocks, 40 epochs": f"{SMALL} model=resnet model.blocks=0 {SMOOTHED} {LONG}",
    "first weights, 128 pixels, 15 epochs": f"{LARGE} model=resnet model.blocks=0 {DRAWN} epochs=15",
    "first weights, 128 pixels, 40 epochs": f"{LARGE} model=resnet model.blocks=0 {DRAWN} epochs=40",
    "first weights, 128 pixels, 80 epochs": f"{LARGE} model=resnet model.blocks=0 {DRAWN} epochs=80",
    "resnet": f"{SMALL} model=resnet {PLAIN}",
}


@dataclass
class Arguments:
    """folder: where data, runs and results are kept; a temporary one without it. picture: the file to draw."""

    folder: str = ""
    picture: str = str(ROOT / "docs" / "front.png")


def measure(recipe: str, fold: int, folder: Path) -> dict[str, float]:
    """Test accuracy of a run of this recipe, and CPU seconds of its training."""
    from overcast.evaluation.evaluate import evaluate
    from overcast.training.train import train

    words = ["data=weather", "split.seed=1", f"split.fold={fold}", *recipe.split()]
    size = next(word for word in words if word.startswith("data.size"))
    asked = config(folder, *words, f"data_dir={folder / size.replace('=', '-')}")
    began = time.process_time()
    run = train(asked)
    seconds = time.process_time() - began
    with quiet():
        return {"accuracy": evaluate(run, pictures=False)["test"]["accuracy"], "seconds": seconds}


def draw(points: dict[str, tuple[float, list[float]]], picture: Path) -> None:
    """points: seconds, and the accuracy of each fold."""
    from overcast.html.figures import canvas, png
    from overcast.html.style import BLACK, PALE

    figure, ((axes,),) = canvas(9, 5)
    for number, (name, (seconds, accuracies)) in enumerate(sorted(points.items(), key=lambda point: point[1][0]), 1):
        mean = 100 * fmean(accuracies)
        axes.plot([seconds] * 2, [100 * min(accuracies), 100 * max(accuracies)], color=PALE, linewidth=3)
        axes.plot(seconds, mean, "o", color=BLACK, markersize=6, label=f"{number}  {name}")
        axes.annotate(f" {number}", (seconds, mean), fontsize=9)
    axes.set_xscale("log")
    axes.set_xticks(TICKS, map(str, TICKS))
    axes.minorticks_off()
    axes.set_xlabel("CPU seconds of one run")
    axes.set_ylabel("test accuracy, %: mean and range of three folds")
    axes.grid(color=PALE, linewidth=0.5)
    axes.legend(loc="lower right", fontsize=8, handlelength=0, markerscale=0, handletextpad=0)
    picture.write_bytes(png(figure))


@plain_script
def main(arguments: Arguments) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(arguments.folder or place).resolve()
        folder.mkdir(exist_ok=True)
        kept = folder / "front.json"
        found: dict[str, dict[str, float]] = json.loads(kept.read_text(encoding="utf8")) if kept.exists() else {}
        for recipe, fold in product(RECIPES.values(), FOLDS):
            if (key := f"{recipe} {fold}") not in found:
                found[key] = measure(recipe, fold, folder)
                whole_file(kept, json.dumps(found, indent=1))
        points = {}
        print("| recipe | CPU seconds | made once | test accuracy, % | folds |\n|---|---|---|---|---|")
        for name, recipe in RECIPES.items():
            runs = [found[f"{recipe} {fold}"] for fold in FOLDS]
            seconds = median(run["seconds"] for run in runs)
            once = max(run["seconds"] for run in runs) - seconds if "synthetic" in recipe else 0  # by the first to ask
            accuracies = [run["accuracy"] for run in runs]
            points[name] = seconds, accuracies
            folds = ", ".join(f"{100 * accuracy:.1f}" for accuracy in accuracies)
            made = f"{once:.0f}" if once > seconds / 4 else ""
            print(f"| {name} | {seconds:.0f} | {made} | {100 * fmean(accuracies):.1f} | {folds} |")
        draw(points, Path(arguments.picture))


if __name__ == "__main__":
    main()
