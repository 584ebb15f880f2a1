"""train: one run, or with -m or +study=… a whole study.

python pipelines/train.py model=lstm mitigation=[augmentation,early_stopping] epochs=30
"""

import yaml
from omegaconf import DictConfig

from overcast.config import pipeline, plain


@pipeline
def main(cfg: DictConfig) -> object:
    from overcast.study import current
    from overcast.train import train

    config = plain(cfg)
    print(yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    run = train(config, current())
    print(f"trained: {run.folder}")
    return run


if __name__ == "__main__":
    main()
