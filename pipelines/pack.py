"""pack: decode every raw file once into one array, and audit what was odd on the way.

python pipelines/pack.py data=folder data.path=/pictures
"""

from omegaconf import DictConfig

from overcast.config import name_of, pipeline, plain
from overcast.paths import project_path


@pipeline
def main(cfg: DictConfig) -> None:
    from overcast.options import dataset, numbers
    from overcast.prepare.pack import pack

    option = plain(cfg)["data"]
    pack(name_of(option), dataset(option), numbers(option), project_path(cfg.data_dir))


if __name__ == "__main__":
    main()
