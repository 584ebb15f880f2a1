"""train: one run, or with -m or +study=… a whole study.

python pipelines/train.py model=lstm mitigation=[augmentation,early_stopping] epochs=30
"""

from omegaconf import DictConfig

from overcast.config import pipeline, plain


@pipeline
def main(cfg: DictConfig) -> None:
    from overcast.study import current
    from overcast.train import train

    config = plain(cfg)
    run = train(config, current())
    print(f"trained: {run.folder}")


if __name__ == "__main__":
    main()
