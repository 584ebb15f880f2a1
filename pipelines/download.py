"""download: fetch or render a data set's raw files, verified, into data/<name>/raw.

python pipelines/download.py data=weather mirror=/media/archives
"""

from pathlib import Path

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.run_config import RunConfig
from overcast.config.script import Session, hydra_script
from overcast.core.console import show
from overcast.core.paths import project_path


@hydra_script
def main(config: RunConfig, _: Session) -> None:
    from overcast.data import build_dataset
    from overcast.prepare.download import download
    from overcast.prepare.one_process import one_process_at_once

    name, root, mirror = config.data.name, project_path(config.data_dir), Path(config.mirror) if config.mirror else None
    with one_process_at_once(root / name):
        raw = download(name, build_dataset(config.data), root, mirror)
    show(f"raw files: {raw}")


if __name__ == "__main__":
    main()
