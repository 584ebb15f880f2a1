"""pack: decode every raw file once into one array, and audit what was odd on the way.

python pipelines/pack.py data=folder data.path=/pictures
"""

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.run_config import RunConfig
from overcast.config.script import Session, hydra_script
from overcast.core.paths import project_path


@hydra_script
def main(config: RunConfig, _: Session) -> None:
    from overcast.data import build_dataset
    from overcast.prepare.one_process import one_process_at_once
    from overcast.prepare.pack import pack

    name, root = config.data.name, project_path(config.data_dir)
    with one_process_at_once(root / name):
        pack(name, build_dataset(config.data), config.data.values, root)


if __name__ == "__main__":
    main()
