"""split: give each row of the pack its part, for every fold. Milliseconds, seconds for 70,000; reads no picture.

python pipelines/split.py data=weather split.seed=1
python pipelines/split.py data=weather split.calibration=0.1
python pipelines/split.py data=folder data.path=/pictures split.file=/published.csv
"""

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.run_config import RunConfig
from overcast.config.script import Session, hydra_script
from overcast.core.paths import project_path


@hydra_script
def main(config: RunConfig, _: Session) -> None:
    from overcast.prepare.one_process import one_process_at_once
    from overcast.prepare.split import split

    name, root, cut = config.data.name, project_path(config.data_dir), config.split
    with one_process_at_once(root / name):
        split(name, root, cut.seed, config.folds, cut.file, cut.calibration)


if __name__ == "__main__":
    main()
