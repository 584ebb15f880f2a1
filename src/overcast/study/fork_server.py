"""The process that a study's workers are forked from: what a run needs is imported once for all of them."""

from __future__ import annotations

from multiprocessing import forkserver, set_forkserver_preload

from joblib.externals.loky.backend.context import set_start_method


def start_fork_server() -> None:
    """Start it, and let joblib take its workers from it. It imports while the study is planned, and ends with this
    process."""
    set_forkserver_preload(["overcast.study.preload"])
    forkserver.ensure_running()
    set_start_method("forkserver", force=True)
