"""audit: a page to look at a packed data set: classes, sizes, duplicates side by side, odd files, label issues.

python pipelines/audit.py data=weather
python pipelines/audit.py data=weather prepare=true out=reports/look    # packed on the way, where it is not
"""

import sys

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.run_config import RunConfig
from overcast.config.script import Session, hydra_script
from overcast.core.paths import project_path


@hydra_script
def main(config: RunConfig, _: Session) -> None:
    from overcast.audit.audit import audit
    from overcast.prepare.missing_steps import prepare_pack

    if config.prepare:
        prepare_pack(config)
    print(f"page: {audit(config.data.name, config.data.values, project_path(config.data_dir), out[-1] if out else '')}")


if __name__ == "__main__":
    # a place to write to is no default, and no part of the config
    out = [word.removeprefix("out=") for word in sys.argv[1:] if word.startswith("out=")]
    sys.argv = [word for word in sys.argv if not word.startswith("out=")]
    main()
