"""download: fetch or render a data set's raw files, verified, into data/<name>/raw.

python pipelines/download.py data=weather mirror=/media/archives
"""

from pathlib import Path

from omegaconf import DictConfig

from overcast.config import name_of, pipeline, plain
from overcast.paths import project_path


@pipeline
def main(cfg: DictConfig) -> None:
    from overcast.options import dataset
    from overcast.prepare.fetch import download

    config = plain(cfg)
    mirror = Path(config["mirror"]) if config["mirror"] else None
    raw = download(name_of(cfg.data), dataset(config["data"]), project_path(cfg.data_dir), mirror)
    print(f"raw files: {raw}")


if __name__ == "__main__":
    main()
