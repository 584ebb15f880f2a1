"""One run on the processes that torchrun has started, on this machine and on others, alone or in a sweep.

The first process, rank 0, is the command: it plans, records, and tells the others of each run, which has a folder that
all of them see. They train their parts of every batch in it, and wait for the next. One that fails says why and ends,
whereupon torchrun ends all of them.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from overcast.config.script import fail, language_asked_for
from overcast.core.devices import Devices, refuse_other_machine, this_machine
from overcast.core.errors import DivergedError, UserError
from overcast.core.launchers import torchrun_ranks
from overcast.core.system_errors import refusals_told
from overcast.tracking.run import RunRecorder
from overcast.tracking.run_folder import Run

UNTIL_NEXT_RUN = timedelta(days=30)


class Ranks:
    """All processes of this torchrun: rank 0 tells the others on a line of its own what they train together.

    What torch knows as its process group is there during a training alone: outside of it rank 0 measures by itself.
    """

    def __init__(self) -> None:
        from torch.distributed import PrefixStore, ProcessGroupGloo, TCPStore  # type: ignore[attr-defined] # public

        rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        hosts = rank == 0 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
        with _loss_told():
            self._store = TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), is_master=hosts)
            self._line: Any = ProcessGroupGloo(PrefixStore("line", self._store), rank, world, UNTIL_NEXT_RUN)
        self._trainings = 0
        self.idle = True
        """Whether all listen to rank 0."""

    def tell(self, job: tuple[Any, ...] | int = 0) -> tuple[Any, ...] | int:
        """What rank 0 tells, which only it gives: the arguments of `overcast.training.fit.fit`, or its exit code.

        Raises: UserError if another process is lost.
        """
        from torch import empty, frombuffer, tensor, uint8

        sent = frombuffer(bytearray(pickle.dumps(job)), dtype=uint8)
        length = tensor([len(sent)])
        with _loss_told():
            self._line.broadcast(length, 0).wait()
            sent = sent if os.environ["RANK"] == "0" else empty(int(length), dtype=uint8)
            self._line.broadcast(sent, 0).wait()
        told: tuple[Any, ...] | int = pickle.loads(sent.numpy().tobytes())
        return told

    def fit(self, job: tuple[Any, ...], record: RunRecorder, shown: bool) -> dict[str, Any]:
        """This process's part of what rank 0 has told.

        Raises: as `overcast.training.fit.fit` does; UserError if another process is lost.
        """
        import torch
        from torch import distributed
        from torch.distributed import PrefixStore  # type: ignore[attr-defined] # it is public

        from overcast.training.fit import PATIENCE, fit

        run, devices, title, first, resume = job
        self._trainings += 1
        self.idle = False
        with _loss_told():
            distributed.init_process_group(
                "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo",
                store=PrefixStore(f"training {self._trainings}", self._store),
                rank=int(os.environ["RANK"]),
                world_size=int(os.environ["WORLD_SIZE"]),
                timeout=PATIENCE,
            )
            try:
                answer: dict[str, Any] | DivergedError = fit(run, devices, record, title, shown, first, resume)
            except DivergedError as error:  # which all find at once
                answer = error
            distributed.destroy_process_group()
        self.idle = True
        if isinstance(answer, DivergedError):
            raise answer
        return answer


@contextmanager
def _loss_told() -> Iterator[None]:
    """Raises: UserError for what torch says of a process that is gone."""
    try:
        yield
    except RuntimeError as error:
        if "gloo" not in str(error) and type(error).__name__ not in ("DistBackendError", "DistNetworkError"):
            raise
        raise UserError("another process of torchrun is lost; if it could, it has said why where it ran") from None


_ranks: list[Ranks] = []
"""Those of this process, once it leads them."""


def run_with_torchrun(main: Callable[[], None]) -> None:
    """Run a script's main; of torchrun's processes, rank 0 alone does."""
    if not torchrun_ranks(os.environ):
        main()
        return
    with language_asked_for(sys.argv[1:]):
        try:
            with refusals_told():
                if os.environ["RANK"] == "0":
                    with _leading():
                        main()
                else:
                    _follow()
        except UserError as error:
            fail(type(error)(f"rank {os.environ['RANK']} failed: {error}"))


@contextmanager
def _leading() -> Iterator[None]:
    """Rank 0's work, at whose end the others end too; in the middle of a training torchrun ends them."""
    ranks = Ranks()
    _ranks.append(ranks)
    code = 1
    try:
        yield
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise
    finally:
        _ranks.clear()
        if ranks.idle:
            with suppress(UserError):
                ranks.tell(code)


def fit_together(
    run: Run, devices: Devices, record: RunRecorder, title: str, shown: bool, first: Run | None, resume: bool
) -> dict[str, Any]:
    """`overcast.training.fit.fit` on all processes, by rank 0, which has ``record``.

    Raises: what that does; UserError if another process is lost.
    """
    job = (Run(run.folder.absolute()), devices, title, first, resume)
    _ranks[0].tell(job)
    return _ranks[0].fit(job, record, shown)


def _follow() -> None:
    """What the processes but rank 0 do: train what it tells, until it ends; then with the same exit code.

    One that ended well before the others failed would keep its torchrun waiting for theirs.
    """
    sys.exit(_train_what_is_told(Ranks()))


def _train_what_is_told(ranks: Ranks) -> int:
    while not isinstance(job := ranks.tell(), int):
        run, devices, *_ = job
        if not run.path("config.yaml").exists():
            raise UserError(f"{run.folder} is not there, where rank 0 has made it: give all machines a shared folder")
        refuse_other_machine(devices, run.config.trainer.precision, this_machine())
        with suppress(DivergedError):  # which rank 0 tells
            ranks.fit(job, RunRecorder(), shown=False)
    return job
