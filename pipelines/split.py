"""split: give each row of the pack its part, for every fold. Milliseconds, seconds for 70,000; reads no picture.

python pipelines/split.py data=weather split.seed=1
"""

from omegaconf import DictConfig

from overcast.config import name_of, pipeline, plain
from overcast.paths import project_path


@pipeline
def main(cfg: DictConfig) -> None:
    from overcast.prepare.split import split

    cut = plain(cfg)["split"]
    split(name_of(cfg.data), project_path(cfg.data_dir), seed=cut["seed"], folds=cut["folds"])


if __name__ == "__main__":
    main()
