"""audit: a page to look at a packed data set: classes, sizes, duplicates side by side, odd files, label issues.

python pipelines/audit.py data=weather
python pipelines/audit.py data=weather prepare=true out=reports/look    # packed on the way, where it is not
python pipelines/audit.py data=weather language=ko                      # the page in Korean
"""

import sys

import overcast.core.startup  # noqa: F401 - Ctrl-C while the rest is imported
from overcast.config.run_config import RunConfig
from overcast.config.script import Session, hydra_script
from overcast.core.console import show
from overcast.core.paths import project_path
from overcast.core.words import current_language


@hydra_script
def main(config: RunConfig, _: Session) -> None:
    from overcast.audit.audit import audit
    from overcast.data import build_dataset
    from overcast.prepare.missing_steps import prepare_pack

    if config.prepare:
        prepare_pack(config)
    root, dataset = project_path(config.data_dir), build_dataset(config.data)
    page = audit(config.data.name, config.data.values, root, **chosen, language=current_language(), dataset=dataset)
    show(f"page: {page}")


if __name__ == "__main__":
    # where to write to is no default, and no part of the config
    own = [word for word in sys.argv[1:] if word.startswith("out=")]
    chosen = dict(word.split("=", 1) for word in own)
    sys.argv = [word for word in sys.argv if word not in own]
    main()
