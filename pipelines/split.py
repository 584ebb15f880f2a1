"""split: give each row of the pack its part, for every fold. Milliseconds; reads no picture.

python pipelines/split.py data=weather split.seed=1
"""

from pathlib import Path

from omegaconf import DictConfig

from overcast.config import name_of, pipeline


@pipeline
def main(cfg: DictConfig) -> None:
    from overcast.prepare.split import split

    split(name_of(cfg.data), Path(cfg.data_dir), seed=cfg.split.seed, folds=cfg.split.folds)


if __name__ == "__main__":
    main()
