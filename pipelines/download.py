"""download: fetch or render a data set's raw files, verified, into data/<name>/raw.

python pipelines/download.py data=weather mirror=/media/archives
"""

from pathlib import Path

from overcast.config.run_config import RunConfig
from overcast.config.script import Session, hydra_script
from overcast.core.paths import project_path


@hydra_script
def main(config: RunConfig, _: Session) -> None:
    from overcast.data import build_dataset
    from overcast.prepare.download import download

    mirror = Path(config.mirror) if config.mirror else None
    raw = download(config.data.name, build_dataset(config.data), project_path(config.data_dir), mirror)
    print(f"raw files: {raw}")


if __name__ == "__main__":
    main()
