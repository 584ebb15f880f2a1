"""audit: a page to look at a packed data set: classes, sizes, duplicates side by side, odd files, label suspects.

python pipelines/audit.py data=weather
python pipelines/audit.py data=weather out=reports/look
"""

import sys

from omegaconf import DictConfig

from overcast.config import name_of, pipeline
from overcast.paths import project_path


@pipeline
def main(cfg: DictConfig) -> None:
    from overcast.options import numbers
    from overcast.report.audit import audit

    print(f"page: {audit(name_of(cfg.data), numbers(cfg.data), project_path(cfg.data_dir), out[-1] if out else '')}")


if __name__ == "__main__":
    # a place to write to is no pick, and no part of the config
    out = [word.removeprefix("out=") for word in sys.argv[1:] if word.startswith("out=")]
    sys.argv = [word for word in sys.argv if not word.startswith("out=")]
    main()
