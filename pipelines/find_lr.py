"""find_lr: a learning rate for a network on data, by a range test; a hundred steps, of which nothing is kept.

python pipelines/find_lr.py model=lstm data=speech
"""

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.run_config import RunConfig
from overcast.config.script import Session, hydra_script


@hydra_script
def main(config: RunConfig, _: Session) -> None:
    from overcast.core.paths import project_path
    from overcast.tuning.find_lr import find_lr

    name = f"{config.data.name}-{config.model.name}-{config.mitigation_name}"
    find_lr(config, project_path("reports") / "find_lr" / f"{name[:80]}.png")


if __name__ == "__main__":
    main()
