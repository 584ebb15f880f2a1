"""train: one run, or with -m or +study=… a whole study.

python pipelines/train.py model=lstm mitigation=[augmentation,early_stopping] epochs=30
"""

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.run_config import RunConfig
from overcast.config.script import Session, hydra_script
from overcast.core.console import show
from overcast.training.torchrun import run_with_torchrun


@hydra_script
def main(config: RunConfig, session: Session) -> object:
    from overcast.study.trial import run_trial
    from overcast.tracking.unrecorded import tell_unrecorded
    from overcast.training.train import train

    run = run_trial(config, session.study) if session.study else train(config)
    show(f"trained: {run.folder}")
    if not session.study:
        tell_unrecorded(run)
    return run


if __name__ == "__main__":
    run_with_torchrun(main)
