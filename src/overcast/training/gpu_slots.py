"""The GPUs of a run, where several runs of a study are at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from overcast.core.locks import lock_first
from overcast.tracking.study_info import StudyInfo


@contextmanager
def own_gpus(study: StudyInfo | None) -> Iterator[tuple[int, ...]]:
    """The GPUs that no other run of this study has inside the block; () where none are set aside.

    The slots are locked files in the study's folder, so that one whose worker died is free again.
    """
    if study is None or not study.slots:
        yield ()
        return
    folders = [Path(study.folder) / "slots" / str(number) for number in range(len(study.slots))]
    with lock_first(folders) as number:
        yield study.slots[number]
