"""train: one run, or with -m or +study=… a whole study.

python pipelines/train.py model=lstm mitigation=[augmentation,early_stopping] epochs=30
"""

import yaml

from overcast.config.run_config import RunConfig
from overcast.config.script import hydra_script


@hydra_script
def main(config: RunConfig) -> object:
    from overcast.study.session import current
    from overcast.training.train import train

    print(yaml.safe_dump(config.to_dict(), sort_keys=False, allow_unicode=True))
    run = train(config, current())
    print(f"trained: {run.folder}")
    return run


if __name__ == "__main__":
    main()
